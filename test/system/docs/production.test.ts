import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { serve, type TestServer } from '../../helpers/server.ts'
import { commentSnippets, markdownSnippets } from './snippets.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** Each piece of code that a user may copy: of the README, the documentation, the doc comments and the examples. */
const examples: readonly (readonly [where: string, code: string])[] = [
  ...[
    ...globSync('{*,docs/*}.md', { cwd: root }).flatMap((file) => markdownSnippets(join(root, file))),
    ...globSync('src/**/*.ts', { cwd: root }).flatMap((file) => commentSnippets(join(root, file))),
  ].map(({ file, line, code }) => [`${relative(root, file)}:${line}`, code] as const),
  ...globSync('examples/**/*.ts', { cwd: root }).map(
    (file) => [file, readFileSync(join(root, file), 'utf8')] as const,
  ),
]

/** A breaker that guards requests of an HTTP client, of a model's provider, or of a socket. */
const GUARDS_CLIENT =
  /\b(?:breakerFetch|breakerInterceptor|breakerAdapter|breakerMiddleware)\(|\bfallback\(\[|\bfallback\(models/
/** A request that the task of a call, or the holder of a permit, makes by itself. */
const GUARDS_REQUEST = /\.(?:run|call|wrap|acquire)\(.*?\bfetch\(/s
/** A server whose routes are guarded. */
const GUARDS_ROUTES = /\b(?:expressBreakers|fastifyBreakers|honoBreakers)\(|\bforRoot\(\{/
/** `callTimeout`, or a timeout of the client where that does not apply: to permits and streams. */
const HAS_TIMEOUT = /\bcallTimeout\b|\bAbortSignal\.timeout\(|\bcommandTimeout\b|\bdeadline\b|\btimeoutMs\b/
/** The recipes, each of which guards a client library. */
const isRecipe = (where: string): boolean => where.startsWith('docs/recipes.md')
/** Connect's deadline is an option of the transport, which the text below the recipe shows. */
const recipes = readFileSync(join(root, 'docs/recipes.md'), 'utf8')

const guardsRequests = ([where, code]: (typeof examples)[number]): boolean =>
  isRecipe(where) ||
  GUARDS_CLIENT.test(code) ||
  (/new CircuitBreaker\(/.test(code) && GUARDS_REQUEST.test(code))

describe('each example that guards a request is right in production', () => {
  const guarding = examples.filter(guardsRequests)

  it('there are such examples in the README, the recipes, the doc comments and the examples', () => {
    for (const place of ['README.md', 'docs/recipes.md', 'src/', 'examples/']) {
      const found = guarding.filter(([where]) => where.startsWith(place))
      assert.ok(found.length >= 4, `${place}: ${found.length}`)
    }
  })

  for (const [where, code] of guarding) {
    it(`${where} limits how long a call takes`, () => {
      if (isRecipe(where) && code.includes('ConnectError')) assert.match(recipes, /defaultTimeoutMs: [\d_]+/)
      else assert.match(code, HAS_TIMEOUT)
    })

    it(`${where} backs off while the dependency is down`, () => {
      assert.match(code, /\bexponentialBackoff\(\{ initial: /)
    })

    if (GUARDS_REQUEST.test(code)) {
      it(`${where} checks the status, for which fetch does not reject`, () => {
        assert.match(code, /\.ok\b|\.status (?:>=|===)|\bclassifyHttpStatus\b/)
      })

      it(`${where} has a fallback, or says what the caller gets`, () => {
        assert.match(code, /\bfallback: |CircuitBreakerError/)
      })
    }
  }

  for (const [where, code] of examples.filter(([, each]) => GUARDS_ROUTES.test(each))) {
    it(`${where} limits how long a request to the server takes`, () => assert.match(code, /\bcallTimeout\b/))
  }
})

describe('the first example of the README', () => {
  const folder = mkdtempSync(join(root, '.docs-'))
  const first = markdownSnippets(join(root, 'README.md'))[0]!
  let server: TestServer
  let status = 500
  let requests = 0
  before(async () => {
    server = await serve((_request, response) => {
      requests++
      if (status > 0) response.writeHead(status).end('answer')
    })
  })
  after(async () => {
    rmSync(folder, { recursive: true })
    await server.stop()
  })

  /** Runs the example, then 20 more of its calls, against a server, and returns what they got and the state. */
  async function calls(answer: number): Promise<{ results: string[]; state: string; requests: number }> {
    status = answer
    requests = 0
    const code = first.code
      .replaceAll('http://127.0.0.1:1/', server.url)
      .replaceAll('callTimeout: 2_000', answer > 0 ? 'callTimeout: 10_000' : 'callTimeout: 300')
      .replace(/^console\.log.*$/m, '')
    const file = join(folder, `${answer}.ts`)
    writeFileSync(
      file,
      `${code}
const results: string[] = []
for (let call = 1; call <= 20; call++) results.push(await priceOf('7'))
console.log(JSON.stringify({ results, state: prices.state }))
`,
    )
    const { stdout } = await run(process.execPath, [file], { cwd: root, timeout: 20_000 })
    return { ...(JSON.parse(stdout) as { results: string[]; state: string }), requests }
  }

  it('is the first thing after the command to install, and the demo', () => {
    const install = readme.indexOf('npm install recloser')
    const demo = readme.indexOf('npx recloser demo')
    const example = readme.indexOf('```ts')
    assert.ok(install > 0 && install < demo && demo < example && example < 2_000)
  })

  for (const failing of [500, 503, 429]) {
    it(`opens for a server that answers ${failing}, which then gets no more requests`, async () => {
      const { results, state, requests: sent } = await calls(failing)
      assert.deepEqual(
        results,
        Array.from({ length: 20 }, () => 'unknown'),
      )
      assert.equal(state, 'open')
      assert.equal(sent, 5)
    })
  }

  it('opens for a server that never answers', async () => {
    const { results, state, requests: sent } = await calls(0)
    assert.equal(results.at(-1), 'unknown')
    assert.equal(state, 'open')
    assert.equal(sent, 5)
  })

  it('stays closed for a server that is well, and for answers such as 404', async () => {
    assert.deepEqual(await calls(200), { results: Array(20).fill('answer'), state: 'closed', requests: 20 })
    assert.deepEqual(await calls(404), { results: Array(20).fill('no price'), state: 'closed', requests: 20 })
  })
})

describe('the README', () => {
  it('tells users to do nothing that needs a clone of the repository', () => {
    const needs =
      /\bnpm (?:ci|start|test|run)\b|\bgit clone\b|\bclone\b|\bnode (?:examples|scripts|test|bench)\//g
    assert.deepEqual(readme.match(needs), null)
  })

  it('lists all options of a breaker and a fleet, each with its row', () => {
    const source = readFileSync(join(root, 'src/options.ts'), 'utf8')
    const declared = /export interface CircuitBreakerOptions \{(.*?)\n\}/s.exec(source)?.[1] ?? ''
    const options = [...declared.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name = '']) => name)
    const rows = readme.split('\n').filter((line) => line.startsWith('| `'))
    const listed = new Set(
      rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name)),
    )
    assert.ok(options.length >= 20)
    assert.deepEqual(
      options.filter((name) => !listed.has(name)),
      [],
    )
  })
})
