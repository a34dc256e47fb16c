import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STATES } from '../../../src/base/state.ts'
import { CircuitBreakerState } from '../../../src/index.ts'

describe('the list of the states', () => {
  it('has each state that there is a constant for, in the same order', () => {
    assert.deepEqual(STATES, Object.values(CircuitBreakerState))
  })
})
