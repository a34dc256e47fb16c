import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { chunkGroups, isExternal } from './chunks.ts'
import { root, type EntryPoint } from './entry-points.ts'

/**
 * `using` is of TypeScript 5.2, and an older compiler refuses a reference to its library. Declared like this it is there
 * for every compiler and whatever `lib` says, and it merges with the library where that is loaded.
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
 * Writes one declaration for each entry point. There is one copy of it, as CommonJS, since an ES module can lead to that in
 * every version and setting of TypeScript, and the reverse is not so: a breaker is one type, however it was imported.
 * Only where a declaration imports a peer it stands there twice, because what the peer gives to `import` and to
 * `require` may be two different types.
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
 * Exports what a declaration declares where it stands, and not in a list at its end: before version 5.4 TypeScript cannot name
 * a type from such a list when it writes the declarations of who uses it (TS2742).
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

/** What the first comment of an entry point says of the whole; the bundler leaves it out. */
function moduleDoc(source: string): string {
  const [doc = ''] = /^\/\*\*.*?\*\/\n/s.exec(readFileSync(source, 'utf8')) ?? []
  return doc
}

function write(file: string, text: string): void {
  const path = join(root, 'dist', file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
