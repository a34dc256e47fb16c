import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { TimeWindow } from '../../../../src/trip/window/time.ts'

const LENGTH = 1_000
const BUCKETS = 10

function counts(window: TimeWindow, now: number): [calls: number, failures: number, slow: number] {
  window.expire(now)
  return [window.calls, window.failures, window.slow]
}

describe('a window of the last milliseconds', () => {
  it('S18: a bucket starts at a multiple of its width: the moment before that belongs to the previous one', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    window.add(true, false, 99.999)
    window.add(true, false, 100)
    assert.deepEqual(counts(window, 999.999), [2, 2, 0])
    assert.deepEqual(counts(window, 1_000), [1, 1, 0])
    assert.deepEqual(counts(window, 1_099.999), [1, 1, 0])
    assert.deepEqual(counts(window, 1_100), [0, 0, 0])
  })

  it('S18: counts calls, failures and slow calls separately, in every combination', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    window.add(false, false, 0)
    window.add(true, false, 0)
    window.add(false, true, 150)
    window.add(true, true, 250)
    assert.deepEqual(counts(window, 250), [4, 2, 2])
    assert.deepEqual(counts(window, 1_000), [2, 1, 2])
    assert.deepEqual(counts(window, 1_100), [1, 1, 1])
  })

  it('S18: drops everything at once after a gap as long as the window, or longer', () => {
    for (const gap of [LENGTH, LENGTH + 50, 3_600_000, 1e15]) {
      const window = new TimeWindow(LENGTH, BUCKETS, 'key')
      for (let now = 0; now < LENGTH; now += 50) window.add(true, true, now)
      assert.deepEqual(counts(window, 999 + gap), [0, 0, 0], `${gap}`)
      window.add(true, false, 999 + gap)
      assert.deepEqual(counts(window, 999 + gap), [1, 1, 0], `${gap}`)
    }
  })

  it('S18: drops what is too old when a call is recorded, without a read in between', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    window.add(true, false, 0)
    window.add(true, false, 500)
    window.add(false, false, 1_050)
    assert.equal(window.calls, 2)
    assert.equal(window.failures, 1)
  })

  it('S18: with one bucket the window tumbles', () => {
    const window = new TimeWindow(LENGTH, 1, 'key')
    window.add(true, false, 0)
    window.add(true, false, 999)
    assert.deepEqual(counts(window, 999), [2, 2, 0])
    assert.deepEqual(counts(window, 1_000), [0, 0, 0])
  })

  it('S18: works with a clock that starts below zero and crosses it', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    window.add(true, false, -1_000)
    window.add(true, false, -0.001)
    window.add(true, false, 0)
    assert.deepEqual(counts(window, 0), [2, 2, 0])
    assert.deepEqual(counts(window, 900), [1, 1, 0])
    assert.deepEqual(counts(window, 1_000), [0, 0, 0])
  })

  it('S18: accepts a bucket width that is not a whole number', () => {
    const window = new TimeWindow(LENGTH, 3, 'key')
    window.add(true, false, 333)
    window.add(true, false, 334)
    assert.deepEqual(counts(window, 999), [2, 2, 0])
    assert.deepEqual(counts(window, 1_001), [1, 1, 0])
    assert.deepEqual(counts(window, 1_334), [0, 0, 0])
  })

  it('S18: terminates where bucket numbers exceed the exact range of numbers', () => {
    const window = new TimeWindow(LENGTH, 1_000, 'key')
    const start = 2 ** 60
    window.add(true, false, start)
    window.add(true, false, start + 256)
    assert.ok(counts(window, start + 256)[0] >= 1)
    assert.deepEqual(counts(window, start + 2_048), [0, 0, 0])
  })

  it('S18: a read of an earlier time changes nothing', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    window.add(true, false, 550)
    assert.deepEqual(counts(window, 150), [1, 1, 0])
    window.add(true, false, 560)
    assert.deepEqual(counts(window, 1_499), [2, 2, 0])
    assert.deepEqual(counts(window, 1_500), [0, 0, 0])
  })

  it('S18: starts empty after clear, and continues to count', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    for (let now = 0; now < LENGTH; now += 10) window.add(true, true, now)
    window.clear()
    assert.deepEqual(counts(window, 999), [0, 0, 0])
    window.add(true, false, 999)
    assert.deepEqual(counts(window, 1_500), [1, 1, 0])
    assert.deepEqual(counts(window, 1_900), [0, 0, 0])
  })

  it('S16: has no rates below minCalls, nor without calls', () => {
    const window = new TimeWindow(LENGTH, BUCKETS, 'key')
    window.minCalls = 2
    assert.equal(window.failureRate, null)
    window.add(true, false, 0)
    assert.equal(window.failureRate, null)
    assert.equal(window.slowCallRate, null)
    window.add(false, true, 0)
    assert.equal(window.failureRate, 0.5)
    assert.equal(window.slowCallRate, 0.5)
  })

  it('S18: equals a recount of everything that ever happened', () => {
    const gap = fc.oneof(
      { weight: 6, arbitrary: fc.double({ min: 0, max: 60, noNaN: true }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 500 }) },
      { weight: 1, arbitrary: fc.double({ min: 500, max: 1e6, noNaN: true }) },
    )
    const event = fc.record({ gap, failed: fc.boolean(), slow: fc.boolean(), reads: fc.boolean() })
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 2_000, noNaN: true }),
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: -5_000, max: 5_000, noNaN: true }),
        fc.array(event, { maxLength: 80 }),
        (length, buckets, start, events) => {
          const window = new TimeWindow(length, buckets, 'key')
          const bucketOf = (time: number): number => Math.floor(time / (length / buckets))
          const seen: { bucket: number; failed: boolean; slow: boolean }[] = []
          let now = start
          for (const { gap, failed, slow, reads } of events) {
            now += gap
            if (!reads) {
              window.add(failed, slow, now)
              seen.push({ bucket: bucketOf(now), failed, slow })
            }
            const live = seen.filter(({ bucket }) => bucket > bucketOf(now) - buckets)
            assert.deepEqual(counts(window, now), [
              live.length,
              live.filter(({ failed }) => failed).length,
              live.filter(({ slow }) => slow).length,
            ])
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
