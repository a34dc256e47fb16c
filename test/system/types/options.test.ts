import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import ts from 'typescript-6'
import { readEntryPoints, root } from '../../../scripts/build/entry-points.ts'

const settings: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  jsx: ts.JsxEmit.ReactJSX,
  types: ['node'],
}
const entryPoints = readEntryPoints()
const program = ts.createProgram(
  entryPoints.map(({ source }) => source),
  settings,
)
const checker = program.getTypeChecker()

interface Option {
  /** An expression for the type that has it. */
  readonly owner: string
  readonly name: string
}

/** The optional properties of ours, of each exported type whose name says that a user writes it. */
function optionsOf(source: string): readonly Option[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(source)!)!
  return checker
    .getExportsOfModule(module)
    .filter(({ name }) => /(Options|Patch|Listener|NoFallback)$/.test(name) && name !== 'ResolvedOptions')
    .flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      const [declaration] = symbol.declarations!
      const parameters = ts.isInterfaceDeclaration(declaration!) ? (declaration.typeParameters ?? []) : []
      const owner = `import(${JSON.stringify(source)}).${exported.name}`
      return checker
        .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
        .filter(
          (property) =>
            property.flags & ts.SymbolFlags.Optional &&
            property.declarations?.some((each) => each.getSourceFile().fileName.startsWith(`${root}/src`)),
        )
        .map(({ name }) => ({
          owner: parameters.length > 0 ? `${owner}<${parameters.map(() => 'any').join(', ')}>` : owner,
          name,
        }))
    })
}

/** Returns the options that TypeScript refuses to be `undefined`. */
function refusingUndefined(options: readonly Option[]): readonly string[] {
  const file = join(root, 'undefined.ts')
  const lines = options.map(
    ({ owner, name }) => `({ ${name}: undefined }) satisfies Pick<${owner}, '${name}'>\n`,
  )
  const host = ts.createCompilerHost(settings)
  const { getSourceFile } = host
  host.getSourceFile = (name, version) =>
    name === file
      ? ts.createSourceFile(file, `export {}\n${lines.join('')}`, version)
      : (program.getSourceFile(name) ?? getSourceFile(name, version))
  const check = ts.createProgram([file], settings, host, program)
  const source = check.getSourceFile(file)!
  return check.getSemanticDiagnostics(source).map(({ start, messageText }) => {
    const option = options[source.getLineAndCharacterOfPosition(start!).line - 1]!
    return `${option.owner} ${option.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

describe('the optional properties that users write', () => {
  const all = entryPoints.flatMap(({ source }) => optionsOf(source))

  it('are those of the breaker, its methods, its listeners and the other entry points', () => {
    const names = new Set(all.map(({ owner, name }) => `${owner.replace(/^.*\)\./, '')}.${name}`))
    const some = [
      'CircuitBreakerOptions.failMax',
      'CircuitBreakerPatch.trip',
      'CircuitBreakerListener.late',
      'RunOptions<any>.signal',
      'WrapOptions<any, any, any>.fallback',
      'SuperviseOptions.signal',
    ]
    assert.deepEqual(
      some.filter((name) => !names.has(name)),
      [],
    )
  })

  it('T4: accept undefined, with exactOptionalPropertyTypes too', () => {
    assert.deepEqual(refusingUndefined(all), [])
  })
})
