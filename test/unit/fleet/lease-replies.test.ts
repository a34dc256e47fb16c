import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker, CircuitBreakerOptions } from '../../../src/index.ts'
import { dependency } from './support/due.ts'
import { inWorld, settled, working, type Process, type World } from './support/world.ts'

interface Member {
  readonly process: Process
  readonly breaker: CircuitBreaker
}

/** Members of a fleet that is half-open. */
async function probing(world: World, size: number, options: CircuitBreakerOptions = {}): Promise<Member[]> {
  const members = Array.from({ length: size }, (_, i) => {
    const process = world.process()
    return {
      process,
      breaker: process.breaker({
        reporter: `${i}`,
        timeoutDuration: 60_000,
        probeDeadline: 5_000,
        ...options,
      }),
    }
  })
  for (const { breaker } of members) await working(breaker)
  await world.pass(50)
  members[0]!.breaker.halfOpen()
  await world.pass(100)
  // A half-open period is not pushed.
  for (const { breaker } of members) await breaker.flush()
  for (const { breaker } of members) assert.equal(breaker.state, 'half-open')
  return members
}

/** Begins another half-open period, of which the others do not know yet. */
async function renew({ breaker }: Member): Promise<void> {
  breaker.close()
  await settled()
  breaker.halfOpen()
  await settled()
}

function leases(world: World): number {
  const record = world.record()
  return record.state === 'half-open' ? record.leases.length : NaN
}

describe('F17: a lease that was granted in a half-open period that has ended', () => {
  for (const isTaken of [true, false]) {
    it(
      `F17: is used by no call, which asks again: the place is ${isTaken ? 'taken' : 'free'}`,
      inWorld(async (world) => {
        const [a, b] = (await probing(world, 2)) as [Member, Member]
        const [ofA, ofB] = [dependency(), dependency()]
        // The store grants the lease now, and the reply takes long.
        a.process.answerTime = 400
        const call = a.breaker.call(ofA.call).catch((error: Error) => error)
        await world.pass(10)
        a.process.answerTime = 0
        const { epoch } = world.record()
        await renew(b)
        await world.pass(50)
        assert.ok(a.breaker.snapshot().fleet!.epoch > epoch)
        const probe = isTaken ? b.breaker.call(ofB.call) : undefined
        await world.pass(500)
        assert.deepEqual([ofA.calls, ofB.calls, leases(world)], isTaken ? [0, 1, 1] : [1, 0, 1])
        assert.equal(a.process.count('acquire'), 2)
        ofB.answer()
        await probe
        ofA.answer()
        await world.pass(2_000)
        assert.equal(world.record().state, 'closed')
        await call
      }),
    )
  }
})

describe('F18: an acquire that came too late', () => {
  it(
    'F18: is repeated at once for a call that waits, because its process knew an older period',
    inWorld(async (world) => {
      const [a, b] = (await probing(world, 2)) as [Member, Member]
      await renew(b)
      const service = dependency()
      const call = a.breaker.call(service.call)
      await settled()
      await settled()
      assert.deepEqual([service.calls, a.process.count('acquire')], [1, 2])
      service.answer()
      await call
    }),
  )

  it(
    'F18: is not repeated if no call waits for it',
    inWorld(async (world) => {
      const [a, b] = (await probing(world, 2)) as [Member, Member]
      await renew(b)
      assert.equal(a.breaker.tryAcquire(), undefined)
      await world.pass(500)
      assert.deepEqual([a.process.count('acquire'), leases(world)], [1, 0])
    }),
  )

  it(
    'F18: is sent four times at most, however often the period changes',
    inWorld(async (world) => {
      const [a, b] = (await probing(world, 2)) as [Member, Member]
      const { storage } = a.process
      const acquire = storage.acquire.bind(storage)
      storage.acquire = async (...args) => {
        await renew(b)
        return acquire(...args)
      }
      const rejected = assert.rejects(
        a.breaker.call(() => 1),
        { reason: 'half-open' },
      )
      await world.pass(500)
      await rejected
      // The rejected call has asked for a later one.
      assert.equal(a.process.count('acquire'), 4 + 1)
    }),
  )

  it(
    'F18: is repeated with a new nonce if its lease has ended before the reply',
    inWorld(async (world) => {
      const halfOpen = { calls: 3, successes: 1 }
      const [a] = (await probing(world, 1, { probeTimeout: 300, halfOpen })) as [Member]
      a.process.answerTime = 60_000
      assert.equal(a.breaker.tryAcquire(), undefined)
      await world.pass(20)
      Object.assign(a.process, { answerTime: 0, replyTime: 60 })
      // A second, its grace and a pause: the acquire is on its way again.
      await world.pass(1_150)
      const service = dependency()
      const call = a.breaker.call(service.call)
      await world.pass(150)
      assert.deepEqual([service.calls, a.process.count('acquire')], [1, 3])
      service.answer()
      await call
    }),
  )
})

describe('F19: a process that was denied', () => {
  it(
    'F19, F21: does not ask again before a lease may be free: the host whose probe failed last yields for a second',
    inWorld(async (world) => {
      const [a] = (await probing(world, 1, { timeoutDuration: 500 })) as [Member]
      const { process, breaker } = a
      await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
      await world.pass(10)
      assert.equal(world.record().state, 'open')
      await world.pass(495)
      // What the record shows is no news meanwhile.
      process.storage.exchange = () => new Promise(() => {})
      const before = process.count('acquire')
      for (let i = 0; i < 40; i++) {
        breaker.tryAcquire()
        await world.pass(20)
      }
      assert.equal(process.count('acquire'), before + 1)
      await world.pass(450)
      breaker.tryAcquire()
      await world.pass(10)
      assert.equal(process.count('acquire'), before + 2)
    }),
  )

  it(
    'F19: asks again after a second, even if all leases are used for longer',
    inWorld(async (world) => {
      const [a, b] = (await probing(world, 2, { probeTimeout: 10_000 })) as [Member, Member]
      void b.breaker.call(() => new Promise(() => {}))
      await world.pass(10)
      assert.equal(a.breaker.tryAcquire(), undefined)
      await world.pass(10)
      assert.ok(a.breaker.retryAfter > 900 && a.breaker.retryAfter <= 1_200, String(a.breaker.retryAfter))
      for (const [wait, acquires] of [
        [900, 1],
        [340, 2],
      ] as const) {
        await world.pass(wait)
        a.breaker.tryAcquire()
        await world.pass(5)
        assert.equal(a.process.count('acquire'), acquires)
      }
    }),
  )
})

describe('F20b: a call that waits for a lease', () => {
  const halfOpen = { calls: 2, successes: 2, concurrent: 2 }

  it(
    'F20b: is rejected at once while no acquire is in flight',
    inWorld(async (world) => {
      const [{ process, breaker }] = (await probing(world, 1)) as [Member]
      process.answerTime = 60_000
      breaker.tryAcquire()
      // Its deadline has passed, and the pause before it is repeated has not.
      await world.pass(1_070)
      let reason = ''
      breaker.call(() => 1).catch((error: { reason: string }) => (reason = error.reason))
      await settled()
      assert.equal(reason, 'half-open')
    }),
  )

  it(
    'F20b: goes on waiting when another one gets its lease',
    inWorld(async (world) => {
      const [{ process, breaker }] = (await probing(world, 1, { halfOpen })) as [Member]
      const service = dependency()
      const calls = []
      for (const answerTime of [50, 200]) {
        process.answerTime = answerTime
        calls.push(breaker.call(service.call))
        await world.pass(5)
      }
      await world.pass(60)
      assert.equal(service.calls, 1)
      await world.pass(150)
      assert.equal(service.calls, 2)
      service.answer()
      await Promise.all(calls)
    }),
  )

  it(
    'F20b: gets the lease of one that has left',
    inWorld(async (world) => {
      const [{ process, breaker }] = (await probing(world, 1, { halfOpen })) as [Member]
      const [first, second] = [dependency(), dependency()]
      const caller = new AbortController()
      process.answerTime = 50
      const left = assert.rejects(breaker.run(first.call, { signal: caller.signal }))
      await world.pass(5)
      process.answerTime = 500
      void breaker.call(second.call)
      await world.pass(5)
      caller.abort(new Error('gone'))
      await left
      await world.pass(60)
      assert.deepEqual([first.calls, second.calls], [0, 1])
    }),
  )

  it(
    'F18: uses its lease even if the reply took longer than that lasts',
    inWorld(async (world) => {
      const options = { probeTimeout: 100, halfOpen: { calls: 2, successes: 1 } }
      const [{ process, breaker }] = (await probing(world, 1, options)) as [Member]
      process.answerTime = 120
      const service = dependency()
      void breaker.call(service.call)
      await world.pass(130)
      assert.deepEqual([service.calls, process.count('settle')], [1, 0])
    }),
  )
})

describe('F18: when the link returns', () => {
  for (const what of ['outcome', 'acquire'] as const) {
    it(
      `F18: an ${what} whose reply is missing is sent at once`,
      inWorld(async (world) => {
        const [{ process, breaker }] = (await probing(world, 1, { probeTimeout: 60_000 })) as [Member]
        const other = process.breaker({ name: 'search' })
        await working(other)
        const service = dependency()
        if (what === 'outcome') void breaker.call(service.call)
        await world.pass(10)
        process.way = 'hanging'
        if (what === 'outcome') service.answer()
        else breaker.tryAcquire()
        await world.pass(1_100)
        process.way = 'refusing'
        await other.flush()
        await world.pass(20_000)
        const operation = what === 'outcome' ? 'settle' : 'acquire'
        await working(other)
        process.way = 'up'
        const before = process.count(operation)
        await other.flush()
        await settled()
        assert.equal(process.count(operation), before + 1)
      }),
    )
  }

  it(
    'F18: or the breaker is flushed, the lease of a call in flight stays with it',
    inWorld(async (world) => {
      const [{ process, breaker }] = (await probing(world, 1)) as [Member]
      const service = dependency()
      const call = breaker.call(service.call)
      await world.pass(10)
      await breaker.flush()
      await world.pass(10)
      assert.deepEqual([leases(world), process.count('settle')], [1, 0])
      service.answer()
      await call
      await settled()
      assert.equal(world.record().state, 'closed')
    }),
  )
})

describe('F18: the outcome of a probe', () => {
  it(
    'F18: is sent again when its reply is missing though the link is live, and its reply is the news',
    inWorld(async (world) => {
      const [{ process, breaker }] = (await probing(world, 1)) as [Member]
      const service = dependency()
      const call = breaker.call(service.call)
      await world.pass(10)
      process.way = 'hanging'
      service.answer()
      await call
      await settled()
      process.way = 'up'
      process.storage.exchange = () => new Promise(() => {})
      await world.pass(1_000)
      assert.deepEqual([process.count('settle'), breaker.state], [1, 'half-open'])
      await world.pass(200)
      assert.deepEqual([process.count('settle'), breaker.state], [2, 'closed'])
    }),
  )
})
