// What the built package adds to a user's bundle, minified and gzipped. Exits 1 above a limit. Needs `dist`.
// Usage: npm run size [-- --explain]; --explain lists the minified bytes of each source module.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

interface Bundle {
  readonly title: string
  readonly code: string
  /** What it was meant to be, in bytes (1 kB is 1,000), before it had all that it has. */
  readonly target: number
  /** What it is held to: what it has come to, and a little. */
  readonly limit: number
}

interface Measured {
  readonly minified: number
  readonly gzipped: number
  readonly modules: ReadonlyMap<string, number>
}

const root = fileURLToPath(new URL('..', import.meta.url))

const bundles: readonly Bundle[] = [
  {
    title: 'the default breaker',
    code: "export { CircuitBreaker } from 'recloser'",
    target: 4_500,
    limit: 10_950,
  },
  { title: 'everything in the main entry', code: "export * from 'recloser'", target: 8_000, limit: 13_400 },
]

async function measure(code: string): Promise<Measured> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
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

console.log('bundle                          minified     min+gz      limit     target')
for (const { title, code, limit, target } of bundles) {
  const size = await measure(code)
  const met = size.gzipped <= limit
  if (!met) process.exitCode = 1
  console.log(
    `${title.padEnd(30)} ${kilobytes(size.minified)}  ${kilobytes(size.gzipped)}  ${kilobytes(limit)}  ${kilobytes(target)} ${
      size.gzipped <= target ? 'met' : 'missed'
    }  ${met ? 'ok' : 'TOO BIG'}`,
  )
  if (process.argv.includes('--explain')) explain(size)
}
