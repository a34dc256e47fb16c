import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')

const SHOP = [/^200 /m, /^502 /m, /^503 .*CIRCUIT_OPEN.*again in 1 s/m, /^health: up$/m]

/** Patterns that the output of each example must contain. */
const expected: Readonly<Record<string, readonly RegExp[]>> = {
  'ai-sdk.ts': [
    /(I am the second\n){4}/,
    /^the first was asked 2 times; open$/m,
    /^I am the first\nopen,half-open,closed$/m,
  ],
  'express.ts': SHOP,
  'fastify.ts': SHOP,
  'hono.ts': SHOP,
  'nestjs.ts': [
    /^200 /m,
    /^500 /m,
    /^503 .*CIRCUIT_OPEN.*again in 1 s/m,
    /^health: 200 degraded$/m,
    /^health: 200 ok$/m,
  ],
  'axios.ts': [/AxiosError: Request failed with status code 500/, /not asked/, /^open$/m],
  'classify.ts': [/constraints: closed$/m, /shuts down: open$/m],
  'fetch.ts': [
    /^prices: not asked: Circuit "http/m,
    /^stock: {2}200/m,
    /^half-open > closed \(probeSucceeded\)$/m,
  ],
  'undici.ts': [/^3 of 11 attempts reached the server$/m, /^the next one may in 90 s/m],
}

describe('the example of a fleet', () => {
  const program = join(root, 'examples/fleet.ts')

  it('shows one opening for all, one probe for all and the recovery, and ends by itself', async () => {
    const env = { ...process.env, REDIS_URL: '' }
    const { stdout, stderr } = await run(process.execPath, [program], { cwd: root, timeout: 90_000, env })
    assert.equal(stderr, '')
    for (const host of ['shop-1', 'shop-2', 'shop-3'])
      assert.match(stdout, new RegExp(`${host} +● circuit +open \\(consecutiveFailures\\)`))
    assert.match(stdout, /^ +all 3 processes are open, \d+ ms after the first$/m)
    assert.match(stdout, /→ probe +the service answers 503$/m)
    assert.match(stdout, /→ probe +the service answers 200$/m)
    const [, made, reached] =
      /^While the service was down, (\d+) calls were made and (\d+) /m.exec(stdout) ?? []
    assert.ok(Number(reached) < Number(made), `${reached} of ${made} calls reached the service`)
    assert.match(stdout, /^All are closed again\.$/m)
  })

  it('prints what to install when there is no Redis', async () => {
    const env = { ...process.env, REDIS_URL: '', PATH: join(root, 'examples') }
    await assert.rejects(
      run(process.execPath, [program], { cwd: root, timeout: 30_000, env }),
      ({ code, stderr }: { code: number; stderr: string }) => {
        assert.equal(code, 1)
        assert.match(stderr, /^This example needs Redis or Valkey/)
        assert.match(stderr, /apt-get install redis-server/)
        return true
      },
    )
  })
})

describe('the examples of integrations', () => {
  const files = globSync('examples/integrations/*.ts', { cwd: root }).toSorted()

  it('are all listed here', () => {
    assert.deepEqual(
      files.map((file) => basename(file)),
      Object.keys(expected).toSorted(),
    )
  })

  for (const file of files) {
    it(`${file} runs against the real library and a real server, and ends by itself`, async () => {
      const { stdout, stderr } = await run(process.execPath, [file], { cwd: root, timeout: 60_000 })
      assert.equal(stderr, '')
      for (const pattern of expected[basename(file)] ?? []) assert.match(stdout, pattern)
    })
  }
})
