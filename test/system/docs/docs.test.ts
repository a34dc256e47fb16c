import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, describe, it } from 'node:test'
import { promisify } from 'node:util'
import ts from 'typescript-6'
import { startRedis } from '../faults/support/redis-server.ts'
import { commentSnippets, markdownSnippets, type Snippet } from './snippets.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')
// Inside the package, where its own name and its peers resolve, so that the snippets run as they do for users.
const folder = mkdtempSync(join(root, '.docs-'))
after(() => rmSync(folder, { recursive: true }))

/** The examples for other test runners; test/system/package/runners.test.ts runs those. */
const RUNNERS = new Set(['vitest', 'jest'])

const documented: [where: string, snippets: Snippet[]][] = [
  ...globSync('{*,docs/fleet,docs/migration,docs/testing}.md', { cwd: root }).map(
    (file): [string, Snippet[]] => [
      file,
      markdownSnippets(join(root, file)).filter(({ meta }) => !RUNNERS.has(meta)),
    ],
  ),
  ...globSync('src/**/*.ts', { cwd: root }).map((file): [string, Snippet[]] => [
    file,
    commentSnippets(join(root, file)),
  ]),
]

/** Runs `work` with an empty Redis of its own at `REDIS_URL`, if the snippet uses that. */
async function withRedis<T>({ code }: Snippet, work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  if (!code.includes('REDIS_URL')) return work(process.env)
  const redis = await startRedis()
  try {
    return await work({ ...process.env, REDIS_URL: redis.url })
  } finally {
    await redis.stop()
  }
}

/** Compiles the snippet to a module of its own. */
function toModule({ code, meta }: Snippet): string {
  if (!meta.endsWith('decorators')) return code
  const legacy = meta === 'legacy-decorators'
  return ts.transpile(code, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: legacy,
    emitDecoratorMetadata: legacy,
  })
}

describe('the documentation', () => {
  it('has snippets in the README and in the doc comments', () => {
    const counts = documented.map(([where, snippets]) => [where, snippets.length] as const)
    assert.ok(counts.some(([where, count]) => where === 'README.md' && count >= 20))
    assert.ok(counts.filter(([where, count]) => where.startsWith('src') && count > 0).length >= 15)
  })

  for (const [where, snippets] of documented) {
    for (const snippet of snippets) {
      it(`runs ${relative(root, snippet.file)}:${snippet.line} and prints what its comments promise`, async () => {
        const file = join(folder, `${where.replaceAll(/\W/g, '-')}-${snippet.line}.ts`)
        writeFileSync(file, toModule(snippet))
        const { stdout } = await withRedis(snippet, (env) =>
          run(process.execPath, [file], { cwd: root, timeout: 20_000, env }),
        )
        const lines = stdout.split('\n').filter((line) => line !== '')
        if (snippet.prints.length) assert.deepEqual(lines, snippet.prints)
      })
    }
  }
})
