import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MonotonicTime } from '../../../src/base/clock.ts'
import { Usability } from '../../../src/fleet/usability.ts'
import { ManualClock } from '../../../src/testing/index.ts'

const FULL = { type: 'unusable', why: 'full', text: 'OOM' } as const
const READONLY = { type: 'unusable', why: 'readonly', text: 'READONLY' } as const

interface Scene {
  readonly clock: ManualClock
  readonly usability: Usability
  /** What has been reported, each as the problem at that time. */
  readonly reports: (string | undefined)[]
}

function scene(): Scene {
  const clock = new ManualClock()
  const reports: (string | undefined)[] = []
  const usability: Usability = new Usability(
    new MonotonicTime(clock, { report: assert.fail }),
    () => void reports.push(usability.problem),
  )
  return { clock, usability, reports }
}

describe('F28b: whether a record can be used', () => {
  it('F28b: a refused write soon after an event is reported 30 s after it, even if only reads follow', () => {
    const { clock, usability, reports } = scene()
    usability.refused(FULL, true)
    clock.advance(31_000)
    usability.executed(true)
    assert.deepEqual(reports, ['full: OOM', undefined])
    clock.advance(1_000)
    usability.refused(FULL, true)
    assert.equal(usability.problem, 'full: OOM')
    clock.advance(30_000)
    assert.equal(usability.mayTry, true)
    usability.executed(false)
    assert.deepEqual(reports, ['full: OOM', undefined, 'full: OOM'])
  })

  it('F28b: reads prove nothing about refused writes until none has been refused for a minute', () => {
    const { clock, usability, reports } = scene()
    usability.refused(FULL, true)
    for (const [passed, problem] of [
      [30_000, 'full: OOM'],
      [29_999, 'full: OOM'],
      [1, undefined],
    ] as const) {
      clock.advance(passed)
      usability.executed(false)
      assert.equal(usability.problem, problem)
    }
    assert.deepEqual(reports, ['full: OOM', undefined])
  })

  it('F28b: a refused read is over with the first command that is executed', () => {
    const { clock, usability, reports } = scene()
    usability.refused(FULL, false)
    assert.equal(usability.mayTry, false)
    clock.advance(30_000)
    usability.executed(false)
    assert.deepEqual([usability.problem, reports], [undefined, ['full: OOM', undefined]])
  })

  it('F28b: a server that is known to accept writes again is believed at once', () => {
    const { clock, usability } = scene()
    usability.refused(READONLY, true)
    clock.advance(1_000)
    usability.executed(false)
    assert.deepEqual([usability.problem, usability.mayTry], ['readonly: READONLY', false])
    usability.writable()
    assert.equal(usability.mayTry, true)
    usability.executed(false)
    assert.equal(usability.problem, undefined)
  })

  it('F28b: that concerns nothing else that a store refuses', () => {
    const { usability } = scene()
    usability.refused(FULL, true)
    usability.writable()
    assert.equal(usability.mayTry, false)
  })
})
