import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown, type CodeSplittingGroup, type Plugin } from 'rolldown'
import { chunkGroups, isExternal } from './chunks.ts'
import { root, type EntryPoint } from './entry-points.ts'
import { licenceComment } from './licences.ts'

const dist = join(root, 'dist')
/** The dashboard's page is big, so both builds share one copy of it. */
const PAGE = 'page.js'

const pageApart: Plugin = {
  name: 'page-apart',
  resolveId: (id) => (id.endsWith('/assets.ts') ? { id: `./${PAGE}`, external: true } : undefined),
}

/** Jest has no `import()` in CommonJS. There the page is read from its file, in which it is written as JSON. */
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

/** Writes the ES modules and the CommonJS modules of the package, the page of the dashboard, and the command. */
export async function buildJavaScript(entryPoints: readonly EntryPoint[], page: string): Promise<void> {
  const groups = await chunkGroups()
  const input = Object.fromEntries(entryPoints.map(({ name, source }) => [name, source]))
  const command = { 'cli/index': join(root, 'src/cli/index.ts') }
  await bundle('es', { ...input, ...command }, groups)
  await bundle('cjs', input, groups)
  writeFileSync(join(dist, 'shared', PAGE), `export const page = ${page}\n`)
  await buildPanel()
}

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
    plugins: format === 'cjs' ? [pageFromDisk, pageApart] : [pageApart],
    tsconfig: join(root, 'tsconfig.build.json'),
  })
  await build.write({
    dir: dist,
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `shared/[name].${extension}`,
    // Sources that no group names stay in the files that need them.
    codeSplitting: { groups, includeDependenciesRecursively: false },
    // Readable, with the names of the sources. The doc comments are in the declarations; here they would add a tenth to the
    // package.
    minifyInternalExports: false,
    comments: { legal: true, annotation: true, jsdoc: false },
    // Node loads the ES module for `require` as well. A tool that traces the files of a deployment may know only the
    // condition `require`; this line shows it the ES module, and never runs.
    postFooter: ({ isEntry, fileName, moduleIds }) =>
      format === 'cjs' && isEntry
        ? `0 && require.resolve('./${basename(fileName, '.cjs')}.js')`
        : licenceComment(moduleIds),
  })
  await build.close()
}

/** The script of the demo's panel runs in a browser. */
async function buildPanel(): Promise<void> {
  const build = await rolldown({ input: join(root, 'src/cli/demo/panel.ts') })
  await build.write({ file: join(dist, 'cli/panel.js'), format: 'es' })
  await build.close()
}
