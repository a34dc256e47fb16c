import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { promisify } from 'node:util'
import { markdownSnippets } from './snippets.ts'

const root = join(import.meta.dirname, '../../..')

// test/integration/recipes tests the behavior of each recipe.
it('each recipe is a file that compiles strictly, with the types of its library', async () => {
  const folder = mkdtempSync(join(root, '.recipe-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const recipes = markdownSnippets(join(root, 'docs/recipes.md'))
  assert.equal(recipes.length, 8)
  for (const { meta, code } of recipes) writeFileSync(join(folder, `${meta}.ts`), code)
  const config = { extends: '../tsconfig.json', include: ['*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
    (error: unknown) => error as { stdout: string },
  )
  assert.equal(stdout, '')
})
