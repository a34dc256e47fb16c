import assert from 'node:assert/strict'
import { it } from 'node:test'
import { showDuration } from '../../../src/base/duration.ts'

const cases: [ms: number, shown: string][] = [
  [0, '0 ms'],
  [0.25, '0.25 ms'],
  [250, '250 ms'],
  [999, '999 ms'],
  [999.9999, '1 s'],
  [1_000, '1 s'],
  [1_000.4, '1 s'],
  [1_500, '1.5 s'],
  [10_000, '10 s'],
  [59_999, '59.999 s'],
  [59_999.9999, '1 min'],
  [60_000, '1 min'],
  [90_000, '1 min 30 s'],
  [3_599_999.9999, '1 h'],
  [3_600_000, '1 h'],
  [9_000_000, '2 h 30 min'],
  [86_399_999.6, '1 d'],
  [86_400_000, '1 d'],
  [90_061_001, '1 d 1 h 1 min 1.001 s'],
]
for (const [ms, shown] of cases) {
  it(`${ms} milliseconds are shown as ${shown}`, () => assert.equal(showDuration(ms), shown))
}
