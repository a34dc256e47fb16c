import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { conformance } from './command.ts'

let directory: string
let lines: string[]
let complaints: string[]

const run = (...files: string[]): Promise<0 | 1 | 2> =>
  conformance(files, { log: (line) => lines.push(line), error: (line) => complaints.push(line) })

async function file(content: unknown): Promise<string> {
  const path = join(directory, 'given.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const good = {
  id: 'A1',
  title: 'opens',
  config: {},
  steps: [{ at_ms: 0, op: 'open', expect: { state: 'open' } }],
}
const bad = {
  ...good,
  id: 'B2',
  title: 'stays',
  steps: [{ at_ms: 7, op: 'open', expect: { state: 'closed' } }],
}

describe('npm run conformance', () => {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'conformance-'))
    lines = []
    complaints = []
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('prints the totals over all files, and returns 0 where every case has passed', async () => {
    const own = fileURLToPath(new URL('cases.json', import.meta.url))
    assert.equal(await run(own, await file([good])), 0)
    assert.deepEqual(lines, ['conformance: 80 passed, 0 failed'])
    assert.deepEqual(complaints, [])
  })

  it('prints a failing case with the step, the expectation and the value seen, and returns 1', async () => {
    assert.equal(await run(await file([good, bad, { ...good, config: { color: 1 } }])), 1)
    assert.deepEqual(lines, [
      'FAIL B2 stays',
      '  step 1 (open at 7 ms, by permit): expected state closed, saw open',
      '  step 1 (open at 7 ms, by call): expected state closed, saw open',
      '  step 1 (open at 7 ms, by run): expected state closed, saw open',
      '  step 1 (open at 7 ms, by callSync): expected state closed, saw open',
      'FAIL A1 opens',
      '  expected a case that can be run, saw config: `color` is unknown',
      'conformance: 1 passed, 2 failed',
    ])
  })

  it('returns 2 and says why where a file is missing or malformed, or none is named', async () => {
    const missing = join(directory, 'none.json')
    assert.equal(await run(missing), 2)
    const malformed = ['[{]', { cases: [] }, [{ ...good, id: 7 }], [good, { ...good, steps: [1] }]]
    for (const content of malformed) assert.equal(await run(await file(content)), 2)
    assert.equal(await run(), 2)
    assert.deepEqual(lines, [])
    const [absent, broken, object, numbered, steps, usage] = complaints
    assert.equal(absent, `conformance: cannot use ${missing}: no such file`)
    assert.match(broken ?? '', /given\.json: not JSON: /)
    assert.match(object ?? '', /given\.json: expected an array of cases$/)
    assert.match(numbered ?? '', /given\.json: case 1: expected an object with `id` and `title`/)
    assert.match(steps ?? '', /given\.json: case 2: expected an object/)
    assert.equal(usage, 'usage: npm run conformance -- FILE...')
  })
})
