import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { chunkGroups, isExternal } from './chunks.ts'
import { root, type EntryPoint } from './entry-points.ts'

/**
 * TypeScript has had `using` and its library since 5.2; an older compiler rejects a reference to that library. These
 * declarations work with every compiler and every `lib` setting, and merge with the library where it is loaded.
 */
const DISPOSABLE = `declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}
`

/**
 * Writes the declaration of each entry point, as CommonJS. The one for `import` re-exports it, so that a breaker has
 * one type however it is imported: an ES module may re-export from CommonJS in every version and setting of TypeScript,
 * but not the reverse. A declaration that imports a peer is written twice, because the peer may have different types
 * for `import` and for `require`.
 */
export async function buildDeclarations(entryPoints: readonly EntryPoint[]): Promise<void> {
  const tsconfig = join(root, 'tsconfig.build.json')
  const plugins = dts({ emitDtsOnly: true, generator: 'oxc', tsconfig, sourcemap: false })
  const groups = await chunkGroups(plugins)
  const build = await rolldown({
    input: Object.fromEntries(entryPoints.map(({ name, source }) => [name, source])),
    external: isExternal,
    plugins,
  })
  const { output } = await build.generate({
    format: 'es',
    chunkFileNames: 'shared/[name].d.ts',
    codeSplitting: { groups },
    minifyInternalExports: false,
  })
  await build.close()
  const files = new Set(output.map(({ fileName }) => fileName))
  for (const chunk of output) {
    if (chunk.type !== 'chunk') continue
    const name = chunk.fileName.replace(/\.d\.ts$/, '')
    const source = entryPoints.find((each) => each.name === name)?.source
    const head = source ? moduleDoc(source) : name === 'shared/core' ? DISPOSABLE : ''
    const text = head + exportedInPlace(chunk.code).replaceAll(/((?:from|import) "\..*)\.js"/g, '$1.cjs"')
    write(`${name}.d.cts`, text)
    const peers = chunk.imports.filter((file) => !files.has(file))
    if (chunk.isEntry) write(`${name}.d.ts`, peers.length > 0 ? text : `export * from "./${name}.cjs";\n`)
    else if (peers.length > 0) throw new Error(`${chunk.fileName} is shared and imports ${peers.join(', ')}`)
  }
}

/**
 * Moves exports from the list at the end of a declaration to where they are declared. TypeScript before 5.4 cannot name
 * a type that is exported by such a list when it emits the declarations of a user's code (TS2742).
 */
function exportedInPlace(code: string): string {
  const exported: string[] = []
  const listed = code.replace(
    /\nexport (type )?\{ ([^}]+) \};?\s*$/,
    (_, type: string | undefined, list: string) => {
      const left = list.split(', ').filter((entry) => {
        const name = entry.replace(/^type /, '')
        const isDeclared = declarationOf(name).test(code)
        if (isDeclared) exported.push(name)
        return !isDeclared
      })
      return left.length > 0 ? `\nexport ${type ?? ''}{ ${left.join(', ')} };` : '\n'
    },
  )
  return exported.reduce((text, name) => text.replace(declarationOf(name), 'export $&'), listed)
}

const declarationOf = (name: string): RegExp =>
  new RegExp(`^(?:interface|type|declare (?:abstract class|class|const|function)) ${name}\\b`, 'm')

/** Returns the `@module` comment of an entry point, which the bundler drops. */
function moduleDoc(source: string): string {
  const [doc = ''] = /^\/\*\*.*?\*\/\n/s.exec(readFileSync(source, 'utf8')) ?? []
  return doc
}

function write(file: string, text: string): void {
  const path = join(root, 'dist', file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
