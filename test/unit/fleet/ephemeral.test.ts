import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureCount } from '../../../src/index.ts'
import { failing, inWorld, settled, working } from './support/world.ts'

const ephemeral = true

describe('F28: a breaker in a process that is frozen between requests', () => {
  it(
    'F28: knows of the fleet before its first call, and keeps no timer and no subscription',
    inWorld(async (world) => {
      const [other] = world.fleet(1, { minReporters: 1 })
      await failing(other!, 3)
      await world.pass(100)
      assert.equal(other!.snapshot().scope, 'fleet')
      const member = world.process()
      const breaker = member.breaker({ ephemeral })
      let called = false
      const call = breaker.call(() => {
        called = true
      })
      await assert.rejects(call, { code: 'CIRCUIT_OPEN', scope: 'fleet' })
      assert.equal(called, false)
      assert.deepEqual(member.sent, ['exchange'])
      await world.pass(200)
      const { timers } = world
      await breaker.call(() => {}).catch(() => {})
      assert.equal(world.timers, timers)
      assert.equal(member.count('subscribe'), 0)
    }),
  )

  it(
    'F28: refreshes only when what it knows is older than five seconds, once for all waiting calls',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ ephemeral })
      await working(breaker, 3)
      await world.pass(4_900)
      await working(breaker, 3)
      assert.equal(member.count('exchange'), 1)
      await world.pass(200)
      await Promise.all([working(breaker), working(breaker), working(breaker)])
      assert.equal(member.count('exchange'), 2)
      await world.pass(60_000)
      assert.equal(member.count('exchange'), 2)
      assert.equal(world.timers, 0)
    }),
  )

  it(
    'F28: waits for a hanging store no longer than the probe deadline, and fails no call because of it',
    inWorld(async (world) => {
      const member = world.process()
      member.way = 'hanging'
      const breaker = member.breaker({ ephemeral, probeDeadline: 50 })
      let done = false
      const call = breaker.call(() => 'fine').finally(() => (done = true))
      await world.pass(45)
      assert.equal(done, false)
      await world.pass(15)
      assert.equal(done, true)
      assert.equal(await call, 'fine')
    }),
  )

  it(
    'F28: a cold instance with a hanging store waits once, and again after a second',
    inWorld(async (world) => {
      const member = world.process()
      member.way = 'hanging'
      const breaker = member.breaker({ ephemeral })
      const waited: number[] = []
      for (let at = 0; at < 2_500; at += 100) {
        let calls = 0
        const ends = [1, 2, 3].map(() => breaker.call(() => calls++))
        await settled()
        if (calls === 0) waited.push(at)
        else assert.equal(calls, 3)
        await world.pass(105)
        await Promise.all(ends)
        await settled()
      }
      assert.equal(waited[0], 0)
      assert.ok(waited.length <= 2, String(waited))
      assert.ok(waited.length < 2 || waited[1]! >= 1_000)
    }),
  )

  it(
    'F28: a store that is slower than the probe deadline still tells its state, to a later call',
    inWorld(async (world) => {
      const [other] = world.fleet(1)
      await working(other!)
      await world.pass(50)
      other!.isolate('maintenance')
      await settled()
      const member = world.process()
      member.replyTime = 150
      const breaker = member.breaker({ ephemeral })
      const first = breaker.call(() => 'fine')
      await world.pass(110)
      assert.equal(await first, 'fine')
      await world.pass(50)
      await assert.rejects(
        breaker.call(() => 1),
        { reason: 'isolated' },
      )
    }),
  )

  it(
    'F28: `flush` gives back a lease that is still asked for, because the process may be frozen next',
    inWorld(async (world) => {
      const [other] = world.fleet(1)
      await working(other!)
      await world.pass(50)
      other!.open({ for: 500 })
      await settled()
      const member = world.process()
      const breaker = member.breaker({ ephemeral })
      await assert.rejects(
        breaker.call(() => 1),
        { reason: 'open' },
      )
      await world.pass(600)
      member.replyTime = 20
      assert.equal(breaker.tryAcquire(), undefined)
      const flushed = breaker.flush()
      await world.pass(100)
      await flushed
      const record = world.record()
      assert.ok(record.state === 'half-open')
      assert.deepEqual(record.leases, [])
      assert.deepEqual([member.count('acquire'), member.count('settle')], [1, 1])
    }),
  )

  it(
    'F28: does not wait for a store that is known to be down',
    inWorld(async (world) => {
      const member = world.process()
      member.way = 'refusing'
      const breaker = member.breaker({ ephemeral })
      await working(breaker)
      const { length } = member.sent
      await working(breaker, 10)
      assert.equal(member.sent.length, length)
      assert.equal(breaker.snapshot().fleet?.link, 'degraded')
    }),
  )

  it(
    'F28: rejects with the caller’s own reason when the caller aborts during the wait',
    inWorld(async (world) => {
      const member = world.process()
      member.way = 'hanging'
      const breaker = member.breaker({ ephemeral })
      const caller = new AbortController()
      let called = false
      const call = breaker.run(() => (called = true), { signal: caller.signal })
      caller.abort(new Error('gone'))
      await assert.rejects(call, { message: 'gone' })
      assert.equal(called, false)
      await world.pass(200)
    }),
  )

  it(
    'F28: sends a failure when its call ends, together with all other counts',
    inWorld(async (world) => {
      const breaker = world.process().breaker({ ephemeral, failMax: 9 })
      await working(breaker, 2)
      await failing(breaker)
      await settled()
      const record = world.record()
      assert.equal(record.state === 'closed' && record.run, 1)
      assert.equal(world.timers, 0)
    }),
  )

  it(
    'F28: ignores hints, though another breaker of its storage subscribes to them',
    inWorld(async (world) => {
      const member = world.process()
      const [breaker, other] = [member.breaker({ ephemeral }), member.breaker({ name: 'mail' })]
      await working(breaker)
      await working(other)
      await world.pass(4_000)
      const before = member.count('exchange')
      world.fleet(1)[0]!.isolate()
      await world.pass(500)
      assert.equal(member.count('exchange'), before)
      await world.pass(1_000)
      await assert.rejects(
        breaker.call(() => 1),
        { reason: 'isolated' },
      )
    }),
  )

  it(
    'F28: has a reporter of its own by default, shared by the ephemeral breakers of its process',
    inWorld(async (world) => {
      const first = world.process().breaker({ ephemeral })
      const second = world.process().breaker({ ephemeral, name: 'mail' })
      const host = world.process().breaker()
      assert.equal(first.options.reporter, second.options.reporter)
      assert.notEqual(first.options.reporter, host.options.reporter)
      assert.equal(world.process().breaker({ ephemeral, reporter: 'a' }).options.reporter, 'a')
      await settled()
    }),
  )

  it(
    'F25: counts from before a long freeze are dropped, those of the call that woke it are not',
    inWorld(async (world) => {
      const trip = failureCount({ count: 9, window: 60_000 })
      const breaker = world.process().breaker({ ephemeral, failMax: undefined, trip })
      await working(breaker, 5)
      await world.pass(11_000)
      await failing(breaker)
      await settled()
      const record = world.record()
      assert.ok(record.state === 'closed')
      assert.match(Object.values(record.rings)[0] ?? '', /;1,1,0/)
      assert.doesNotMatch(Object.values(record.rings)[0] ?? '', /;[^1],/)
    }),
  )

  it(
    'F17: probes with a lease of the fleet, within one deadline for both requests',
    inWorld(async (world) => {
      const [other] = world.fleet(1, { minReporters: 1, timeoutDuration: 1_000 })
      await failing(other!, 3)
      await world.pass(100)
      await world.pass(1_500)
      const member = world.process()
      const breaker = member.breaker({ ephemeral })
      assert.equal(await breaker.call(() => 'probe'), 'probe')
      await settled()
      assert.equal(world.record().state, 'closed')
      assert.deepEqual([member.count('acquire'), member.count('settle')], [1, 1])
    }),
  )

  it('F28: needs a storage', () => {
    assert.throws(() => new CircuitBreaker({ ephemeral }), /`ephemeral`.*`storage`/)
  })
})
