import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { drain, holds } from './property.ts'
import { Rig } from './rig.ts'
import { enforced, operated, traffic, unconfigured } from './schedule.ts'
import type { Command } from './schedule.ts'
import { withLease, withoutSlowCalls } from './settings.ts'

const fails = (outcome: string): boolean => outcome === 'fail' || outcome === 'classifierThrows'
const counts = (outcome: string): boolean => ['ok', 'okError'].includes(outcome) || fails(outcome)

describe('permits, for random schedules', () => {
  it('S10: in a half-open period the probes in flight and the decided ones are never more than `calls`', () =>
    holds(unconfigured, async (settings, commands) => {
      const rig = new Rig(settings)
      const { calls, concurrent } = settings.halfOpen
      const { probeTimeout } = settings
      const periods = new Map<number, { taken: number; running: Map<number, number> }>()
      for (const command of commands) {
        const happening = await rig.perform(command)
        if (!/->half-open/.test(rig.transitions.at(-1) ?? '')) continue
        const period = rig.transitions.length
        const probes = periods.get(period) ?? { taken: 0, running: new Map<number, number>() }
        periods.set(period, probes)
        if (happening.admitted !== undefined) {
          probes.taken += 1
          probes.running.set(happening.admitted, rig.clock.passed)
        }
        if (command.do === 'call' && happening.applied === true && counts(command.outcome)) probes.taken += 1
        if (command.do === 'finish' && happening.applied === true) {
          probes.running.delete(command.which % rig.calls.length)
          if (!counts(command.outcome)) probes.taken -= 1
        }
        assert.ok(probes.taken <= calls, `${probes.taken} of ${calls} probes`)
        // A probe whose lease has ended counts as decided, and no longer as running.
        const running = [...probes.running.values()].filter(
          (began) => began + probeTimeout > rig.clock.passed,
        )
        assert.ok(running.length <= concurrent, `${running.length} of ${concurrent} at once`)
      }
    }))

  it('S1, S2: every permit is applied exactly once or is late', () =>
    holds(enforced, async (settings, commands, path) => {
      const rig = new Rig(settings, path)
      const settled = new Map<number, boolean>()
      const settle = async (command: Command): Promise<void> => {
        const { late } = rig.read().totals
        const { applied } = await rig.perform(command)
        if (command.do !== 'finish' || applied === undefined) return
        const which = command.which % rig.calls.length
        assert.equal(applied && settled.has(which), false, 'a permit was applied twice')
        if (settled.has(which)) assert.equal(rig.read().totals.late, late)
        else assert.equal(rig.read().totals.late, applied ? late : late + 1)
        settled.set(which, applied)
      }
      for (const command of commands) await settle(command)
      for (const which of rig.calls.keys()) await settle({ do: 'finish', which, outcome: 'fail' })
      assert.equal(settled.size, rig.calls.length)
      assert.equal(rig.read().totals.inFlight, 0)
    }))

  it('S1: a result of another generation changes neither state, counts nor deadline', () =>
    holds(enforced, async (settings, commands, path) => {
      const rig = new Rig(settings, path)
      const admittedIn = new Map<number, number>()
      for (const command of commands) {
        const before = rig.read()
        const transitions = rig.transitions.length
        const happening = await rig.perform(command)
        if (happening.admitted !== undefined) admittedIn.set(happening.admitted, rig.transitions.length)
        if (command.do !== 'finish' || happening.applied === undefined) continue
        const after = rig.read()
        if (!happening.applied) assert.deepEqual({ ...after, totals: {} }, { ...before, totals: {} })
        const own = admittedIn.get(command.which % rig.calls.length)
        if (own !== transitions) assert.equal(happening.applied, false, 'applied to a later generation')
      }
    }))

  it('S16: no sequence of successes and ignored results opens a closed circuit', () =>
    holds(
      traffic,
      async (settings, commands, path) => {
        const rig = new Rig(settings, path)
        const half = Math.floor(commands.length / 2)
        await rig.play(commands.slice(0, half))
        if (rig.read().state !== 'closed') rig.breaker.close()
        for (const command of commands.slice(half)) {
          const harmless =
            'outcome' in command && fails(command.outcome) ? { ...command, outcome: 'ok' as const } : command
          await rig.perform(harmless)
          assert.equal(rig.read().state, 'closed')
        }
      },
      withoutSlowCalls,
    ))

  it('S9: with a lease no probe keeps its permit beyond it', () =>
    holds(
      operated,
      async (settings, commands) => {
        const rig = new Rig(settings)
        await rig.play(commands)
        rig.breaker.halfOpen()
        drain(rig)
        const { retryAfter, state } = rig.read()
        assert.ok(state !== 'half-open' || retryAfter <= settings.probeTimeout)
        rig.wait(settings.probeTimeout)
        const after = rig.read()
        if (after.state !== 'half-open') return assert.equal(after.state, 'open')
        const { calls, concurrent } = settings.halfOpen
        // If the circuit has opened and its open time has passed, the next period has not started, and has no results.
        assert.equal(after.retryAfter, 0)
        assert.equal(drain(rig), Math.min(concurrent, calls - after.counts.calls))
      },
      withLease,
    ))
})
