import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker } from '../../../src/index.ts'
import { slowCallRate } from '../../../src/index.ts'
import { dependency, due } from './support/due.ts'
import { inWorld, working } from './support/world.ts'

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
