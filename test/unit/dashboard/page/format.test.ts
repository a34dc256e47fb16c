import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  count,
  milliseconds,
  percent,
  perSecond,
  remaining,
  span,
  type Quantity,
} from '../../../../src/dashboard/page/format.ts'

const text = ({ value, unit }: Quantity): string => (unit === '' ? value : `${value} ${unit}`)

describe('figures are written', () => {
  it('with all digits where there are few', () => {
    assert.deepEqual([0, 7, 9_999, 10_000, 1_234_567].map(count), ['0', '7', '9,999', '10K', '1.2M'])
  })

  it('as calls per second', () => {
    const rates = [0, 0.04, 0.43, 9.94, 9.96, 142.5, 12_345]
    assert.deepEqual(
      rates.map((rate) => text(perSecond(rate))),
      ['0 /s', '0 /s', '0.4 /s', '9.9 /s', '10 /s', '143 /s', '12.3K /s'],
    )
  })

  it('as percentages that are 0 or 100 only if that is exact', () => {
    const ratios = [null, 0, 0.000_1, 0.004, 0.099_9, 0.5, 0.999_9, 1]
    assert.deepEqual(
      ratios.map((ratio) => text(percent(ratio))),
      ['–', '0 %', '<0.1 %', '0.4 %', '9 %', '50 %', '99 %', '100 %'],
    )
  })

  it('as durations of calls in the unit that fits', () => {
    const durations = [undefined, null, 0, 0.42, 9.94, 42.4, 999.4, 1_000, 9_940, 42_400]
    assert.deepEqual(
      durations.map((duration) => text(milliseconds(duration))),
      ['–', '–', '0 ms', '0.4 ms', '9.9 ms', '42 ms', '999 ms', '1 s', '9.9 s', '42 s'],
    )
  })

  it('as time spans in two units', () => {
    const spans = [-5, 0, 999, 1_000, 59_999, 60_000, 245_000, 3_600_000, 7_870_000, 273_600_000]
    assert.deepEqual(spans.map(span), [
      '0 s',
      '0 s',
      '0 s',
      '1 s',
      '59 s',
      '1 min 00 s',
      '4 min 05 s',
      '1 h 00 min',
      '2 h 11 min',
      '3 d 4 h',
    ])
  })

  it('as time left, which is 0 only when it has passed', () => {
    assert.deepEqual([0, 1, 1_000, 1_001, 59_001].map(remaining), ['0 s', '1 s', '1 s', '2 s', '1 min 00 s'])
  })
})
