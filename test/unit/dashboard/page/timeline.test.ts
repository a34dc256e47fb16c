import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SECONDS, Timeline } from '../../../../src/dashboard/page/timeline.ts'
import type { History } from '../../../../src/monitor/report.ts'

/** A history with only these successes. */
const history = (...success: number[]): History => ({
  success,
  failure: success.map(() => 0),
  rejected: success.map(() => 0),
  p90: success.map((calls) => (calls > 0 ? calls * 10 : null)),
})

const end = <T>(values: readonly T[], length: number): T[] => values.slice(-length)

describe('a timeline', () => {
  it('has no data before the first second that was written', () => {
    const timeline = new Timeline()
    assert.deepEqual(
      timeline.read(5).success,
      Array.from({ length: SECONDS }, () => null),
    )
    timeline.write(5, history(1, 2, 3))
    const { success, p90 } = timeline.read(5)
    assert.equal(success.length, SECONDS)
    assert.deepEqual(end(success, 5), [null, null, 1, 2, 3])
    assert.deepEqual(end(p90, 5), [null, null, 10, 20, 30])
  })

  it('treats seconds without data as seconds without calls', () => {
    const timeline = new Timeline()
    timeline.write(5, history(1, 2))
    timeline.write(9, history(3, 4))
    assert.deepEqual(end(timeline.read(10).success, 8), [null, 1, 2, 0, 0, 3, 4, 0])
    assert.deepEqual(end(timeline.read(10).p90, 8), [null, 10, 20, null, null, 30, 40, null])
  })

  it('lets an update replace its last seconds', () => {
    const timeline = new Timeline()
    timeline.write(5, history(1, 2))
    timeline.write(6, history(7, 1))
    assert.deepEqual(end(timeline.read(6).success, 3), [1, 7, 1])
  })

  it('drops what is older than two minutes, however long it was not read', () => {
    const timeline = new Timeline()
    timeline.write(0, history(...Array.from({ length: SECONDS }, (_, i) => i)))
    assert.deepEqual(timeline.read(0).success[0], 0)
    assert.deepEqual(timeline.read(1).success.slice(0, 2), [1, 2])
    timeline.write(100_000, history(5))
    const { success } = timeline.read(100_000)
    assert.equal(success.at(-1), 5)
    assert.ok(success.slice(0, -1).every((calls) => calls === 0))
  })

  it('keeps the last seconds of a history that is too long', () => {
    const timeline = new Timeline()
    timeline.write(3, history(...Array.from({ length: SECONDS + 10 }, (_, i) => i)))
    assert.equal(timeline.read(3).success[0], 10)
    assert.equal(timeline.read(3).success.at(-1), SECONDS + 9)
  })

  it('can be reset', () => {
    const timeline = new Timeline()
    timeline.write(50, history(1, 2, 3))
    timeline.clear()
    timeline.write(50, history(9))
    assert.deepEqual(end(timeline.read(50).success, 3), [null, null, 9])
  })
})
