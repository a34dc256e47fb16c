// What the built package adds to a user's bundle, minified and gzipped, compared with its peers. Exits with 1 if a
// limit is exceeded. Needs `dist`.
// Usage: npm run size [-- --explain]; --explain lists the minified bytes of each source module.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

interface Bundle {
  readonly title: string
  readonly code: string
  /** The maximum gzipped size in bytes (1 kB is 1,000). Peers have none: they are shown for comparison. */
  readonly limit?: number
  /** A module that is not included in the size, because only Node provides it. */
  readonly external?: string
}

interface Measured {
  readonly minified: number
  readonly gzipped: number
  readonly modules: ReadonlyMap<string, number>
}

const root = fileURLToPath(new URL('..', import.meta.url))

const bundles: readonly Bundle[] = [
  { title: 'the default breaker', code: "export { CircuitBreaker } from 'recloser'", limit: 14_260 },
  { title: 'everything in the main entry', code: "export * from 'recloser'", limit: 21_620 },
  {
    title: "cockatiel's breaker",
    code: "export { circuitBreaker, ConsecutiveBreaker, handleAll } from 'cockatiel'",
  },
  { title: "opossum's breaker", code: "export { default } from 'opossum'", external: 'events' },
]

/** Measures the built package, or the sources that `paths` in tsconfig.json names. */
async function measure({ code, external }: Bundle, from: 'dist' | 'src'): Promise<Measured> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    external: external ? [external] : [],
    ...(from === 'dist' && { tsconfigRaw: {} }),
    format: 'esm',
    target: 'es2022',
    metafile: true,
    write: false,
  })
  const modules = new Map<string, number>()
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) modules.set(path, bytesInOutput)
  }
  const [output] = outputFiles
  if (!output) throw new Error('Expected esbuild to write one file')
  return {
    minified: output.contents.length,
    gzipped: gzipSync(output.contents, { level: 9 }).length,
    modules,
  }
}

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(2)} kB`.padStart(9)

function explain({ minified, modules }: Measured): void {
  for (const [path, bytes] of [...modules].toSorted(([, a], [, b]) => b - a)) {
    if (bytes > 0)
      console.log(
        `  ${String(bytes).padStart(6)}  ${((bytes / minified) * 100).toFixed(1).padStart(4)} %  ${path}`,
      )
  }
}

if (!existsSync(new URL('../dist/index.js', import.meta.url)))
  throw new Error('Expected `dist`; run `npm run build`')

console.log('bundle                          minified     min+gz      limit')
for (const bundle of bundles) {
  const { title, limit, external } = bundle
  const size = await measure(bundle, 'dist')
  const met = limit === undefined || size.gzipped <= limit
  if (!met) process.exitCode = 1
  const verdict = limit === undefined ? '' : `  ${kilobytes(limit)}  ${met ? 'ok' : 'TOO BIG'}`
  const without = external ? `  without \`${external}\`, which it imports from Node` : ''
  console.log(
    `${title.padEnd(30)} ${kilobytes(size.minified)}  ${kilobytes(size.gzipped)}${verdict}${without}`,
  )
  if (process.argv.includes('--explain')) explain(await measure(bundle, 'src'))
}
