// Bundles the dashboard's page into src/dashboard/server/assets.ts, which the sources import.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { minifySync } from 'rolldown/utils'
import { root } from './entry-points.ts'
import { licenseComment } from './licenses.ts'

const folder = join(root, 'src/dashboard/page')

/** The maximum size of all three files together, gzipped, in bytes (1 kB is 1,000). */
const LIMIT = 60_000

/** The libraries that are bundled into the script and the style. */
const LIBRARIES = ['preact', 'uplot'].map((name) => join(root, 'node_modules', name))

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, entry)],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    banner: { js: licenseComment(LIBRARIES) },
    write: false,
  })
  const [output] = outputFiles
  if (!output) throw new Error('Expected esbuild to write one file')
  return output.text
}

/** Compresses a bundled script further than esbuild does. */
function compress(script: string): string {
  const { code, errors } = minifySync('page.js', script, {
    module: true,
    compress: { target: 'es2022' },
    codegen: { removeWhitespace: true, legalComments: 'inline' },
  })
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'))
  return code
}

/**
 * Writes the page as a module of the sources and returns it as JSON.
 *
 * @throws {Error} when the page exceeds the size limit.
 */
export async function buildPage(): Promise<string> {
  const parts = {
    html: readFileSync(join(folder, 'index.html'), 'utf8').replaceAll(/\n\s*/g, ''),
    script: compress(await bundle('main.tsx')),
    style: await bundle('page.css'),
  }
  let total = 0
  for (const [name, text] of Object.entries(parts)) {
    const size = gzipSync(text, { level: 9 }).length
    total += size
    console.log(`${name.padEnd(7)} ${kilobytes(text.length)}, gzipped ${kilobytes(size)}`)
  }
  console.log(`page    gzipped ${kilobytes(total)} of ${kilobytes(LIMIT)}`)
  if (total > LIMIT) throw new Error('The page is too big')
  const page = JSON.stringify(parts, undefined, 2)
  const type = "Record<'html' | 'script' | 'style', string>"
  writeFileSync(
    join(root, 'src/dashboard/server/assets.ts'),
    `// Made by scripts/build/page.ts from the files in src/dashboard/page.\nexport const page: ${type} = ${page}\n`,
  )
  return page
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`
}
