import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCircuitBreakerError, type CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { superviseCall } from '../../../src/integrations/adapter.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { due } from './support/due.ts'
import { inWorld, settled, working, type Process, type World } from './support/world.ts'

/** Returns a breaker whose fleet is due for a probe, and its process. */
async function dueAlone(
  world: World,
  options: CircuitBreakerOptions = {},
): Promise<{ breaker: CircuitBreaker; member: Process }> {
  const member = world.process()
  const breaker = member.breaker({ timeoutDuration: 2_000, ...options })
  await working(breaker)
  await world.pass(50)
  breaker.open()
  await world.pass(2_200)
  member.sent.length = 0
  return { breaker, member }
}

describe('S5: nested calls of a breaker with a storage', () => {
  it(
    'S5: wait for no lease and take none: one lease is enough for a chain',
    inWorld(async (world) => {
      const { breaker, member } = await dueAlone(world, { halfOpen: { calls: 3, successes: 1 } })
      const events = eventsOf(breaker)
      const chain = breaker.call(async () => {
        const query = breaker.wrap(async () => breaker.run(() => 'row'))
        const stream = breaker.wrap(async function* () {
          yield await query()
        })
        for await (const each of stream()) return each
        return undefined
      })
      await world.pass(20)
      assert.equal(await chain, 'row')
      await world.pass(20)
      assert.equal(world.record().state, 'closed')
      assert.equal(member.count('acquire'), 1)
      assert.equal(member.count('settle'), 1)
      assert.deepEqual(
        events.filter((event) => !event.startsWith('link')),
        ['open > half-open', 'beforeCall', 'success', 'half-open > closed'],
      )
    }),
  )

  it(
    'S5: begin at once, however long a lease would take',
    inWorld(async (world) => {
      const { breaker, member } = await dueAlone(world, { halfOpen: { calls: 3, successes: 1 } })
      let began = false
      const chain = breaker.call(async () => {
        member.replyTime = 500
        const inner = breaker.call(() => (began = true))
        await settled()
        assert.ok(began, 'the nested call waits')
        return inner
      })
      await world.pass(20)
      assert.equal(await chain, true)
    }),
  )

  it(
    'S5: fail the probe, though the outer call catches it',
    inWorld(async (world) => {
      const { breaker, member } = await dueAlone(world)
      const chain = breaker.call(() =>
        breaker.call(() => Promise.reject(new Error('down'))).catch(() => 'saved'),
      )
      await world.pass(20)
      assert.equal(await chain, 'saved')
      await world.pass(20)
      assert.equal(world.record().state, 'open')
      assert.equal(breaker.state, 'open')
      assert.equal(member.count('settle'), 1)
      assert.equal(breaker.snapshot().late, 0)
    }),
  )

  it(
    'S5: are calls of their own once the lease has expired',
    inWorld(async (world) => {
      const { breaker } = await dueAlone(world, { probeTimeout: 500 })
      const gate = deferred()
      const chain = breaker.call(async () => {
        await gate.promise
        return breaker.call(() => 'nested')
      })
      await world.pass(1_000)
      assert.equal(breaker.state, 'open')
      gate.resolve(1)
      const error: unknown = await chain.catch((it: unknown) => it)
      assert.ok(isCircuitBreakerError(error))
      assert.equal(error.reason, 'open')
    }),
  )
})

describe('S9: a generator under the lease of a fleet', () => {
  const make = (breaker: CircuitBreaker, steps = 20): AsyncGenerator<number> =>
    breaker.wrap(async function* () {
      for (let i = 0; i < steps; i++) yield i
    })()

  it(
    'S9: counts if it ends within half of the lease',
    inWorld(async (world) => {
      const [a] = await due(world, 1, { probeTimeout: 1_000 })
      const stream = make(a!, 2)
      for (let i = 0; i < 3; i++) {
        const step = stream.next()
        await world.pass(150)
        await step
      }
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'S9: gives the lease back at the first value past half of it, and is not counted',
    inWorld(async (world) => {
      const [a] = await due(world, 1, { probeTimeout: 1_000, halfOpen: { calls: 1, successes: 1 } })
      const events = eventsOf(a!)
      const stream = make(a!)
      const first = stream.next()
      await world.pass(20)
      await first
      await world.pass(400)
      await stream.next()
      assert.equal(a!.snapshot().inFlight, 1, 'less than half of the lease has passed')
      await world.pass(150)
      await stream.next()
      const { inFlight, ignored, late, counts } = a!.snapshot()
      assert.deepEqual(
        { inFlight, ignored, late, calls: counts.calls },
        { inFlight: 0, ignored: 1, late: 0, calls: 0 },
      )
      await world.pass(20)
      assert.equal(world.record().state, 'half-open')
      await world.pass(5_000)
      assert.equal(world.record().state, 'half-open', 'the record has not counted it as failed')
      for await (const each of stream) assert.ok(each > 0)
      assert.equal(a!.snapshot().late, 0)
      assert.equal(events.filter((event) => event === 'ignored').length, 1)
      const probe = a!.call(() => 'well')
      await world.pass(20)
      assert.equal(await probe, 'well')
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'S9: gives it back when it is resumed past half of it, too, and another process may probe',
    inWorld(async (world) => {
      const [a, b] = await due(world, 2, { probeTimeout: 1_000, halfOpen: { calls: 1, successes: 1 } })
      const stream = a!.wrap(async function* () {
        yield 1
        throw new Error('down')
      })()
      const first = stream.next()
      await world.pass(20)
      await first
      await world.pass(600)
      await assert.rejects(stream.next(), /down/)
      assert.equal(a!.snapshot().ignored, 1)
      await world.pass(2_000) // until another process may ask for a lease again
      const probe = b!.call(() => 'well')
      await world.pass(50)
      assert.equal(await probe, 'well')
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'S9: fails at its deadline while the dependency lets it wait',
    inWorld(async (world) => {
      const [a] = await due(world, 1, { probeTimeout: 1_000 })
      const value = deferred<number>()
      const stream = a!.wrap(async function* () {
        yield await value.promise
      })()
      const step = stream.next()
      await world.pass(1_100)
      const { counts, ignored } = a!.snapshot()
      assert.deepEqual([counts.failures, ignored], [1, 0])
      await world.pass(2_000) // until it may ask for a lease again
      const next = a!.call(() => 1).catch((error: unknown) => error)
      await world.pass(50)
      assert.ok(isCircuitBreakerError(await next))
      assert.equal(world.record().state, 'open')
      value.resolve(1)
      assert.deepEqual(await step, { done: false, value: 1 })
    }),
  )

  /** Returns an observing member of a fleet that is due for a probe. */
  async function observing(world: World): Promise<CircuitBreaker> {
    const [enforcing, breaker] = world.fleet(2, {
      timeoutDuration: 2_000,
      probeTimeout: 1_000,
      halfOpen: { calls: 2, successes: 1, concurrent: 2 },
    })
    await working(enforcing!)
    await working(breaker!)
    await world.pass(50)
    breaker!.mode = 'observe'
    enforcing!.open()
    await world.pass(2_300)
    return breaker!
  }

  it(
    'S5: a request of an observing member settles the lease that arrives for its part',
    inWorld(async (world) => {
      const breaker = await observing(world)
      const call = superviseCall(breaker)
      await world.pass(50)
      await call.within(() => breaker.call(async () => 1))
      call.succeed()
      await world.pass(100)
      assert.deepEqual([world.record().state, world.record().reason], ['closed', 'probeSucceeded'])
    }),
  )

  it(
    'S5: a request of an observing member that has a lease keeps it, and settles it though its part goes on',
    inWorld(async (world) => {
      const breaker = await observing(world)
      superviseCall(breaker).ignore() // asks for a lease
      await world.pass(50)
      const call = superviseCall(breaker)
      await world.pass(50)
      const gate = deferred()
      const part = call.within(() => breaker.call(() => gate.promise))
      call.succeed()
      await world.pass(100)
      assert.deepEqual([world.record().state, world.record().reason], ['closed', 'probeSucceeded'])
      gate.resolve(1)
      await part
    }),
  )

  it(
    'S5: a call that a late request makes waits for a lease, as any other',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ timeoutDuration: 2_000 })
      await working(breaker)
      await world.pass(50)
      const call = superviseCall(breaker)
      breaker.open()
      await world.pass(2_200)
      const probe = call.within(() => breaker.call(() => 'admitted'))
      probe.catch(() => {})
      await world.pass(20)
      assert.equal(await probe, 'admitted')
      call.ignore()
    }),
  )

  it(
    'S5, F28: an ephemeral member whose store hangs waits once for a request and its part, and counts them once',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ ephemeral: true, failMax: 5, probeDeadline: 100 })
      await world.pass(50)
      member.way = 'hanging'
      const descriptor = { value: () => breaker.call(() => Promise.reject(new Error('down'))) }
      breaker.protect({}, 'method', descriptor)
      const events = eventsOf(breaker)
      const outer = descriptor.value()
      outer.catch(() => {})
      await world.pass(110)
      await assert.rejects(outer, { message: 'down' })
      assert.equal(breaker.failCounter, 1)
      assert.deepEqual(
        events.filter((event) => !event.startsWith('link')),
        ['beforeCall', 'failure'],
      )
    }),
  )
})
