import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker, CircuitBreakerOptions } from '../../../src/index.ts'
import { slowCallRate } from '../../../src/index.ts'
import { dependency, due } from './support/due.ts'
import { inWorld, settled, working, type Process, type World } from './support/world.ts'

const counts = (breaker: CircuitBreaker): unknown => {
  const { state, scope, inFlight, failCounter } = breaker.snapshot()
  return { state, scope, inFlight, failCounter, ...breaker.snapshot().counts }
}

describe('F17: a process in a half-open period of its fleet', () => {
  it(
    'F17: counts its own probes: running, succeeded, failed and slow',
    inWorld(async (world) => {
      const trip = slowCallRate({ threshold: 0.5, slowerThan: 50, window: 10_000 })
      const halfOpen = { calls: 6, successes: 6 }
      const [a] = await due(world, 1, { failMax: undefined, trip, halfOpen })
      const atRest = { scope: 'fleet', state: 'half-open', inFlight: 0, slow: 0, failures: 0, failCounter: 0 }

      assert.equal(await a!.call(() => 'fine'), 'fine')
      await world.pass(20)
      assert.deepEqual(counts(a!), { ...atRest, calls: 1, successes: 1 })

      const service = dependency()
      const end = a!.call(service.call)
      await world.pass(20)
      assert.deepEqual(counts(a!), { ...atRest, inFlight: 1, calls: 1, successes: 1 })
      world.clock.advance(30) // 50 ms in total, and a call that takes exactly the limit is not slow
      service.answer()
      await end
      assert.deepEqual(counts(a!), { ...atRest, calls: 2, successes: 2 })
    }),
  )

  it(
    'F17: its slow probe counts as slow and as failed; the next success ends the run',
    inWorld(async (world) => {
      const trip = slowCallRate({ threshold: 0.5, slowerThan: 50, window: 10_000 })
      const halfOpen = { calls: 4, successes: 1 }
      const [a] = await due(world, 1, { failMax: undefined, trip, halfOpen })
      const [slow, failing, quick] = [dependency(), dependency(), dependency()]
      const ends = [a!.call(slow.call), a!.call(failing.call)]
      await world.pass(80)
      const last = a!.call(quick.call)
      await world.pass(20)
      assert.equal(a!.snapshot().inFlight, 3)
      slow.answer()
      assert.equal(await ends[0], 'fine')
      const after = a!.snapshot()
      assert.deepEqual([after.counts.slow, after.counts.failures, after.failCounter], [1, 1, 1])
      failing.answer(new Error('down'))
      await assert.rejects(ends[1]!, /down/)
      assert.deepEqual([a!.snapshot().counts.failures, a!.failCounter], [2, 2])
      quick.answer()
      assert.equal(await last, 'fine')
      assert.deepEqual([a!.snapshot().counts.successes, a!.failCounter], [1, 0])
    }),
  )

  it(
    'F17: a slow probe re-opens as a failed one does, a fast one does not',
    inWorld(async (world) => {
      const trip = slowCallRate({ threshold: 0.5, slowerThan: 50, window: 10_000 })
      for (const [duration, state] of [
        [50, 'closed'],
        [51, 'open'],
      ] as const) {
        const [a] = await due(world, 1, { failMax: undefined, trip, name: `takes ${duration}` })
        const service = dependency()
        const end = a!.call(service.call)
        await world.pass(5)
        world.clock.advance(duration - 5)
        service.answer()
        await end
        await world.pass(20)
        assert.equal(a!.state, state)
      }
    }),
  )

  it(
    'F17: decides nothing by itself, not even when one of its own leases has ended',
    inWorld(async (world) => {
      const [a] = await due(world, 1, { probeTimeout: 500, halfOpen: { calls: 2, successes: 2 } })
      const seen: string[] = []
      a!.addListener({ stateChange: ({ to, reason, scope }) => seen.push(`${to} ${reason} ${scope}`) })
      const service = dependency()
      const end = a!.call(service.call)
      await world.pass(20)
      assert.equal(a!.snapshot().inFlight, 1)
      world.clock.advance(480) // the clock of this process only: the store has not seen the lease end yet
      const { state, scope, counts: seenNow, inFlight } = a!.snapshot()
      assert.deepEqual({ state, scope, inFlight }, { state: 'half-open', scope: 'fleet', inFlight: 1 })
      assert.equal(seenNow.failures, 1)
      service.answer()
      assert.equal(await end, 'fine')
      assert.equal(a!.snapshot().late, 1)
      assert.equal(a!.snapshot().inFlight, 0)
      assert.deepEqual(seen, ['half-open timeoutElapsed fleet'])
    }),
  )

  it(
    'F19: without a free permit, retryAfter is the time until asking again can succeed',
    inWorld(async (world) => {
      const [a, b] = await due(world, 2)
      void a!.call(() => new Promise(() => {}))
      await world.pass(20)
      await assert.rejects(
        b!.call(() => 1),
        { reason: 'half-open', scope: 'fleet' },
      )
      assert.ok(b!.retryAfter > 900 && b!.retryAfter <= 1_200, String(b!.retryAfter))
    }),
  )

  it(
    'F18: a lease that has ended unused admits no call',
    inWorld(async (world) => {
      const [a] = await due(world, 1, { probeTimeout: 300 })
      assert.equal(a!.tryAcquire(), undefined)
      await world.pass(20)
      assert.equal(a!.retryAfter, 0)
      world.clock.advance(300)
      assert.throws(() => a!.acquire(), { reason: 'half-open', scope: 'fleet' })
    }),
  )
})

describe('F26: when the store is lost in a half-open period of the fleet', () => {
  it(
    'F26: the process continues on its own, and probes though another has the only lease',
    inWorld(async (world) => {
      const member = world.process()
      const options = { timeoutDuration: 2_000, probeTimeout: 60_000 }
      const b = member.breaker({ ...options, reporter: 'b' })
      await working(b)
      const [a] = await due(world, 1, options)
      void a!.call(() => new Promise(() => {}))
      await world.pass(20)
      await assert.rejects(
        b.call(() => 1),
        { reason: 'half-open', scope: 'fleet' },
      )

      const seen: string[] = []
      b.addListener({ stateChange: ({ to, reason, scope }) => seen.push(`${to} ${reason} ${scope}`) })
      member.way = 'refusing'
      for (let i = 0; b.snapshot().fleet?.link !== 'degraded' && i < 20; i++) {
        await b.call(() => 1).catch(() => {})
        await world.pass(1_000)
      }
      const service = dependency()
      const probe = b.call(service.call)
      await world.pass(5)
      assert.equal(service.calls, 1)
      assert.deepEqual(
        [b.snapshot().state, b.snapshot().scope, b.snapshot().inFlight],
        ['half-open', 'local', 1],
      )
      service.answer()
      await probe
      assert.deepEqual(seen, ['closed probeSucceeded local'])
    }),
  )
})

/** The live leases of the half-open period of the fleet; a lease that has expired would have ended it. */
function leases(world: World): number {
  const record = world.record()
  assert.equal(record.state, 'half-open', JSON.stringify(record))
  return record.state === 'half-open' ? record.leases.length : NaN
}

/** A breaker in a half-open period of its fleet. */
async function probing(
  world: World,
  options: CircuitBreakerOptions = {},
): Promise<{ breaker: CircuitBreaker; member: Process }> {
  const member = world.process()
  const breaker = member.breaker({ timeoutDuration: 2_000, probeTimeout: 2_000, ...options })
  await working(breaker)
  await world.pass(50)
  breaker.halfOpen()
  await world.pass(50)
  return { breaker, member }
}

describe('F18: a lease that no call uses is given back before it expires', () => {
  for (const probeTimeout of [100, 300, 1_000, 5_000]) {
    for (const reply of [0, 40]) {
      it(
        `F18: leased for ${probeTimeout} ms, with ${reply} ms each way`,
        inWorld(async (world) => {
          const { breaker, member } = await probing(world, { probeTimeout })
          Object.assign(member, { replyTime: reply, answerTime: reply })
          assert.equal(breaker.tryAcquire(), undefined)
          await world.pass(reply + 10)
          assert.equal(leases(world), 1)
          await world.pass(1_200)
          assert.equal(leases(world), 0)
          assert.equal(member.count('settle'), 1)
        }),
      )
    }
  }

  it(
    'F18: leased for less than a round trip, it goes back at once',
    inWorld(async (world) => {
      const { breaker, member } = await probing(world, {
        probeTimeout: 100,
        halfOpen: { calls: 2, successes: 1 },
      })
      member.answerTime = 120
      assert.equal(breaker.tryAcquire(), undefined)
      await world.pass(125)
      assert.equal(member.count('settle'), 1)
    }),
  )

  const ends: Record<string, (breaker: CircuitBreaker, member: Process, world: World) => unknown> = {
    'nothing happens': () => {},
    'its breaker is switched off': (breaker) => (breaker.mode = 'off'),
    'its breaker begins to observe': (breaker) => (breaker.mode = 'observe'),
    'its breaker is switched off and on': (breaker) => {
      breaker.mode = 'off'
      breaker.mode = 'enforce'
    },
    'its breaker is reconfigured': (breaker) =>
      breaker.configure({ probeTimeout: 50, halfOpen: { calls: 9 }, timeoutDuration: 1 }),
    'its breaker is flushed': (breaker) => void breaker.flush(),
    'its breaker is switched off and disposed of': (breaker) => {
      breaker.mode = 'off'
      void breaker[Symbol.asyncDispose]()
    },
    'its breaker is disposed of': (breaker) => void breaker[Symbol.asyncDispose](),
    'the link is lost for a moment': async (_, member, world) => {
      member.way = 'refusing'
      await world.pass(500)
      member.way = 'up'
    },
  }
  for (const [event, happen] of Object.entries(ends)) {
    for (const [stage, ms] of [
      ['held', 50],
      ['asked for', 10],
    ] as const) {
      it(
        `F18: when ${event} while it is ${stage}`,
        inWorld(async (world) => {
          const { breaker, member } = await probing(world, { probeTimeout: 8_000 })
          member.answerTime = 20
          assert.equal(breaker.tryAcquire(), undefined)
          await world.pass(ms)
          assert.equal(leases(world), 1)
          await happen(breaker, member, world)
          const soon = /flushed|disposed/.test(event)
          await world.pass(soon ? 60 : 1_300)
          if (soon) assert.equal(leases(world), 0)
          await world.pass(6_000)
          assert.equal(leases(world), 0)
          await world.pass(100_000)
          assert.equal(world.timers, 0)
        }),
      )
    }
  }

  it(
    'F18: when the call that asked for it has gone, by its deadline or its signal',
    inWorld(async (world) => {
      const { breaker, member } = await probing(world, { probeTimeout: 1_000 })
      member.replyTime = 150
      const caller = new AbortController()
      const call = breaker.run(() => 1, { signal: caller.signal })
      caller.abort(new Error('gone'))
      await assert.rejects(call, /gone/)
      await world.pass(2_000)
      assert.equal(leases(world), 0)
      const late = breaker.call(() => 1)
      const rejected = assert.rejects(late, { reason: 'half-open' })
      await world.pass(2_000)
      await rejected
      assert.equal(leases(world), 0)
      assert.equal(member.count('acquire'), 2)
    }),
  )

  it(
    'F10, F18: when a breaker that observes has asked for it, and makes no other call',
    inWorld(async (world) => {
      const { breaker } = await probing(world, { probeTimeout: 1_000 })
      const observer = world.process().breaker({ mode: 'observe', probeTimeout: 1_000 })
      await working(observer)
      await world.pass(20)
      await working(observer)
      await world.pass(20)
      assert.equal(leases(world), 1)
      await world.pass(3_000)
      assert.equal(leases(world), 0)
      assert.equal(breaker.state, 'half-open')
    }),
  )

  for (const [event, happen] of [
    ['its mode changes', (breaker: CircuitBreaker) => (breaker.mode = 'off')],
    ['its breaker begins to enforce', (breaker: CircuitBreaker) => (breaker.mode = 'enforce')],
    ['its breaker begins to observe', (breaker: CircuitBreaker) => (breaker.mode = 'observe')],
  ] as const) {
    for (const mode of ['enforce', 'observe'] as const) {
      it(
        `F18: the lease of a call in flight in mode ${mode} goes back when ${event}, since its result will be late`,
        inWorld(async (world) => {
          await probing(world, { probeTimeout: 1_000 })
          const breaker = world.process().breaker({ mode, probeTimeout: 1_000 })
          await working(breaker, mode === 'observe' ? 1 : 0)
          await world.pass(20)
          assert.equal(breaker.tryAcquire()?.ignore() ?? true, true)
          await world.pass(20)
          const service = dependency()
          const call = breaker.call(service.call)
          await world.pass(20)
          assert.equal(service.calls, 1)
          assert.equal(leases(world), 1)
          happen(breaker)
          const changed = breaker.mode !== mode
          await world.pass(50)
          assert.equal(leases(world), changed ? 0 : 1)
          service.answer()
          assert.equal(await call, 'fine')
          await settled()
          assert.equal(world.record().state, changed ? 'half-open' : 'closed')
        }),
      )
    }
  }

  it(
    'F18, F26: the lease of a probe that becomes late because the link is lost goes back when the link returns',
    inWorld(async (world) => {
      const { breaker, member } = await probing(world, { probeTimeout: 20_000 })
      const service = dependency()
      void breaker.call(service.call)
      await world.pass(50)
      assert.equal(leases(world), 1)
      member.way = 'refusing'
      await world.pass(2_000)
      const local = breaker.call(service.call)
      await settled()
      assert.deepEqual([service.calls, breaker.snapshot().scope], [2, 'local'])
      member.way = 'up'
      await world.pass(10_000)
      assert.equal(leases(world), 0)
      service.answer()
      await local
    }),
  )
})

describe('F18: an acquire whose reply is lost', () => {
  for (const outage of [0, 2_000, 15_000, 60_000]) {
    it(
      `F18: is repeated when the link can be used again, after ${outage} ms, and the lease goes back`,
      inWorld(async (world) => {
        const { breaker, member } = await probing(world, { probeTimeout: 3_600_000 })
        member.answerTime = 60_000
        const waiting = assert.rejects(breaker.call(() => 1))
        await world.pass(110)
        await waiting
        assert.equal(leases(world), 1)
        await world.pass(950)
        Object.assign(member, { answerTime: 0, way: outage > 0 ? 'refusing' : 'up' })
        await world.pass(outage)
        member.way = 'up'
        member.resync()
        await world.pass(7_000)
        assert.equal(leases(world), 0)
        assert.ok(member.count('acquire') <= 5 + outage / 4_000, String(member.count('acquire')))
        await world.pass(200_000)
        assert.equal(world.timers, 0)
      }),
    )
  }

  it(
    'F18: is given up when the period has ended meanwhile',
    inWorld(async (world) => {
      const { breaker, member } = await probing(world, { probeTimeout: 3_600_000 })
      member.answerTime = 60_000
      assert.equal(breaker.tryAcquire(), undefined)
      await world.pass(1_080)
      member.answerTime = 0
      breaker.close()
      await world.pass(10_000)
      assert.equal(world.record().state, 'closed')
      assert.equal(member.count('acquire'), 1)
      await world.pass(100_000)
      assert.equal(world.timers, 0)
    }),
  )

  it(
    'F18: several are repeated with their own nonces, and no place stays taken',
    inWorld(async (world) => {
      const { breaker, member } = await probing(world, {
        probeTimeout: 60_000,
        halfOpen: { calls: 5, concurrent: 3 },
      })
      member.answerTime = 60_000
      const waiting = Promise.allSettled([1, 2, 3, 4].map(() => breaker.call(() => 1)))
      await world.pass(110)
      await waiting
      assert.equal(leases(world), 3)
      member.answerTime = 0
      await world.pass(3_500)
      assert.equal(leases(world), 0)
      assert.equal(member.count('acquire'), 6)
    }),
  )
})
