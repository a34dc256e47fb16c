import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { report } from './command.ts'
import { runCase } from './driver.ts'
import { readCases } from './parse.ts'

const cases = readCases(await readFile(new URL('cases.json', import.meta.url), 'utf8'))

describe('conformance', () => {
  it('has its cases', () => {
    assert.equal(cases.length, 79)
    assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length)
  })

  for (const each of cases) {
    it(`${each.id}: ${each.title}`, async () => {
      const failures = await runCase(each)
      assert.equal(failures.length, 0, report(each, failures).join('\n'))
    })
  }
})
