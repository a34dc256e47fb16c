import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { runProgram } from '../../helpers/program.ts'
import { WAYS } from '../../helpers/ways.ts'

// Test runners fail a test on any unhandled rejection, so this needs its own process.
describe('S7: unhandled rejections', () => {
  let unhandled: Record<string, string[]>

  before(async () => {
    unhandled = JSON.parse(
      await runProgram(join(import.meta.dirname, 'programs/unhandled.ts')),
    ) as typeof unhandled
  })

  for (const { name } of WAYS) {
    it(`S7: an unhandled rejection stays unhandled, and is reported once, by ${name}`, () => {
      assert.deepEqual(unhandled[`${name}: rejects`], ['own'])
      assert.deepEqual(unhandled[`${name}: rejects later`], ['own'])
      assert.deepEqual(unhandled[`${name}: throws`], ['thrown'])
    })

    it(`S7: a rejection that the caller handles leaves no other behind, by ${name}`, () => {
      assert.deepEqual(unhandled[`${name}: handled`], [])
    })
  }

  it('S7: the breaker’s own rejection stays unhandled too', () => {
    assert.equal(unhandled['rejected']?.length, 1)
    assert.match(unhandled['rejected'][0]!, /isolated one/)
  })

  for (const [title, message] of [
    ['late', 'own'],
    ['excluded', 'own'],
    ['fallback rejects', 'fallback'],
    ['aborted, unhandled', 'gone'],
    ['aborted before, unhandled', 'gone'],
  ] as const) {
    it(`S7: the rejection of a call stays unhandled, and is reported once (${title})`, () => {
      assert.deepEqual(unhandled[title], [message])
    })
  }

  for (const title of [
    'task rejects after the abort',
    'task aborts and rejects',
    'task rejects after its timeout',
  ]) {
    it(`S5, S6, S7: the rejection of a task after its call has settled is handled (${title})`, () => {
      assert.deepEqual(unhandled[title], [])
    })
  }

  for (const title of [
    'fallback',
    'fallback rejects after the abort',
    'callSync gets a rejecting promise',
    'generator object',
  ]) {
    it(`S7: no rejection is left behind (${title})`, () => {
      assert.deepEqual(unhandled[title], [])
    })
  }
})
