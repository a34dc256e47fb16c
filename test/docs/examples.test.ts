import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

const SHOP = [/^200 /m, /^502 /m, /^503 .*CIRCUIT_OPEN.*again in 1 s/m, /^health: up$/m]

/** What each example must print somewhere. */
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

describe('the examples of integrations', () => {
  const files = globSync('examples/integrations/*.ts', { cwd: root }).toSorted()

  it('are all known here', () => {
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
