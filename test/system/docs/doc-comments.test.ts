import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import ts from 'typescript-6'
import { readEntryPoints } from '../../../scripts/build/entry-points.ts'

const entryPoints = readEntryPoints()
const program = ts.createProgram(
  entryPoints.map(({ source }) => source),
  {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    jsx: ts.JsxEmit.ReactJSX,
    types: ['node'],
  },
)
const checker = program.getTypeChecker()

/** Returns the exports of an entry point, without those that are exported as types only. */
function exportsOf(
  source: string,
): readonly { readonly name: string; readonly symbol: ts.Symbol; readonly isType: boolean }[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(source)!)!
  return checker.getExportsOfModule(module).map((exported) => {
    const isType = exported.declarations!.some(
      (each) => ts.isExportSpecifier(each) && ts.isTypeOnlyExportDeclaration(each),
    )
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    return { name: exported.name, symbol, isType }
  })
}

const tagsOf = (symbol: ts.Symbol): readonly string[] => symbol.getJsDocTags(checker).map(({ name }) => name)

/** Whether a property is an option of ours that may be left out. Of `window` and `lastCalls` one must be given. */
const isOptional = (property: ts.Symbol): boolean =>
  (property.flags & ts.SymbolFlags.Optional) !== 0 &&
  !/^(window|lastCalls)$/.test(property.name) &&
  property.declarations!.some((each) => each.getSourceFile().fileName.includes('/src/'))

describe('the doc comments of the public API', () => {
  for (const { specifier, source } of entryPoints) {
    it(`${specifier}: each function, class and constant has an example`, () => {
      const values = exportsOf(source).filter(
        ({ symbol, isType }) => !isType && symbol.flags & ts.SymbolFlags.Value,
      )
      const without = values
        .filter(({ symbol }) => !tagsOf(symbol).includes('example'))
        .map(({ name }) => name)
      assert.deepEqual(without, [])
    })

    it(`${specifier}: each optional option states its default`, () => {
      const without = exportsOf(source)
        .filter(({ name }) => name.endsWith('Options') && name !== 'ResolvedOptions')
        .flatMap(({ name, symbol }) =>
          checker
            .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
            .filter((property) => isOptional(property) && !tagsOf(property).includes('default'))
            .map((property) => `${name}.${property.name}`),
        )
      assert.deepEqual(without, [])
    })
  }
})
