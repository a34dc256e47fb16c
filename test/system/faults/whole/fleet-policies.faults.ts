import assert from 'node:assert/strict'
import { it } from 'node:test'
import { until } from '../../../helpers/until.ts'
import { withBoth } from '../support/fleets.ts'

withBoth((fleets) => {
  it('F6: with a failure rate, failures on a single host do not count', () => {
    const BAD = 1
    const settings = { failureRateOver: 2_000, breaker: { timeoutDuration: 300 } }
    return fleets.with(3, settings, async (fleet, dependency) => {
      dependency.mannerFor.set(BAD, 'fails')
      await fleet.rate(20)
      await fleet.calls(60)
      const isOpen = ({ state }: { state: string }): boolean => state === 'open'
      assert.ok(fleet.members[BAD]!.history[0]!.some(isOpen))
      for (const { history } of fleet.members) assert.ok(history[0]!.every(({ fleet }) => fleet !== 'open'))
      // When the others see failures too, the fleet opens.
      dependency.manner = 'fails'
      await fleet.see('the fleet has opened', ({ fleet, scope }) => fleet !== 'closed' && scope === 'fleet')
      dependency.mannerFor.clear()
      dependency.manner = 'answers'
      await fleet.agree('closed')
    })
  })

  it('processes with different policies, as during a rollout, still form one fleet', () => {
    const OLD = { failMax: 4, timeoutDuration: 600, halfOpen: { calls: 1 } }
    const NEW = { failMax: 8, timeoutDuration: 1_200, halfOpen: { calls: 3, successes: 2, concurrent: 2 } }
    const each = (index: number): object => {
      if (index === 4) return { breaker: { ...NEW, mode: 'observe' } }
      if (index === 3) return { breaker: { ...NEW, failMax: 6, share: 'first-trip' } }
      if (index === 2) return { failureRateOver: 2_000, breaker: { timeoutDuration: 1_200 } }
      return { breaker: index === 1 ? NEW : OLD }
    }
    return fleets.with(5, { each }, async (fleet, dependency) => {
      const gating = fleet.members.slice(0, 4)
      const isOpen = (member: (typeof gating)[number]): boolean => {
        const [view] = member.views
        return view?.fleet === 'open' && view.state === 'open' && view.scope === 'fleet'
      }
      await fleet.rate(20)
      await fleet.agree('closed')
      dependency.manner = 'fails'
      for (let round = 0; round < 2; round++) {
        await until(
          () => gating.every(isOpen) && new Set(gating.map(({ views }) => views[0]!.epoch)).size === 1,
          () => fleet.describe('the members that go by the fleet are open at one epoch'),
        )
        const [{ epoch } = { epoch: 0 }] = gating[0]!.views
        await until(
          () => gating.every(({ views }) => views[0]!.epoch > epoch),
          () => fleet.describe('they have moved on'),
        )
      }
      const observer = await fleet.members[4]!.tally()
      assert.equal(observer.ends['open'], undefined, 'who observes rejects nothing')
      dependency.manner = 'answers'
      await fleet.agree('closed')
    })
  })
})
