import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown, type CodeSplittingGroup, type Plugin } from 'rolldown'
import { chunkGroups, isExternal } from './chunks.ts'
import { root, type EntryPoint } from './entry-points.ts'

const dist = join(root, 'dist')
/** The dashboard's page is big: both builds share the one copy of it. */
const PAGE = 'page.js'

const pageApart: Plugin = {
  name: 'page-apart',
  resolveId: (id) => (id.endsWith('/assets.ts') ? { id: `./${PAGE}`, external: true } : undefined),
}

/** Jest has no `import()` in CommonJS: there the page is read from the file, whose last part is JSON. */
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
    // What is not named stays where it is needed.
    codeSplitting: { groups, includeDependenciesRecursively: false },
    // Readable, with the names of the sources. The doc comments are in the declarations; they would be a tenth of the
    // package once more.
    minifyInternalExports: false,
    comments: { legal: true, annotation: true, jsdoc: false },
    // Node takes the ES module for `require` as well. What traces the files of a deployment may know only the condition
    // `require`; this leads it there, and is never run.
    postFooter: ({ isEntry, fileName }) =>
      format === 'cjs' && isEntry ? `0 && require.resolve('./${basename(fileName, '.cjs')}.js')` : '',
  })
  await build.close()
}

/** The script of the demo's panel runs in a browser. */
async function buildPanel(): Promise<void> {
  const build = await rolldown({ input: join(root, 'src/cli/demo/panel.ts') })
  await build.write({ file: join(dist, 'cli/panel.js'), format: 'es' })
  await build.close()
}
