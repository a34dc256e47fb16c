import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CountWindow } from '../../../../src/trip/window/count.ts'

const counts = ({ calls, failures, slow }: CountWindow): number[] => [calls, failures, slow]

describe('a window of the last calls', () => {
  it('S18: drops the oldest call when there is one too many, and not before', () => {
    const window = new CountWindow(3, 'key')
    window.add(true, true)
    window.add(false, false)
    window.add(false, false)
    assert.deepEqual(counts(window), [3, 1, 1])
    window.add(false, false)
    assert.deepEqual(counts(window), [3, 0, 0])
  })

  it('S18: a window of one call has the last one', () => {
    const window = new CountWindow(1, 'key')
    window.add(true, false)
    assert.deepEqual(counts(window), [1, 1, 0])
    window.add(false, true)
    assert.deepEqual(counts(window), [1, 0, 1])
  })

  it('S18: drops nothing because of time', () => {
    const window = new CountWindow(3, 'key')
    window.add(true, false)
    window.expire()
    assert.deepEqual(counts(window), [1, 1, 0])
    assert.equal(window.timed, false)
  })

  it('S18: starts empty after clear: earlier calls do not come back when it fills up', () => {
    const window = new CountWindow(3, 'key')
    for (let i = 0; i < 5; i++) window.add(true, true)
    window.clear()
    assert.deepEqual(counts(window), [0, 0, 0])
    for (let i = 0; i < 4; i++) window.add(false, false)
    assert.deepEqual(counts(window), [3, 0, 0])
  })

  it('S18: equals a recount of the last calls, cleared now and then', () => {
    const event = fc.oneof(
      { weight: 20, arbitrary: fc.tuple(fc.boolean(), fc.boolean()) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(event, { maxLength: 120 }), (size, events) => {
        const window = new CountWindow(size, 'key')
        let seen: [boolean, boolean][] = []
        for (const call of events) {
          if (call === undefined) {
            window.clear()
            seen = []
          } else {
            window.add(...call)
            seen = [...seen, call].slice(-size)
          }
          assert.deepEqual(counts(window), [
            seen.length,
            seen.filter(([failed]) => failed).length,
            seen.filter(([, slow]) => slow).length,
          ])
        }
      }),
      { numRuns: 500 },
    )
  })
})
