import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { STATES } from '../../../src/base/state.ts'
import { Rig } from './rig.ts'
import { anything, patched, scheduleOf, traffic } from './schedule.ts'
import { anySettings, toRule } from './settings.ts'

/** A fixed seed, because these tests check the schedules and not the breaker. */
const sample = fc.sample(fc.tuple(anySettings, scheduleOf(anything)), { numRuns: 300, seed: 1 })

describe('random schedules', () => {
  it('lead to every transition, every kind of rejection, every outcome and every reason', async () => {
    const transitions = new Set<string>()
    const seen = new Set<string>()
    for (const [settings, commands] of sample) {
      const rig = new Rig(settings)
      for (const { rejected, applied, changed } of await rig.play(commands)) {
        if (rejected !== undefined) seen.add(`rejected: ${rejected.reason}`)
        if (applied !== undefined) seen.add(applied ? 'applied' : 'late')
        if (changed !== undefined) seen.add(changed ? 'changed' : 'repeated')
      }
      if (rig.alarms.length > 0) seen.add('would trip')
      for (const transition of rig.transitions) transitions.add(transition)
    }
    const steps = new Set([...transitions].map((transition) => transition.split(' ')[0]))
    const all = STATES.flatMap((from) => STATES.filter((to) => to !== from).map((to) => `${from}->${to}`))
    assert.deepEqual(
      all.filter((step) => !steps.has(step)),
      [],
    )
    assert.deepEqual([...seen].toSorted(), [
      'applied',
      'changed',
      'late',
      'rejected: half-open',
      'rejected: isolated',
      'rejected: open',
      'repeated',
      'would trip',
    ])
    const reasons = [...transitions].map((transition) => /\((.*)\)/.exec(transition)?.[1] ?? '')
    const wanted = ['consecutiveFailures', 'failureRate', 'failureCount', 'slowCallRate']
    for (const reason of [
      ...wanted,
      'probeFailed',
      'probeTimeout',
      'probeSucceeded',
      'timeoutElapsed',
      'manual',
    ]) {
      assert.ok(reasons.includes(reason), reason)
    }
    assert.ok(
      reasons.some((reason) => reason.includes('+')),
      'no reason of allOf',
    )
  })

  it('hold only rules and changes that the breaker accepts', () => {
    for (const [settings, commands] of sample) {
      let now = settings
      for (const command of commands) {
        if (command.do !== 'configure') continue
        now = patched(now, command.patch)
        assert.doesNotThrow(() => toRule(now.trip))
      }
    }
  })

  it('see ordinary traffic recover, and fail to', async () => {
    const attempts = new Set<number>()
    for (const [settings, commands] of fc.sample(fc.tuple(anySettings, scheduleOf(traffic)), {
      numRuns: 300,
      seed: 1,
    })) {
      const rig = new Rig(settings)
      for (const command of commands) {
        await rig.perform(command)
        attempts.add(rig.read().attempt)
      }
    }
    for (const attempt of [0, 1, 2, 3]) assert.ok(attempts.has(attempt), `attempt ${attempt}`)
  })
})
