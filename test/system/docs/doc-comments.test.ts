import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import ts from 'typescript-6'
import { join } from 'node:path'
import { mainSource, readEntryPoints, root } from '../../../scripts/build/entry-points.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/index.ts'

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
  property.declarations!.some((each) => each.getSourceFile().fileName.startsWith(join(root, 'src')))

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

  const breaker = new CircuitBreaker({ name: 'payments', storage: new MemoryStorage() })
  const defaults: Readonly<Record<string, unknown>> = { ...breaker.options, listeners: [] }

  /** Returns the value of a `@default` that is a literal; `undefined` for one that is described in words. */
  function literalOf(text: string): unknown {
    if (text === 'Infinity') return Infinity
    try {
      return JSON.parse(
        text
          .replaceAll("'", '"')
          .replaceAll(/(?<=\d)_(?=\d)/g, '')
          .replaceAll(/(\w+):/g, '"$1":'),
      )
    } catch {
      return undefined
    }
  }

  it('recloser: each default of a breaker that is a literal is the default', () => {
    const { symbol } = exportsOf(mainSource).find(({ name }) => name === 'CircuitBreakerOptions')!
    const stated = checker
      .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
      .flatMap((property) => {
        const tag = property.getJsDocTags(checker).find(({ name }) => name === 'default')
        const value = literalOf(ts.displayPartsToString(tag?.text))
        return value === undefined ? [] : [[property.name, value] as const]
      })
    assert.equal(stated.length >= 12, true)
    assert.deepEqual(
      stated,
      stated.map(([name]) => [name, defaults[name]]),
    )
  })
})
