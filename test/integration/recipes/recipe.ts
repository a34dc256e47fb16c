import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import { markdownSnippets } from '../../system/docs/snippets.ts'

const root = join(import.meta.dirname, '../../..')
const DOCUMENT = join(root, 'docs/recipes.md')

/** Maps the package to the sources, so that a recipe and its test share classes. */
const SOURCES: Record<string, string> = {
  recloser: 'src/index.ts',
  'recloser/classify': 'src/integrations/classify/index.ts',
}

/**
 * Loads the recipe of that name from docs/recipes.md as a module. `instead` names modules to substitute for libraries.
 *
 * @typeParam T the exports of the recipe.
 */
export async function loadRecipe<T>(name: string, instead: Record<string, string> = {}): Promise<T> {
  const snippet = markdownSnippets(DOCUMENT).find(({ meta }) => meta === name)
  if (!snippet) throw new Error(`docs/recipes.md has no recipe "${name}"`)
  // Inside the repository, so that the libraries resolve.
  const folder = mkdtempSync(join(root, '.recipe-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, `${name}.ts`)
  const paths = { ...SOURCES, ...instead }
  const code = snippet.code.replaceAll(/ from '([^']+)'/g, (text, library: string) =>
    paths[library] ? ` from '${pathToFileURL(join(root, paths[library])).href}'` : text,
  )
  writeFileSync(file, code)
  return (await import(pathToFileURL(file).href)) as T
}
