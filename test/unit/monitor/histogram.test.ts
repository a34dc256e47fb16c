import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  bucketOf,
  BUCKETS,
  durationOf,
  FIRST_BOUND,
  groupOf,
  GROUPS,
} from '../../../src/monitor/histogram.ts'
import { parameters } from '../model/parameters.ts'

/** The next greater number. */
function above(value: number): number {
  const bits = new BigUint64Array(1)
  const double = new Float64Array(bits.buffer)
  double[0] = value
  bits[0]! += 1n
  return double[0]
}

const anyDuration = fc
  .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -10, max: 21 }))
  .map(([fraction, exponent]) => fraction * 2 ** exponent)

describe('the buckets', () => {
  it('are those of a logarithm, where that is exact enough', () => {
    fc.assert(
      fc.property(anyDuration, (duration) => {
        const exact = Math.log2(duration) * 8
        if (Math.abs(exact - Math.round(exact)) < 1e-9) return
        assert.equal(bucketOf(duration), Math.ceil(exact) + 88)
      }),
      parameters,
    )
  })

  it('include a power of two as their upper end; the next number is in the following bucket', () => {
    for (let exponent = -10; exponent <= 22; exponent++) {
      const bound = 2 ** exponent
      assert.equal(bucketOf(bound), (exponent + 11) * 8, `${bound}`)
      assert.equal(bucketOf(above(bound)), (exponent + 11) * 8 + 1, `just above ${bound}`)
    }
  })

  it('keep the order of durations', () => {
    fc.assert(
      fc.property(anyDuration, anyDuration, (one, other) => {
        assert.equal(bucketOf(Math.min(one, other)) <= bucketOf(Math.max(one, other)), true)
      }),
      parameters,
    )
  })

  it('are represented by a duration that is off by at most 4.5 %', () => {
    fc.assert(
      fc.property(anyDuration, (duration) => {
        const representative = durationOf(bucketOf(duration))
        assert.ok(
          Math.max(representative / duration, duration / representative) < 1.045,
          `${representative} for ${duration}`,
        )
      }),
      parameters,
    )
  })

  it('count less than a tick as 0, and more than 70 minutes as 70 minutes', () => {
    for (const nothing of [0, -0, 2 ** -12, 2 ** -11, Number.MIN_VALUE]) {
      assert.equal(durationOf(bucketOf(nothing)), 0)
    }
    for (const endless of [2 ** 22 + 1, 1e300, Infinity]) {
      assert.equal(bucketOf(endless), BUCKETS - 1)
      assert.equal(durationOf(bucketOf(endless)), 2 ** 22)
    }
    assert.equal(bucketOf(2 ** 22), BUCKETS - 2)
  })

  it('are reported with few digits', () => {
    for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
      assert.ok(
        String(durationOf(bucket)).replace(/^0\.0*|\.|0+$|e.*$/g, '').length <= 4,
        `${durationOf(bucket)}`,
      )
    }
  })

  it('belong to the group of the next power of two', () => {
    assert.equal(groupOf(0), 0)
    assert.equal(groupOf(bucketOf(1)), FIRST_BOUND)
    assert.equal(groupOf(bucketOf(above(1))), FIRST_BOUND + 1)
    assert.equal(groupOf(bucketOf(2)), FIRST_BOUND + 1)
    assert.equal(groupOf(bucketOf(65_536)), FIRST_BOUND + 16)
    assert.equal(groupOf(BUCKETS - 1), GROUPS - 1)
  })
})
