import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runProgram } from './program.ts'

describe('S6: nothing is left of 100,000 ended calls, while their caller’s signal lives on,', () => {
  for (const way of [
    'whose caller has a signal',
    'that leave a listener on their signal',
    'that leave a listener and have a timeout of their own',
    'of an adapter that leave a listener on their signal',
    'of a guarded fetch that failed with a body, and left a listener',
    'that fail into a fallback',
    'that are rejected',
    'that are rejected into a fallback',
    'that time out and never settle',
    'that time out and leave a listener',
    'of generators that are left',
    'of async generators that are left',
    'that wait for ready()',
  ]) {
    it(way, async () => {
      const bytes = Number(await runProgram('ended-calls', [way]))
      assert.ok(bytes < 100, `${bytes} bytes are left of each`)
    })
  }
})
