import { appendFileSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown, type CodeSplittingGroup, type Plugin } from 'rolldown'
import { minifySync } from 'rolldown/utils'
import { chunkGroups, isExternal } from './chunks.ts'
import { root, type EntryPoint } from './entry-points.ts'
import { licenseComment } from './licenses.ts'

const dist = join(root, 'dist')
/** The file of the dashboard's page, which is large; the ES and CommonJS builds share one copy. */
const PAGE = 'page.js'

const pageApart: Plugin = {
  name: 'page-apart',
  resolveId: (id) => (id.endsWith('/assets.ts') ? { id: `./${PAGE}`, external: true } : undefined),
}

/** Jest supports no `import()` in CommonJS, so there the page is read from its file, which contains it as JSON. */
const pageFromDisk: Plugin = {
  name: 'page-from-disk',
  transform: {
    filter: { id: /\/load-page\.ts$/ },
    handler: () => `
      export async function loadPage() {
        try {
          return (await import('./assets.ts')).page
        } catch {
          const text = process.getBuiltinModule('node:fs').readFileSync(import.meta.dirname + '/${PAGE}', 'utf8')
          return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))
        }
      }`,
  },
}

/** Leaves out the comments and the indentation of the Lua script, which is in both builds. */
const luaBare: Plugin = {
  name: 'lua-bare',
  transform: {
    filter: { id: /\/storage\/redis\/script\/[\w-]+\.ts$/ },
    handler: (code) =>
      code
        .replace(/--\[\[[^]*?\]\]/g, '')
        .replace(/^\s+/gm, '')
        .replace(/(?:^|\s)-- .*$/gm, ''),
  },
}

/** Writes the ES and CommonJS modules of the package, the dashboard's page, and the command line. */
export async function buildJavaScript(entryPoints: readonly EntryPoint[], page: string): Promise<void> {
  const groups = await chunkGroups()
  const input = Object.fromEntries(entryPoints.map(({ name, source }) => [name, source]))
  const command = { 'cli/index': join(root, 'src/cli/index.ts') }
  await bundle('es', { ...input, ...command }, groups)
  await bundle('cjs', input, groups)
  for (const file of globSync('{*,shared/*,cli/index}.{js,cjs}', { cwd: dist })) compress(file)
  for (const { name } of entryPoints) appendFileSync(join(dist, `${name}.cjs`), tracePointer(name))
  writeFileSync(join(dist, 'shared', PAGE), `export const page = ${page}\n`)
  await buildPanel()
}

/**
 * Node loads the ES module for `require` as well. A tool that traces the files of a deployment may resolve only the
 * `require` condition; this line, which never runs, points it to the ES module.
 */
const tracePointer = (name: string): string => `\n0 && require.resolve('./${name}.js')\n`

async function bundle(
  format: 'es' | 'cjs',
  input: Record<string, string>,
  groups: CodeSplittingGroup[],
): Promise<void> {
  const extension = format === 'es' ? 'js' : 'cjs'
  const build = await rolldown({
    input,
    external: isExternal,
    preserveEntrySignatures: 'allow-extension',
    plugins: [...(format === 'cjs' ? [pageFromDisk] : []), pageApart, luaBare],
    tsconfig: join(root, 'tsconfig.build.json'),
  })
  await build.write({
    dir: dist,
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `shared/[name].${extension}`,
    // Sources that no group matches stay in the files that import them.
    codeSplitting: { groups, includeDependenciesRecursively: false },
    // Keep the source names readable. Doc comments go into the declarations only: here they would add a tenth to the
    // package size.
    minifyInternalExports: false,
    comments: { legal: true, annotation: true, jsdoc: false },
    postFooter: ({ moduleIds }) => licenseComment(moduleIds),
  })
  await build.close()
}

/** The breaker itself, which users step into. */
const CORE = 'shared/core.js'

/**
 * Compresses a file of the build, which keeps the package below its limit of 400 kB. The names of classes and methods
 * stay, except in the command line.
 */
function compress(file: string): void {
  if (file === CORE) return
  const isCommand = file === 'cli/index.js'
  const keepNames = { function: false, class: !isCommand }
  const path = join(dist, file)
  const { code, errors } = minifySync(path, readFileSync(path, 'utf8'), {
    module: file.endsWith('.js'),
    compress: { target: 'es2022', keepNames, sequences: false },
    mangle: { keepNames },
    codegen: { removeWhitespace: true, legalComments: 'inline' },
  })
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'))
  writeFileSync(path, code)
}

/** Builds the script of the demo's control panel, which runs in a browser. */
async function buildPanel(): Promise<void> {
  const build = await rolldown({ input: join(root, 'src/cli/demo/panel.ts') })
  await build.write({ file: join(dist, 'cli/panel.js'), format: 'es' })
  await build.close()
}
