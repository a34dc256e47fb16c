import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCircuitBreakerError } from '../../../src/index.ts'
import { dependency, due } from './support/due.ts'
import { inWorld, working } from './support/world.ts'

describe('F17: the record leases the probes', () => {
  for (const calls of [1, 5]) {
    it(
      `F17, I2: of 200 racing processes exactly ${calls} probe, and all close when they succeed`,
      inWorld(async (world) => {
        const fleet = await due(world, 200, { halfOpen: { calls } })
        const service = dependency()
        const ends: Promise<unknown>[] = fleet.map((each) => each.call(service.call).catch((e: unknown) => e))
        await world.pass(50)
        assert.equal(service.calls, calls)
        service.answer()
        const results = await Promise.all(ends)
        assert.equal(results.filter((each) => each === 'fine').length, calls)
        assert.equal(results.filter(isCircuitBreakerError).length, 200 - calls)
        await world.pass(100)
        for (const each of fleet) assert.equal(each.state, 'closed')
      }),
    )
  }

  it(
    'F7, F17: a failed probe re-opens for all, with the next attempt and for as long as its process decides',
    inWorld(async (world) => {
      const timeoutDuration = ({ attempt }: { attempt: number }): number => attempt * 2_000
      const [a, b] = await due(world, 2, { timeoutDuration })
      await assert.rejects(
        b!.call(() => Promise.reject(new Error('still down'))),
        /still down/,
      )
      await world.pass(50)
      for (const each of [a!, b!]) {
        assert.equal(each.state, 'open')
        assert.equal(each.snapshot().attempt, 2)
        assert.equal(each.snapshot().tripReason, 'probeFailed')
        assert.ok(each.retryAfter > 3_900 && each.retryAfter <= 4_000, String(each.retryAfter))
      }
    }),
  )

  it(
    'F7: a failed probe computes the open time once, with its own error',
    inWorld(async (world) => {
      const asked: unknown[] = []
      const [a] = await due(world, 1, {
        timeoutDuration: ({ attempt, reason, error }) => {
          if (reason === 'probeFailed') asked.push([attempt, (error as Error).message])
          return 2_000
        },
      })
      await assert.rejects(a!.call(() => Promise.reject(new Error('still down'))))
      await world.pass(1_500)
      assert.equal(world.record().state, 'open')
      assert.deepEqual(asked, [[2, 'still down']])
    }),
  )

  it(
    'F17: an ignored probe gives its permit back, and neither closes nor opens',
    inWorld(async (world) => {
      const [a, b] = await due(world, 2, { exclude: [TypeError] })
      await assert.rejects(a!.call(() => Promise.reject(new TypeError('mine'))))
      await world.pass(20)
      assert.equal(world.record().state, 'half-open')
      await working(b!)
      await world.pass(50)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F17: the lease of a dead process ends, and counts as a failed probe',
    inWorld(async (world) => {
      const [a, b] = await due(world, 2, { probeTimeout: 3_000 })
      void a!.call(() => new Promise(() => {}))
      await world.pass(100)
      assert.equal(world.record().state, 'half-open')
      await assert.rejects(
        b!.call(() => 1),
        { reason: 'half-open', scope: 'fleet' },
      )
      await world.pass(5_000)
      assert.equal(b!.snapshot().tripReason, 'probeTimeout')
    }),
  )

  it(
    'F17: the result of a probe whose lease has ended is late',
    inWorld(async (world) => {
      const [a] = await due(world, 1, { probeTimeout: 500 })
      const service = dependency()
      const end = a!.call(service.call)
      await world.pass(600)
      service.answer()
      assert.equal(await end, 'fine')
      await world.pass(50)
      assert.equal(a!.snapshot().late, 1)
      assert.notEqual(world.record().state, 'closed')
    }),
  )

  it(
    'F18: a lease whose caller has gone is kept a second for the next call, then given back',
    inWorld(async (world) => {
      const [a, b] = await due(world, 2)
      const abort = new AbortController()
      const end = a!.run(() => 'never', { signal: abort.signal })
      abort.abort(new Error('gone'))
      await assert.rejects(end, /gone/)
      await world.pass(100)
      const { state } = world.record()
      assert.equal(state, 'half-open')
      await assert.rejects(
        b!.call(() => 1),
        { reason: 'half-open' },
      )
      await world.pass(1_300)
      assert.equal(await b!.call(() => 'fine'), 'fine')
      await world.pass(50)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F18: the next call of the process uses a kept lease',
    inWorld(async (world) => {
      const [a] = await due(world, 1)
      assert.throws(() => a!.callSync(() => 1), { reason: 'half-open' })
      await world.pass(20)
      assert.equal(a!.retryAfter, 0)
      assert.equal(
        a!.callSync(() => 'fine'),
        'fine',
      )
      await world.pass(50)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F18: a process without a reply asks for the same lease again, and gets no second one',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ halfOpen: { calls: 3 }, timeoutDuration: 2_000 })
      await working(a)
      await world.pass(50)
      a.halfOpen()
      await world.pass(50)
      member.answerTime = 5_000
      assert.equal(a.tryAcquire(), undefined)
      await world.pass(500)
      member.answerTime = 0
      await world.pass(1_000)
      assert.equal(member.count('acquire'), 2)
      const period = world.record()
      assert.equal(period.state === 'half-open' && period.leases.length, 1)
      assert.equal(a.acquire().success(), true)
      await world.pass(50)
      const after = world.record()
      assert.deepEqual(after.state === 'half-open' && [after.leases.length, after.passed], [0, 1])
    }),
  )

  it(
    'F18: the outcome of a probe is sent until it is acknowledged',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ timeoutDuration: 2_000 })
      await working(a)
      await world.pass(50)
      a.halfOpen()
      await world.pass(50)
      const service = dependency()
      const probe = a.call(service.call)
      await world.pass(50)
      member.way = 'refusing'
      service.answer()
      assert.equal(await probe, 'fine')
      await world.pass(3_000)
      assert.equal(world.record().state, 'half-open')
      assert.ok(member.count('settle') > 2)
      member.way = 'up'
      await world.pass(5_200)
      assert.deepEqual([world.record().state, world.record().reason], ['closed', 'probeSucceeded'])
      const sent = member.count('settle')
      await world.pass(10_000)
      assert.equal(member.count('settle'), sent)
    }),
  )

  it(
    'F18: but not after its lease has ended',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ timeoutDuration: 2_000, probeTimeout: 4_000 })
      await working(a)
      await world.pass(50)
      a.halfOpen()
      await world.pass(50)
      const service = dependency()
      const probe = a.call(service.call)
      await world.pass(50)
      member.way = 'refusing'
      service.answer()
      assert.equal(await probe, 'fine')
      await world.pass(10_000)
      const sent = member.count('settle')
      assert.ok(sent > 2)
      await world.pass(20_000)
      assert.equal(member.count('settle'), sent)
    }),
  )

  it(
    'F19: a process that is denied does not ask again at once',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ reporter: 'b', timeoutDuration: 2_000 })
      await working(breaker)
      const [a] = await due(world, 1)
      void a!.call(() => new Promise(() => {}))
      await world.pass(10)
      for (let i = 0; i < 20; i++)
        await assert.rejects(
          breaker.call(() => 1),
          { reason: 'half-open' },
        )
      assert.equal(member.count('acquire'), 1)
      await world.pass(1_300)
      await assert.rejects(breaker.call(() => 1))
      assert.equal(member.count('acquire'), 2)
    }),
  )

  it(
    'F21: the reporter of the failed probe lets others go first',
    inWorld(async (world) => {
      const [a, b] = await due(world, 2)
      await assert.rejects(
        a!.call(() => Promise.reject(new Error('bad node'))),
        /bad node/,
      )
      await world.pass(2_050)
      await assert.rejects(
        a!.call(() => 'a'),
        { reason: 'half-open' },
      )
      assert.equal(await b!.call(() => 'b'), 'b')
      await world.pass(50)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F17: a slow probe is a failed one',
    inWorld(async (world) => {
      const { slowCallRate } = await import('../../../src/index.ts')
      const trip = slowCallRate({ threshold: 0.5, slowerThan: 50, window: 10_000 })
      const [a] = await due(world, 1, { failMax: undefined, trip })
      const service = dependency()
      const end = a!.call(service.call)
      await world.pass(100)
      service.answer()
      await end
      await world.pass(50)
      assert.equal(world.record().reason, 'probeFailed')
    }),
  )

  it(
    'F10: in mode observe a member rejects nothing, emits wouldTrip, and settles a lease that it holds',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2, { timeoutDuration: 1_000 })
      b!.mode = 'observe'
      const seen: string[] = []
      b!.addListener({ wouldTrip: ({ reason }) => seen.push(reason) })
      await working(a!)
      await working(b!)
      await world.pass(50)
      a!.open({ reason: 'drill' })
      await world.pass(100)
      assert.equal(a!.state, 'open')
      assert.equal(b!.state, 'closed')
      assert.deepEqual(seen, ['drill'])
      await working(b!)
      await world.pass(1_000)
      await working(b!)
      await world.pass(20)
      await working(b!)
      await world.pass(50)
      assert.equal(a!.state, 'closed')
    }),
  )
})
