import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureRate } from '../../../src/index.ts'
import { exchange, sender } from '../../../src/testing/storage-kit/commands.ts'
import { failing, inWorld, working } from './support/world.ts'

describe('F24: what a member sends', () => {
  it(
    'F24: nothing before its first call, and neither messages nor timers while it is idle',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker()
      await world.pass(5_000)
      assert.deepEqual(member.sent, [])
      assert.equal(world.timers, 0)
      await working(breaker)
      await world.pass(3_000)
      const { length } = member.sent
      await world.pass(100_000)
      assert.equal(member.sent.length, length)
      assert.equal(world.timers, 0)
    }),
  )

  it(
    'F24, F28: an idle breaker has no timer either when the store is down',
    inWorld(async (world) => {
      const member = world.process()
      member.way = 'refusing'
      const breaker = member.breaker()
      await working(breaker)
      await world.pass(200_000)
      assert.equal(world.timers, 0)
      const { length } = member.sent
      await world.pass(100_000)
      assert.equal(member.sent.length, length)
    }),
  )

  it(
    'F24: one exchange per second, whatever the number of calls',
    inWorld(async (world) => {
      const counts: number[] = []
      for (const rate of [1, 100]) {
        const member = world.process()
        const breaker = member.breaker({ name: `at-${rate}` })
        await working(breaker)
        await world.pass(2_000)
        const before = member.count('exchange')
        for (let i = 0; i < 400; i++) {
          await working(breaker, rate)
          await world.pass(50)
        }
        counts.push(member.count('exchange') - before)
      }
      const [few = 0, many = 0] = counts
      assert.ok(few >= 17 && few <= 23, String(few))
      assert.ok(Math.abs(many - few) <= few * 0.2, `${few} and ${many}`)
    }),
  )

  it(
    'F24: a failure is sent within 50 ms, at most ten at once and one more per second',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 1_000 })
      await working(breaker)
      await world.pass(1_500)
      const before = member.count('exchange')
      await failing(breaker)
      await world.pass(50)
      assert.equal(member.count('exchange'), before + 1)
      for (let i = 0; i < 100; i++) {
        await failing(breaker)
        await world.pass(100)
      }
      const sent = member.count('exchange') - before
      assert.ok(sent >= 18 && sent <= 35, String(sent))
    }),
  )

  it(
    'F24: a local trip is always sent at once',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 40 })
      for (let i = 0; i < 39; i++) {
        await failing(breaker)
        await world.pass(20)
      }
      await world.pass(60)
      const before = member.count('exchange')
      await failing(breaker)
      assert.equal(breaker.state, 'open')
      await world.pass(50)
      assert.ok(member.count('exchange') > before)
    }),
  )

  it(
    'F3: a breaker that is open by itself exchanges every second while it is in use',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ timeoutDuration: 600_000 })
      await failing(breaker, 3)
      await world.pass(500)
      const before = member.count('exchange')
      await world.pass(20_000)
      const sent = member.count('exchange') - before
      assert.ok(sent >= 17 && sent <= 23, String(sent))
      await world.pass(60_000)
      const later = member.count('exchange')
      await world.pass(60_000)
      assert.equal(member.count('exchange'), later)
    }),
  )

  it(
    'F23: a hint makes a breaker exchange within 20 ms if it was used in the last minute, else before its next use',
    inWorld(async (world) => {
      const [a, b] = [world.process(), world.process()]
      const [first, second] = [a.breaker(), b.breaker()]
      await working(first)
      await working(second)
      await world.pass(10_000)
      first.isolate()
      await world.pass(25)
      assert.equal(second.state, 'isolated')
      first.close()
      await world.pass(100_000)
      const { length } = b.sent
      first.isolate()
      await world.pass(2_000)
      assert.equal(b.sent.length, length)
      await working(second).catch(() => {})
      await world.pass(5)
      assert.equal(second.state, 'isolated')
    }),
  )

  it(
    'F23: a breaker that may have missed something exchanges, but not once per hint',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker()
      await working(breaker)
      await world.pass(5_000)
      const before = member.count('exchange')
      world.store.resync()
      await world.pass(25)
      assert.equal(member.count('exchange'), before + 1)
      for (let i = 0; i < 100; i++) {
        world.store.resync()
        await world.pass(50)
      }
      const sent = member.count('exchange') - before
      assert.ok(sent >= 5 && sent <= 12, String(sent))
    }),
  )

  it(
    'F23: without a subscription a breaker learns everything by exchanges, within an interval and a second',
    inWorld(async (world) => {
      const deaf = world.process()
      const breaker = deaf.breaker()
      const subscribe = deaf.storage.subscribe.bind(deaf.storage)
      Object.assign(deaf.storage, { subscribe: () => Promise.reject(new Error('no')) })
      assert.notEqual(subscribe, deaf.storage.subscribe)
      const [other] = world.fleet(1)
      await working(other!)
      await working(breaker)
      await world.pass(1_500)
      other!.isolate()
      for (let i = 0; i < 20; i++) {
        await working(breaker).catch(() => {})
        await world.pass(100)
      }
      assert.equal(breaker.state, 'isolated')
    }),
  )

  it(
    'F25: counts of a process that was frozen are dropped',
    inWorld(async (world) => {
      const trip = failureRate({ threshold: 0.9, minCalls: 1_000, window: 600_000 })
      const breaker = world.process().breaker({ failMax: undefined, trip })
      await working(breaker, 2)
      await world.pass(1_500)
      await working(breaker)
      const permits = Array.from({ length: 5 }, () => breaker.acquire())
      world.clock.advance(60_000)
      world.wall.advance(60_000)
      for (const permit of permits) permit.success()
      await world.pass(1_500)
      const ring = { window: 600_000, buckets: 10, slowerThan: 0, calls: 0, failures: 0, slow: 0 }
      const pooled = await world.store.exchange('payments', exchange(sender('reader'), { rings: [ring] }))
      assert.ok(pooled.type === 'exchanged')
      assert.equal(pooled.rings[0]?.calls, 2)
      assert.equal(breaker.snapshot().counts.calls, 8)
    }),
  )

  it(
    'F28: flush sends what is left and gives back a lease, and does nothing without a storage',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 100 })
      await working(breaker)
      await world.pass(1_500)
      await failing(breaker, 2)
      await breaker.flush()
      const record = world.record()
      assert.equal(record.state === 'closed' && record.run, 2)
      breaker.halfOpen()
      await world.pass(10)
      assert.equal(breaker.tryAcquire(), undefined)
      await world.pass(10)
      const period = world.record()
      assert.equal(period.state === 'half-open' && period.leases.length, 1)
      await breaker[Symbol.asyncDispose]()
      const after = world.record()
      assert.equal(after.state === 'half-open' && after.leases.length, 0)
    }),
  )

  it(
    'F28: flush settles even if the store does not answer',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ failMax: 100 })
      await working(breaker)
      await world.pass(1_500)
      member.way = 'hanging'
      await failing(breaker)
      let ended = false
      void breaker[Symbol.asyncDispose]().then(() => (ended = true))
      await world.pass(900)
      assert.equal(ended, false)
      await world.pass(200)
      assert.equal(ended, true)
    }),
  )

  it(
    'F24: the slower the store, the rarer the exchanges: twenty times its reply time, at most ten seconds',
    inWorld(async (world) => {
      const intervals: number[] = []
      for (const replyTime of [0, 200, 900]) {
        const member = world.process()
        member.replyTime = replyTime
        const breaker = member.breaker({ name: `after-${replyTime}` })
        await working(breaker)
        await world.pass(30_000)
        const before = member.count('exchange')
        for (let i = 0; i < 600; i++) {
          await working(breaker)
          await world.pass(100)
        }
        intervals.push(60_000 / (member.count('exchange') - before))
      }
      const [fast = 0, slow = 0, slowest = 0] = intervals
      assert.ok(fast > 850 && fast < 1_150, String(fast))
      assert.ok(slow > 3_500 && slow < 5_000, String(slow))
      assert.ok(slowest > 9_000 && slowest < 13_000, String(slowest))
    }),
  )

  it(
    'F3, F24: a breaker that exchanges every second does not speed up the others',
    inWorld(async (world) => {
      const member = world.process()
      member.replyTime = 200
      const exchanges = { hurried: 0, healthy: 0 }
      const exchange = member.storage.exchange.bind(member.storage)
      Object.assign(member.storage, {
        exchange: (name: 'hurried' | 'healthy', ...rest: [never]) => {
          exchanges[name]++
          return exchange(name, ...rest)
        },
      })
      const hurried = member.breaker({ name: 'hurried', timeoutDuration: 600_000 })
      const healthy = member.breaker({ name: 'healthy' })
      await working(healthy)
      await failing(hurried, 3)
      await world.pass(10_000)
      Object.assign(exchanges, { hurried: 0, healthy: 0 })
      for (let i = 0; i < 400; i++) {
        await working(healthy)
        await hurried.call(() => 1).catch(() => {})
        await world.pass(100)
      }
      assert.ok(exchanges.hurried >= 34 && exchanges.hurried <= 46, JSON.stringify(exchanges))
      assert.ok(exchanges.healthy >= 7 && exchanges.healthy <= 12, JSON.stringify(exchanges))
    }),
  )

  it(
    'F24: a failure is not urgent while replies take more than 50 ms',
    inWorld(async (world) => {
      for (const [replyTime, sent] of [
        [45, 1],
        [55, 0],
      ] as const) {
        const member = world.process()
        member.replyTime = replyTime
        const breaker = member.breaker({ failMax: 100 })
        await working(breaker)
        await world.pass(3_000)
        const before = member.count('exchange')
        await failing(breaker)
        await world.pass(50)
        assert.equal(member.count('exchange') - before, sent, `after ${replyTime} ms`)
      }
    }),
  )

  it(
    'F24: of a thousand breakers no more than a hundred exchange at a time',
    inWorld(async (world) => {
      const member = world.process()
      const breakers = Array.from({ length: 1_000 }, (_, i) => member.breaker({ name: `service-${i}` }))
      for (const breaker of breakers) await working(breaker)
      await world.pass(2_000)
      for (const breaker of breakers) await working(breaker)
      member.replyTime = 20
      member.most = 0
      member.sent.length = 0
      await world.pass(1_500)
      assert.equal(member.count('exchange'), 1_000)
      assert.equal(member.most, 100)
    }),
  )
})
