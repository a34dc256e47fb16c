import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../helpers/until.ts'
import { type Fleet } from './support/fleet.ts'
import { withBoth } from './support/fleets.ts'
import type { View } from './support/member-messages.ts'

/** Opens a fleet for a while, or for longer if the machine is too busy for all processes to learn of it in time. */
async function openForAll(fleet: Fleet): Promise<void> {
  const isOpen = ({ state, scope }: View): boolean => state === 'open' && scope === 'fleet'
  for (let length = 2_000; ; length *= 2) {
    await fleet.members[0]!.tell({ do: 'open', breaker: 0, for: length })
    const enough = performance.now() + length * 0.7
    while (performance.now() < enough) {
      if (fleet.members.every(({ views }) => views.every(isOpen))) return
      await sleep(20)
    }
    assert.ok(length < 60_000, fleet.describe('they have not all received the opening'))
  }
}

withBoth((fleets) => {
  it('F17: of 200 breakers that race, exactly `calls` send a probe', () => {
    const PROBES = 3
    const settings = {
      names: Array.from({ length: 50 }, () => 'payments'),
      breaker: { halfOpen: { calls: PROBES }, timeoutDuration: 60_000 },
    }
    return fleets.with(4, settings, async (fleet, dependency) => {
      await fleet.rate(2)
      await fleet.see('all take part', ({ fleet, link }) => fleet === 'closed' && link === 'live')
      await openForAll(fleet)
      const before = dependency.arrivals.length
      dependency.manner = 'hangs'
      await until(
        () => dependency.hanging === PROBES,
        () => `${PROBES} probes, there are ${dependency.hanging}`,
      )
      // By then each has tried several times.
      await fleet.calls(50 * 4)
      assert.equal(dependency.arrivals.length - before, PROBES)
      dependency.manner = 'answers'
      dependency.release('answers')
      await fleet.see('all are closed', ({ state, fleet }) => state === 'closed' && fleet === 'closed')
      await fleet.agree('closed')
    })
  })

  it('F17, I4: the lease of a process that is killed during its probe ends as a failed probe, and another process probes', () => {
    const LEASE = 1_500
    const OPEN_FOR = 500
    const breaker = { failMax: 5, timeoutDuration: OPEN_FOR, probeTimeout: LEASE }
    return fleets.with(4, { breaker }, async (fleet, dependency) => {
      await fleet.rate(20)
      await fleet.agree('closed')
      dependency.manner = 'fails'
      await fleet.see('the fleet has opened', ({ fleet, scope }) => fleet === 'open' && scope === 'fleet')
      dependency.manner = 'hangs'
      await until(
        () => dependency.hanging > 0,
        () => 'a probe',
      )
      const probe = dependency.arrivals.at(-1)!
      const probing = fleet.members.find(({ pid }) => pid === probe.pid)!
      const before = dependency.arrivals.length
      await probing.kill()
      dependency.manner = 'answers'
      const epoch = await fleet.agree('closed')
      assert.equal(fleet.living.length, 3)
      const next = dependency.arrivals[before]!
      assert.notEqual(next.pid, probe.pid)
      // No probe while the lease lasted. Its end failed the only probe, and the fleet opened once more.
      const took = next.at - probe.at
      assert.ok(took >= LEASE + OPEN_FOR - 50, `the next probe came after ${took} ms`)
      for (const member of fleet.living) {
        const views = member.history[0]!.filter((view) => view.at >= probe.at && view.epoch <= epoch)
        const halfOpens = new Set(
          views.filter((view) => view.fleet === 'half-open').map((view) => view.epoch),
        )
        assert.ok(halfOpens.size <= 2, `half-open ${halfOpens.size} times`)
      }
    })
  })

  it('F3, F6: of ten nodes, a bad one opens only itself', () => {
    const BAD = 3
    return fleets.with(10, { breaker: { failMax: 5, timeoutDuration: 500 } }, async (fleet, dependency) => {
      dependency.mannerFor.set(BAD, 'fails')
      await fleet.rate(20)
      const bad = fleet.members[BAD]!
      const openings = (): number => {
        const states = bad.history[0]!.map(({ state }) => state)
        return states.filter((state, i) => state === 'open' && states[i - 1] !== 'open').length
      }
      await until(
        () => openings() >= 3,
        () => fleet.describe('the bad node opens three times'),
      )
      await fleet.calls(40)
      for (const member of fleet.members) {
        const views = member.history[0]!
        assert.ok(
          views.every(({ fleet }) => fleet === null || fleet === 'closed'),
          JSON.stringify(views),
        )
        const { ends } = await member.tally()
        if (member === bad) {
          assert.ok(views.every(({ scope }) => scope === 'local'))
          assert.ok((ends['open'] ?? 0) > 0)
        } else assert.deepEqual(Object.keys(ends), ['answered'])
      }
      dependency.mannerFor.clear()
      await fleet.agree('closed')
    })
  })
})
