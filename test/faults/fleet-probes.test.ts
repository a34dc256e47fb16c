import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { Dependency } from './support/dependency.ts'
import { Fleet, until, type FleetSettings } from './support/fleet.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect } from './support/script-storage.ts'

for (const client of ['node-redis 6', 'ioredis 6']) {
  describe(`A fleet with ${client}, in real processes`, () => {
    let server: RedisServer
    let dependency: Dependency
    let fleet: Fleet | undefined

    before(async () => {
      server = await startRedis()
    })
    beforeEach(async () => {
      const admin = await connect(server.url)
      await admin.flushAll()
      admin.destroy()
      dependency = await Dependency.start()
      fleet = undefined
    })
    afterEach(async () => {
      try {
        await fleet?.end()
      } finally {
        await dependency.close()
      }
    })
    after(() => server.stop())

    const start = async (size: number, settings: Partial<FleetSettings>): Promise<Fleet> => {
      fleet = await Fleet.start(size, {
        client,
        store: { url: server.url },
        dependency: dependency.url,
        ...settings,
      })
      return fleet
    }

    it('F17: of 200 breakers that race, exactly `calls` send a probe', async () => {
      const PROBES = 3
      const fleet = await start(8, {
        names: Array.from({ length: 25 }, () => 'payments'),
        breaker: { halfOpen: { calls: PROBES }, timeoutDuration: 60_000 },
      })
      await fleet.rate(2)
      const isClosed = ({ fleet, link }: { fleet: string | null; link: string }): boolean =>
        fleet === 'closed' && link === 'live'
      await fleet.see('all take part', isClosed)
      await fleet.members[0]!.tell({ do: 'open', breaker: 0, for: 3_000 })
      const [{ epoch } = { epoch: 0 }] = fleet.members[0]!.views
      await fleet.see(
        'all are open',
        (view) => view.fleet === 'open' && view.scope === 'fleet' && view.epoch >= epoch,
      )
      const before = dependency.arrivals.length
      dependency.manner = 'hangs'
      await fleet.rate(10)
      await until(
        () => dependency.hanging === PROBES,
        () => `${PROBES} probes, there are ${dependency.hanging}`,
      )
      // Each has tried again and again by then.
      await fleet.calls(25 * 5)
      assert.equal(dependency.arrivals.length - before, PROBES)
      dependency.manner = 'answers'
      dependency.release('answers')
      await fleet.see('all are closed', ({ state, fleet }) => state === 'closed' && fleet === 'closed')
      await fleet.agree('closed')
    })

    it('F17, I4: the lease of a prober that is killed ends as a failed probe, and another one probes', async () => {
      const LEASE = 1_500
      const OPEN_FOR = 500
      const fleet = await start(4, {
        breaker: { failMax: 5, timeoutDuration: OPEN_FOR, probeTimeout: LEASE },
      })
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
      const prober = fleet.members.find(({ pid }) => pid === probe.pid)!
      const before = dependency.arrivals.length
      await prober.kill()
      dependency.manner = 'answers'
      const epoch = await fleet.agree('closed')
      assert.equal(fleet.living.length, 3)
      const next = dependency.arrivals[before]!
      assert.notEqual(next.pid, probe.pid)
      // Nobody probed while the lease lasted, and then it was over: it had one call, and the fleet opened once more.
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

    it('F3, F6: of ten nodes the bad one opens itself, and nobody else', async () => {
      const BAD = 3
      dependency.mannerFor.set(BAD, 'fails')
      const fleet = await start(10, { breaker: { failMax: 5, timeoutDuration: 500 } })
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

    it('the same with a failure rate: what one host saw, nobody saw', async () => {
      const BAD = 1
      dependency.mannerFor.set(BAD, 'fails')
      const fleet = await start(3, { failureRateOver: 2_000, breaker: { timeoutDuration: 300 } })
      await fleet.rate(20)
      await fleet.calls(60)
      const isOpen = ({ state }: { state: string }): boolean => state === 'open'
      assert.ok(fleet.members[BAD]!.history[0]!.some(isOpen))
      for (const { history } of fleet.members) assert.ok(history[0]!.every(({ fleet }) => fleet !== 'open'))
      // When the others see it too, it is the fleet's.
      dependency.manner = 'fails'
      await fleet.see('the fleet has opened', ({ fleet, scope }) => fleet !== 'closed' && scope === 'fleet')
      dependency.mannerFor.clear()
      dependency.manner = 'answers'
      await fleet.agree('closed')
    })

    it('policies that differ during a rollout still make one fleet', async () => {
      const OLD = { failMax: 4, timeoutDuration: 600, halfOpen: { calls: 1 } }
      const NEW = { failMax: 8, timeoutDuration: 1_200, halfOpen: { calls: 3, successes: 2, concurrent: 2 } }
      const fleet = await start(5, {
        each: (index) => {
          if (index === 4) return { breaker: { ...NEW, mode: 'observe' } }
          if (index === 3) return { breaker: { ...NEW, failMax: 6, share: 'first-trip' } }
          if (index === 2) return { failureRateOver: 2_000, breaker: { timeoutDuration: 1_200 } }
          return { breaker: index === 1 ? NEW : OLD }
        },
      })
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
}
