import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCircuitBreakerError } from '../../../src/index.ts'
import { failing, inWorld, working, type Way } from './support/world.ts'

const BROKEN: readonly Way[] = ['refusing', 'hanging', 'throwing', 'babbling']

describe('I6: a store that fails does not affect calls', () => {
  for (const way of BROKEN) {
    it(
      `I6: ${way} from the start, the breaker decides by itself, opens, probes and closes`,
      inWorld(async (world) => {
        const member = world.process()
        member.way = way
        const breaker = member.breaker({ timeoutDuration: 1_000 })
        await working(breaker)
        await world.pass(4_000)
        await failing(breaker, 3)
        assert.equal(breaker.state, 'open')
        const error: unknown = await breaker.call(() => 1).catch((e: unknown) => e)
        assert.ok(isCircuitBreakerError(error))
        await world.pass(1_000)
        await working(breaker)
        assert.equal(breaker.state, 'closed')
        await world.pass(5_000)
        assert.equal(breaker.snapshot().fleet?.link, 'degraded')
      }),
    )

    it(
      `F26: ${way} while the fleet is open, the opening is honored, then the breaker probes by itself and offers the close`,
      inWorld(async (world) => {
        const member = world.process()
        const a = member.breaker({ timeoutDuration: 12_000 })
        const [b] = world.fleet(1)
        await working(a)
        await working(b!)
        await world.pass(50)
        a.open()
        await world.pass(50)
        const { epoch } = world.record()
        member.way = way
        for (let i = 0; i < 23; i++) {
          await world.pass(500)
          const error: unknown = await a.call(() => 1).catch((e: unknown) => e)
          assert.ok(isCircuitBreakerError(error) && error.reason === 'open')
        }
        await world.pass(460)
        assert.equal(a.snapshot().scope, 'fleet')
        assert.equal(await a.call(() => 'probe'), 'probe')
        assert.equal(a.state, 'closed')
        assert.equal(a.snapshot().scope, 'local')
        member.way = 'up'
        await world.pass(31_000)
        assert.equal(world.record().state, 'closed')
        assert.equal(world.record().epoch, epoch + 1)
        await b!.call(() => 1).catch(() => {})
        await world.pass(1_100)
        assert.equal(b!.state, 'closed')
      }),
    )
  }

  it(
    'F26: a close that a process reached alone loses to anything newer',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ timeoutDuration: 1_000 })
      const [b] = world.fleet(1)
      await working(a)
      await working(b!)
      await world.pass(50)
      a.open()
      await world.pass(50)
      member.way = 'refusing'
      await world.pass(1_000)
      await a.call(() => 1).catch(() => {})
      await world.pass(1_500)
      await working(a)
      assert.equal(a.state, 'closed')
      b!.isolate('newer')
      await world.pass(50)
      member.way = 'up'
      await world.pass(31_000)
      assert.equal(a.state, 'isolated')
      assert.equal(world.record().reason, 'newer')
    }),
  )

  it(
    'F27: one or two missed deadlines do not bring the link down; the third does',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 100 })
      const events: string[] = []
      breaker.addListener({ link: ({ state }) => events.push(state) })
      await working(breaker)
      await world.pass(50)
      member.way = 'hanging'
      await failing(breaker)
      await world.pass(1_110)
      assert.equal(breaker.snapshot().fleet?.link, 'live')
      for (let i = 0; i < 6; i++) {
        await failing(breaker)
        await world.pass(1_110)
      }
      assert.deepEqual(events, ['degraded'])
      member.way = 'up'
      for (let i = 0; i < 40; i++) {
        await failing(breaker)
        await world.pass(1_000)
      }
      assert.deepEqual(events, ['degraded', 'live'])
    }),
  )

  it(
    'F23: after a long outage a storage that reconnects is tried at once',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker()
      const [b] = world.fleet(1)
      await working(a)
      await working(b!)
      await world.pass(1_200)
      member.way = 'refusing'
      for (let i = 0; i < 240; i++) {
        await working(a)
        await world.pass(1_000)
      }
      // Once it has just tried, the next try would be up to 30 s later by now.
      const tried = member.count('exchange')
      while (member.count('exchange') === tried) {
        await working(a)
        await world.pass(100)
      }
      assert.equal(a.snapshot().fleet?.link, 'degraded')
      b!.isolate()
      member.way = 'up'
      member.resync()
      await world.pass(100)
      assert.equal(a.state, 'isolated')
      assert.equal(a.snapshot().fleet?.link, 'live')
    }),
  )
})

describe('F25: counts that are too old to be relevant', () => {
  it(
    'F25: the exchange that finds the link up again sends no earlier counts',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 10_000 })
      await working(breaker)
      await world.pass(1_200)
      member.way = 'refusing'
      for (let i = 0; i < 50; i++) {
        await failing(breaker)
        await world.pass(100)
      }
      assert.equal(breaker.snapshot().fleet?.link, 'degraded')
      member.way = 'up'
      for (let i = 0; i < 400 && breaker.snapshot().fleet?.link === 'degraded'; i++) {
        await failing(breaker)
        await world.pass(100)
      }
      assert.equal(breaker.snapshot().fleet?.link, 'live')
      await world.pass(2_000)
      const pooled = (): unknown => {
        const record = world.record()
        return record.state === 'closed' && record.run
      }
      assert.equal(pooled(), 0)
      await failing(breaker)
      await world.pass(100)
      assert.equal(pooled(), 1)
    }),
  )
})

describe('F16: a record that cannot be used', () => {
  for (const [why, stored] of [
    ['foreign', { cart: 3 }],
    ['newer', { recloser: 9 }],
    ['corrupt', { recloser: 2, state: 'closed', epoch: -1 }],
  ] as const) {
    it(
      `F16: ${why}: the breaker is local, says so once, touches nothing, and retries after 30 s`,
      inWorld(async (world) => {
        world.store.plant('payments', stored)
        const member = world.process()
        const breaker = member.breaker({ timeoutDuration: 1_000 })
        const events: unknown[] = []
        breaker.addListener({ link: ({ state, error }) => events.push([state, error]) })
        await working(breaker)
        await world.pass(100)
        const { length } = member.sent
        for (let i = 0; i < 20; i++) {
          await working(breaker)
          await world.pass(1_000)
        }
        assert.deepEqual(events, [['degraded', why]])
        assert.equal(member.sent.length, length)
        await failing(breaker, 3)
        assert.equal(breaker.state, 'open')
        await world.pass(1_000)
        await working(breaker)
        assert.equal(breaker.state, 'closed')
        assert.deepEqual(world.store.peek('payments'), stored)
        world.store.clear()
        for (let i = 0; i < 20; i++) {
          await working(breaker)
          await world.pass(1_000)
        }
        assert.deepEqual(events.at(-1), ['live', undefined])
        assert.equal(breaker.snapshot().fleet?.state, 'closed')
      }),
    )
  }
})
