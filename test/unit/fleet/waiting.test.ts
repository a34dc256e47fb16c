import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCircuitBreakerError, type CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { MonotonicTime } from '../../../src/base/clock.ts'
import { WaitBackoff } from '../../../src/fleet/wait-backoff.ts'
import { dependency, due } from './support/due.ts'
import { inWorld, settled, working, type Process, type World } from './support/world.ts'

describe('F20: waiting for a lease', () => {
  it(
    'F20: acquire and tryAcquire reject, ask in the background and use the lease later',
    inWorld(async (world) => {
      const [a] = await due(world, 1)
      assert.equal(a!.tryAcquire(), undefined)
      assert.throws(() => a!.acquire(), { reason: 'half-open', scope: 'fleet' })
      await world.pass(10)
      assert.equal(a!.acquire().success(), true)
      await settled()
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F20: an asynchronous generator waits for its lease, and a synchronous one does not',
    inWorld(async (world) => {
      const [a] = await due(world, 1)
      const counted = a!.wrap(async function* () {
        yield 1
        yield 2
      })
      const atOnce = a!.wrap(function* () {
        yield 1
      })
      assert.throws(() => atOnce().next(), { reason: 'half-open' })
      const seen: number[] = []
      for await (const each of counted()) seen.push(each)
      assert.deepEqual(seen, [1, 2])
      await world.pass(20)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F20: the wait for a lease is not part of the call’s own time',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ callTimeout: 50, timeoutDuration: 2_000 })
      await working(a)
      await world.pass(50)
      a.halfOpen()
      await world.pass(50)
      member.replyTime = 80
      let begun = false
      const call = a.call(() => {
        begun = true
        return 'fine'
      })
      await world.pass(75)
      assert.equal(begun, false)
      await world.pass(10)
      assert.equal(await call, 'fine')
    }),
  )

  it(
    'F20, I6: a call waits no longer than the probe deadline when the store hangs',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ timeoutDuration: 1_000, probeDeadline: 80 })
      await working(breaker)
      await world.pass(50)
      breaker.open()
      await world.pass(1_050)
      member.way = 'hanging'
      const ends: unknown[] = []
      void breaker.call(() => 1).catch((error: unknown) => ends.push(error))
      await world.pass(75)
      assert.equal(ends.length, 0)
      await world.pass(10)
      const [end] = ends
      assert.ok(isCircuitBreakerError(end))
      assert.equal(end.reason, 'half-open')
    }),
  )
})

/** Returns a breaker in a half-open period of its fleet, and its process. */
async function halfOpen(
  world: World,
  options: CircuitBreakerOptions = {},
): Promise<{ breaker: CircuitBreaker; member: Process }> {
  const member = world.process()
  const breaker = member.breaker({ timeoutDuration: 2_000, ...options })
  await working(breaker)
  await world.pass(50)
  breaker.halfOpen()
  await world.pass(50)
  return { breaker, member }
}

/** Makes calls at once. Returns the reasons of those that have been rejected so far. */
function crowd(calls: number, call: (i: number) => Promise<unknown>): unknown[] {
  const reasons: unknown[] = []
  for (let i = 0; i < calls; i++) {
    call(i).catch((error: unknown) => reasons.push(isCircuitBreakerError(error) ? error.reason : error))
  }
  return reasons
}

describe('F20b: as many calls wait as places can be granted', () => {
  for (const [condition, change] of [
    ['that replies in 80 ms', { replyTime: 80 }],
    ['that replies in 2 s', { replyTime: 2_000 }],
    ['that loses replies', { answerTime: 60_000 }],
    ['that hangs', { way: 'hanging' }],
  ] as const) {
    it(
      `F20b: with a store ${condition}, one of 200 calls waits and the others are rejected in the same turn`,
      inWorld(async (world) => {
        const { breaker, member } = await halfOpen(world)
        Object.assign(member, change)
        const wrapped = breaker.wrap(() => Promise.resolve(1))
        const generator = breaker.wrap(async function* () {
          yield 1
        })
        const ways = [
          () => breaker.call(() => 1),
          () => breaker.run(() => 1, { signal: new AbortController().signal }),
          () => wrapped(),
          () => generator().next(),
        ]
        const reasons = crowd(200, (i) => ways[i % 4]!())
        await settled()
        assert.deepEqual(new Set(reasons), new Set(['half-open']))
        assert.equal(reasons.length, 199)
        assert.equal(member.count('acquire'), 1)
        await world.pass(110)
        assert.equal(reasons.length, condition === 'that replies in 80 ms' ? 199 : 200)
      }),
    )
  }

  it(
    'F20b: with three places three of ten calls wait, each for an acquire of its own, and become probes',
    inWorld(async (world) => {
      const { breaker, member } = await halfOpen(world, { halfOpen: { calls: 5, concurrent: 3 } })
      member.replyTime = 50
      const service = dependency()
      const reasons = crowd(10, () => breaker.call(service.call))
      await settled()
      assert.deepEqual([reasons.length, member.count('acquire')], [7, 3])
      await world.pass(60)
      assert.deepEqual([reasons.length, service.calls], [7, 3])
      const more = crowd(5, () => breaker.call(service.call))
      await settled()
      assert.deepEqual([more.length, member.count('acquire')], [5, 3])
    }),
  )

  it(
    'F20b: breakers of one process share the places',
    inWorld(async (world) => {
      const { breaker, member } = await halfOpen(world, { halfOpen: { calls: 2 } })
      const other = member.breaker({ timeoutDuration: 2_000, halfOpen: { calls: 2 } })
      await working(breaker)
      member.replyTime = 50
      const service = dependency()
      const reasons = crowd(6, (i) => [breaker, other][i % 2]!.call(service.call))
      await settled()
      assert.deepEqual([reasons.length, member.count('acquire')], [4, 3])
      await world.pass(60)
      assert.equal(reasons.length + service.calls, 6)
    }),
  )

  it(
    'F20b: nobody waits for a place that a call of its own process occupies, however long that lasts',
    inWorld(async (world) => {
      const { breaker, member } = await halfOpen(world, { probeTimeout: 60_000 })
      const service = dependency()
      const probe = breaker.call(service.call)
      await world.pass(20)
      assert.equal(service.calls, 1)
      member.replyTime = 50
      for (let i = 0; i < 5; i++) {
        const reasons = crowd(3, () => breaker.call(service.call))
        await settled()
        assert.equal(reasons.length, 3)
        assert.ok(breaker.retryAfter > 0)
        await world.pass(1_300)
      }
      assert.equal(member.count('acquire'), 1)
      service.answer()
      assert.equal(await probe, 'fine')
    }),
  )

  it(
    'F20b: a call whose acquire is denied is rejected when the denial arrives',
    inWorld(async (world) => {
      const { breaker } = await halfOpen(world)
      const member = world.process()
      const late = member.breaker()
      await working(late)
      await world.pass(20)
      member.replyTime = 30
      const reasons = crowd(1, () => late.call(() => 1))
      void breaker.call(() => new Promise(() => {}))
      await world.pass(25)
      assert.equal(reasons.length, 0)
      await world.pass(10)
      assert.deepEqual(reasons, ['half-open'])
    }),
  )

  it(
    'F20b: a call that stops waiting leaves its place to the next one',
    inWorld(async (world) => {
      const { breaker, member } = await halfOpen(world)
      member.replyTime = 50
      const caller = new AbortController()
      const first = breaker.run(() => 'first', { signal: caller.signal })
      await world.pass(10)
      caller.abort(new Error('gone'))
      await assert.rejects(first, /gone/)
      const second = breaker.call(() => 'second')
      await world.pass(50)
      assert.equal(await second, 'second')
      assert.equal(member.count('acquire'), 1)
    }),
  )

  it(
    'F20b: after a wait has timed out no call waits for a second, and a later one takes the lease that came late',
    inWorld(async (world) => {
      const { breaker, member } = await halfOpen(world)
      member.replyTime = 300
      const waiting = crowd(1, () => breaker.call(() => 1))
      await world.pass(105)
      assert.equal(waiting.length, 1)
      for (let at = 110; at < 290; at += 20) {
        const reasons = crowd(1, () => breaker.call(() => 1))
        await settled()
        assert.equal(reasons.length, 1)
        await world.pass(20)
      }
      await world.pass(50)
      assert.equal(await breaker.call(() => 'late'), 'late')
      assert.equal(member.count('acquire'), 1)
    }),
  )
})

describe('F28: the pause after a wait that has timed out', () => {
  it(
    'F28: is a second, doubles to 30 s, counts waits at the same time once, and starts over after a reply in time',
    inWorld(async (world) => {
      const { clock } = world
      const waits = new WaitBackoff(new MonotonicTime(clock, { report: assert.fail }))
      const missed = async (): Promise<void> => {
        const hung = Array.from({ length: 3 }, () => waits.wait(new Promise(() => {}), 10, undefined))
        await world.pass(20)
        await Promise.all(hung)
      }
      const pause = async (): Promise<number> => {
        await missed()
        let ms = 0
        for (; !waits.mayWait; ms += 100) clock.advance(100)
        return ms
      }
      const pauses: number[] = []
      for (let i = 0; i < 7; i++) pauses.push(await pause())
      assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
      await waits.wait(Promise.resolve(), 10, undefined)
      assert.equal(await pause(), 1_000)
      const caller = new AbortController()
      const aborted = waits.wait(new Promise(() => {}), 10, caller.signal)
      caller.abort(new Error('gone'))
      await assert.rejects(aborted, /gone/)
      assert.equal(waits.mayWait, true)
    }),
  )
})
