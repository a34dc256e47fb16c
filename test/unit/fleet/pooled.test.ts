import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { allOf, anyOf, consecutiveFailures, failureRate, slowCallRate } from '../../../src/index.ts'
import { failing, inWorld, settled, working } from './support/world.ts'

describe('F2: the fleet opens on the sums of all processes', () => {
  it(
    'F2, F6: two hosts whose failures meet the rule only together open the whole fleet',
    inWorld(async (world) => {
      const [a, b, idle] = world.fleet(3, { timeoutDuration: 5_000 })
      await working(idle!)
      await world.pass(100)
      await failing(a!, 2)
      await world.pass(60)
      assert.equal(a!.state, 'closed')
      await failing(b!)
      await world.pass(100)
      for (const each of [a!, b!, idle!]) {
        assert.equal(each.state, 'open')
        assert.equal(each.snapshot().scope, 'fleet')
        assert.equal(each.snapshot().tripReason, 'consecutiveFailures')
      }
      assert.equal(world.record().state, 'open')
    }),
  )

  it(
    'F6: one bad node opens only itself',
    inWorld(async (world) => {
      const [bad, good] = world.fleet(2)
      await working(good!)
      await failing(bad!, 10)
      await world.pass(3_000)
      assert.equal(bad!.state, 'open')
      assert.equal(bad!.snapshot().scope, 'local')
      assert.equal(good!.state, 'closed')
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F6: processes of one host are one reporter; with minReporters 1 it may open the fleet',
    inWorld(async (world) => {
      const same = world.fleet(2, { reporter: 'one-host' })
      await failing(same[0]!, 3)
      await failing(same[1]!, 3)
      await world.pass(2_000)
      assert.equal(world.record().state, 'closed')
      const [alone, other] = world.fleet(2, { name: 'single', minReporters: 1 })
      await working(other!)
      await failing(alone!, 3)
      await world.pass(100)
      assert.equal(world.record('single').state, 'open')
      assert.equal(other!.state, 'open')
    }),
  )

  it(
    'F4: a batch with a success makes its tail the pooled run',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2, { failMax: 4 })
      await failing(a!, 2)
      await world.pass(100)
      await failing(b!)
      await working(b!)
      await failing(b!)
      await world.pass(100)
      const record = world.record()
      assert.equal(record.state === 'closed' && record.run, 1)
      await failing(a!)
      await world.pass(100)
      assert.equal(world.record().state, 'closed')
      await failing(b!, 2)
      await world.pass(100)
      assert.equal(world.record().state, 'open')
    }),
  )

  it(
    'F2: a rate over a window is evaluated on the sums, and the record keeps the ring',
    inWorld(async (world) => {
      const trip = failureRate({ threshold: 0.5, minCalls: 8, window: 10_000 })
      const [a, b] = world.fleet(2, { failMax: undefined, trip })
      await working(a!, 2)
      await failing(a!, 2)
      await world.pass(100)
      await working(b!, 2)
      assert.equal(world.record().state, 'closed')
      await failing(b!, 2)
      await world.pass(100)
      assert.equal(a!.state, 'open')
      assert.equal(a!.snapshot().tripReason, 'failureRate')
    }),
  )

  it(
    'F6: slow calls are pooled, and count their own reporters',
    inWorld(async (world) => {
      const trip = slowCallRate({ threshold: 0.5, minCalls: 4, slowerThan: 100, window: 10_000 })
      const [a, b] = world.fleet(2, { failMax: undefined, trip })
      for (const each of [a!, a!, b!, b!]) {
        const permit = each.acquire()
        world.clock.advance(150)
        permit.success()
      }
      await world.pass(1_500)
      assert.equal(a!.snapshot().tripReason, 'slowCallRate')
      assert.equal(b!.snapshot().scope, 'fleet')
    }),
  )

  it(
    'F6: slow calls of one host alone open only its own breakers',
    inWorld(async (world) => {
      const trip = slowCallRate({ threshold: 0.5, minCalls: 4, slowerThan: 100, window: 10_000 })
      const [a, b] = world.fleet(2, { failMax: undefined, trip })
      await working(b!, 4)
      for (let i = 0; i < 5; i++) {
        const permit = a!.tryAcquire()
        world.clock.advance(150)
        permit?.success()
      }
      await world.pass(3_000)
      assert.deepEqual([a!.snapshot().tripReason, a!.snapshot().scope], ['slowCallRate', 'local'])
      assert.equal(b!.state, 'closed')
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F5: a rule over the last calls is false in the pool, also as a part of allOf',
    inWorld(async (world) => {
      const trip = allOf(consecutiveFailures(2), failureRate({ threshold: 0.1, lastCalls: 2 }))
      const fleet = world.fleet(3, { failMax: undefined, trip, share: 'first-trip' })
      await failing(fleet[0]!, 2)
      await world.pass(100)
      assert.equal(world.record().reason, 'consecutiveFailures+failureRate')
    }),
  )

  it(
    'F5: so it opens each breaker by itself, and never the fleet',
    inWorld(async (world) => {
      const trip = anyOf(consecutiveFailures(100), failureRate({ threshold: 0.1, lastCalls: 2 }))
      const fleet = world.fleet(3, { failMax: undefined, trip })
      for (const each of fleet) await failing(each, 4)
      await world.pass(3_000)
      for (const each of fleet) assert.deepEqual([each.state, each.snapshot().scope], ['open', 'local'])
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F3: the probes of a breaker that is open by itself count in the pool, those of the fleet do not',
    inWorld(async (world) => {
      const trip = anyOf(
        consecutiveFailures(3),
        failureRate({ threshold: 1, minCalls: 1_000, window: 60_000 }),
      )
      const [a, b] = world.fleet(2, { failMax: undefined, trip, timeoutDuration: 500 })
      const pooled = (): number => {
        const record = world.record()
        const rings = record.state === 'closed' ? Object.values(record.rings) : []
        return [...rings.join().matchAll(/;(\d+),/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
      }
      await working(b!)
      await failing(a!, 3)
      await world.pass(600)
      assert.equal(a!.state, 'half-open')
      await failing(a!)
      await world.pass(1_200)
      assert.equal(pooled(), 5)
      a!.isolate()
      a!.halfOpen()
      await world.pass(100)
      await working(a!)
      await world.pass(2_000)
      assert.equal(world.record().state, 'closed')
      assert.equal(pooled(), 0)
    }),
  )

  it(
    'F3: when every breaker is open by itself, the pool is still evaluated',
    inWorld(async (world) => {
      const fleet = world.fleet(2, { failMax: 3, timeoutDuration: 60_000 })
      world.process()
      await failing(fleet[0]!, 3)
      assert.equal(fleet[0]!.state, 'open')
      await world.pass(50)
      await failing(fleet[1]!, 3)
      await world.pass(1_300)
      assert.equal(world.record().state, 'open')
      for (const each of fleet) assert.equal(each.snapshot().scope, 'fleet')
    }),
  )

  it(
    'F3: every completed call counts in the pool once',
    inWorld(async (world) => {
      const trip = failureRate({ threshold: 0.9, minCalls: 1_000, window: 60_000 })
      const [a] = world.fleet(1, { failMax: undefined, trip })
      for (let i = 0; i < 20; i++) {
        await working(a!, 3)
        await failing(a!, 2)
        await world.pass(70)
      }
      await world.pass(1_500)
      const record = world.record()
      assert.ok(record.state === 'closed')
      const [ring = ''] = Object.values(record.rings)
      const sums = [...ring.matchAll(/;(\d+),(\d+)/g)]
      assert.equal(
        sums.reduce((sum, [, calls]) => sum + Number(calls), 0),
        100,
      )
      assert.equal(
        sums.reduce((sum, [, , failures]) => sum + Number(failures), 0),
        40,
      )
    }),
  )

  it(
    'F7: the process that opens the fleet decides for how long, from its reason, its failure and the next attempt',
    inWorld(async (world) => {
      const asked: unknown[] = []
      const [a, b] = world.fleet(2, {
        timeoutDuration: ({ attempt, reason, error }) => {
          asked.push([attempt, reason, (error as Error | undefined)?.message])
          return 7_000
        },
      })
      await failing(a!, 2)
      await world.pass(100)
      await failing(b!)
      await world.pass(100)
      assert.deepEqual(asked, [[1, 'consecutiveFailures', 'down']])
      assert.ok(a!.retryAfter > 6_800 && a!.retryAfter <= 7_000)
      assert.equal(world.record().attempt, 1)
    }),
  )

  it(
    'F8: only the process that opened the fleet has the cause; all have scope fleet',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      const scopes: string[] = []
      a!.addListener({ stateChange: ({ to, scope }) => scopes.push(`${to} ${scope}`) })
      await failing(a!, 2)
      await world.pass(100)
      await failing(b!)
      await world.pass(100)
      const rejectionOf = async (breaker: typeof a): Promise<unknown> =>
        breaker!.call(() => 1).catch((e) => e)
      const [ofA, ofB] = [await rejectionOf(a), await rejectionOf(b)] as { cause?: Error; scope: string }[]
      assert.equal(ofA?.cause, undefined)
      assert.equal(ofB?.cause?.message, 'down')
      assert.equal(ofA?.scope, 'fleet')
      assert.deepEqual(scopes, ['open fleet'])
    }),
  )

  it(
    'F8: what a breaker decided by itself is local, in its errors, snapshots and events',
    inWorld(async (world) => {
      const [a] = world.fleet(1)
      const scopes: unknown[] = []
      a!.addListener({ stateChange: ({ to, scope }) => scopes.push([to, scope]) })
      await failing(a!, 3)
      await world.pass(100)
      await assert.rejects(
        a!.call(() => 1),
        { scope: 'local', reason: 'open' },
      )
      assert.equal(a!.snapshot().scope, 'local')
      assert.deepEqual(scopes, [['open', 'local']])
    }),
  )

  it(
    'F1: a change of scope alone is silent, and calls in flight are late',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      const seen: string[] = []
      a!.addListener({ stateChange: ({ from, to }) => seen.push(`${from} > ${to}`) })
      const inFlight = b!.acquire()
      await failing(a!, 3)
      await world.pass(60)
      assert.equal(a!.snapshot().scope, 'local')
      await failing(b!)
      await world.pass(1_300)
      assert.equal(a!.snapshot().scope, 'fleet')
      assert.deepEqual(seen, ['closed > open'])
      assert.equal(inFlight.success(), false)
    }),
  )

  it(
    'F1: when the fleet closes, every breaker is closed and empty',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2, { timeoutDuration: 1_000 })
      await failing(a!, 2)
      await world.pass(100)
      await failing(b!)
      await world.pass(1_200)
      await working(a!)
      await world.pass(100)
      for (const each of [a!, b!]) {
        assert.equal(each.state, 'closed')
        assert.equal(each.failCounter, 0)
        assert.equal(each.snapshot().scope, 'local')
      }
      await failing(b!, 2)
      assert.equal(b!.state, 'closed')
    }),
  )

  it(
    'F1: the first closed state that a process learns of keeps its window',
    inWorld(async (world) => {
      const [a] = world.fleet(1)
      await a!.call(() => 1)
      a!.open()
      await world.pass(50)
      a!.close()
      await world.pass(50)
      const late = world.process().breaker({ reporter: 'late', failMax: 5 })
      await failing(late, 2)
      await world.pass(100)
      assert.equal(late.failCounter, 2)
      assert.ok((late.snapshot().fleet?.epoch ?? 0) > 0)
    }),
  )

  it(
    'F1: a later closed state empties it, even if the process missed what came in between',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2, { failMax: 5 })
      await working(a!)
      await failing(b!, 2)
      await world.pass(100)
      assert.equal(b!.snapshot().fleet?.epoch, 0)
      assert.equal(b!.failCounter, 2)
      a!.open()
      await settled()
      a!.close()
      await world.pass(50)
      assert.ok((b!.snapshot().fleet?.epoch ?? 0) > 0)
      assert.equal(b!.failCounter, 0)
    }),
  )
})
