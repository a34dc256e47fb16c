import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { failing, inWorld, working } from './support/world.ts'

const states = (fleet: readonly CircuitBreaker[]): string[] => fleet.map((each) => each.state)

describe('F9: manual control acts on the whole fleet', () => {
  it(
    'F9: isolate and close take effect here at once and everywhere soon',
    inWorld(async (world) => {
      const fleet = world.fleet(3)
      for (const each of fleet) await working(each)
      await world.pass(50)
      assert.equal(fleet[0]!.isolate('maintenance'), true)
      assert.equal(fleet[0]!.state, 'isolated')
      await world.pass(50)
      assert.deepEqual(states(fleet), ['isolated', 'isolated', 'isolated'])
      assert.equal(fleet[2]!.snapshot().tripReason, 'maintenance')
      await world.pass(2_000)
      assert.equal(fleet[1]!.close('done'), true)
      await world.pass(50)
      assert.deepEqual(states(fleet), ['closed', 'closed', 'closed'])
    }),
  )

  it(
    'F9: each repeat is a new epoch; a manual close keeps the window of the breaker that made it',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      await working(a!)
      await working(b!)
      await world.pass(50)
      a!.open({ for: 5_000 })
      await world.pass(10)
      const { epoch } = world.record()
      a!.open({ for: 9_000 })
      await world.pass(1_100)
      assert.ok(world.record().epoch > epoch)
      assert.ok(b!.retryAfter > 7_000)
      a!.close()
      await failing(a!, 2)
      await world.pass(1_100)
      assert.equal(a!.failCounter, 2)
    }),
  )

  it(
    'F9: a manual half-open lets the fleet probe at once',
    inWorld(async (world) => {
      const fleet = world.fleet(2)
      for (const each of fleet) await working(each)
      await world.pass(50)
      fleet[0]!.isolate()
      await world.pass(1_100)
      fleet[1]!.halfOpen()
      assert.equal(fleet[1]!.state, 'half-open')
      await world.pass(10)
      await working(fleet[1]!)
      await world.pass(1_100)
      assert.deepEqual(states(fleet), ['closed', 'closed'])
    }),
  )

  it(
    'F9: of manual changes in quick succession the last one wins, without replaying the others',
    inWorld(async (world) => {
      const [a] = world.fleet(1)
      await working(a!)
      await world.pass(50)
      const seen: string[] = []
      a!.addListener({ stateChange: ({ to }) => seen.push(to) })
      a!.isolate()
      a!.close()
      a!.open()
      a!.close()
      await world.pass(100)
      assert.deepEqual(seen, ['isolated', 'closed', 'open', 'closed'])
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F9: while the link is down a manual change is kept, an event says so, and it is offered on return',
    inWorld(async (world) => {
      const down = world.process()
      const a = down.breaker()
      const [b] = world.fleet(1)
      await working(a)
      await working(b!)
      await world.pass(50)
      const events: string[] = []
      a.addListener({ link: ({ state, unsent }) => events.push(`${state} ${unsent}`) })
      down.way = 'refusing'
      a.isolate('maintenance')
      await world.pass(100)
      assert.equal(a.state, 'isolated')
      assert.equal(b!.state, 'closed')
      assert.ok(events.includes('degraded isolated'), String(events))
      down.way = 'up'
      await world.pass(40_000)
      assert.equal(b!.state, 'isolated')
      assert.ok(events.some((each) => each.startsWith('live')))
    }),
  )

  it(
    'F9: the default reason is `manual`, everywhere; a repeat with another reason is sent too',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      await working(a!)
      await working(b!)
      await world.pass(50)
      for (const [change, reason] of [
        [() => a!.isolate(), 'manual'],
        [() => a!.isolate('maintenance'), 'maintenance'],
        [() => a!.halfOpen(), 'manual'],
        [() => a!.open(), 'manual'],
        [() => a!.close(), 'manual'],
      ] as const) {
        change()
        await world.pass(50)
        assert.equal(world.record().reason, reason)
      }
    }),
  )

  it(
    'F17: after a manual half-open the fleet rations the probes',
    inWorld(async (world) => {
      const [a] = world.fleet(1)
      await working(a!)
      await world.pass(50)
      a!.isolate()
      await world.pass(50)
      a!.halfOpen()
      assert.deepEqual([a!.state, a!.snapshot().scope], ['half-open', 'fleet'])
    }),
  )

  it(
    'F29: a reason is truncated to what a record holds, between two characters',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      await working(a!)
      await working(b!)
      await world.pass(50)
      a!.isolate('🔌'.repeat(10_000))
      await world.pass(50)
      assert.equal(world.record().reason, '🔌'.repeat(64))
      assert.equal(b!.snapshot().tripReason, '🔌'.repeat(64))
    }),
  )

  it(
    'F9: with share observe a manual change stays local',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      const shy = world.process().breaker({ share: 'observe' })
      for (const each of [a!, b!, shy]) await working(each)
      await world.pass(50)
      shy.isolate()
      await world.pass(1_100)
      assert.deepEqual(states([a!, b!, shy]), ['closed', 'closed', 'isolated'])
      shy.close()
      a!.open()
      await world.pass(1_100)
      assert.deepEqual(states([a!, b!, shy]), ['open', 'open', 'closed'])
      assert.equal(shy.snapshot().fleet?.state, 'open')
    }),
  )

  it(
    'F10: mode off sends nothing and ignores the fleet; enforced again, the breaker follows it',
    inWorld(async (world) => {
      const quiet = world.process()
      const breaker = quiet.breaker({ mode: 'off' })
      const [a] = world.fleet(1)
      await working(a!)
      a!.isolate()
      await working(breaker, 5)
      await world.pass(3_000)
      assert.deepEqual(quiet.sent, [])
      breaker.mode = 'enforce'
      await working(breaker)
      await world.pass(100)
      assert.equal(breaker.state, 'isolated')
      breaker.mode = 'off'
      assert.equal(breaker.state, 'closed')
      const { length } = quiet.sent
      await failing(breaker)
      await world.pass(3_000)
      assert.equal(quiet.sent.length, length)
      breaker.mode = 'enforce'
      assert.equal(breaker.state, 'isolated')
    }),
  )

  it(
    'F10: switched off, a breaker does not send what was pending',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker()
      await working(breaker)
      await world.pass(100)
      await failing(breaker)
      const { length } = member.sent
      breaker.mode = 'off'
      await world.pass(3_000)
      assert.equal(member.sent.length, length)
    }),
  )

  it(
    'F10: two breakers of one name on one storage share a replica',
    inWorld(async (world) => {
      const one = world.process()
      const [a, b] = [one.breaker(), one.breaker()]
      await working(a)
      await world.pass(50)
      a.isolate()
      await world.pass(20)
      assert.equal(b.state, 'isolated')
      assert.equal(b.snapshot().scope, 'fleet')
    }),
  )

  it(
    'F10: so the second one applies what the first one knows from its first call on',
    inWorld(async (world) => {
      const one = world.process()
      const a = one.breaker()
      await working(a)
      await world.pass(50)
      a.open({ for: 5_000 })
      await world.pass(2_000)
      one.way = 'hanging'
      const b = one.breaker()
      let called = false
      const call = b.call(() => (called = true))
      await assert.rejects(call, { reason: 'open', scope: 'fleet' })
      assert.equal(called, false)
      assert.ok(b.retryAfter <= 3_000, String(b.retryAfter))
    }),
  )

  it(
    'F10, I5: enforced again, an opening that was only observed lasts for no longer than its remaining time',
    inWorld(async (world) => {
      const watching = world.process()
      const breaker = watching.breaker({ mode: 'observe' })
      const [a] = world.fleet(1)
      await working(breaker)
      await working(a!)
      await world.pass(50)
      a!.open({ for: 5_000 })
      await world.pass(500)
      assert.equal(breaker.snapshot().fleet?.state, 'open')
      watching.way = 'hanging'
      await world.pass(3_500)
      breaker.mode = 'enforce'
      assert.equal(breaker.state, 'open')
      assert.ok(breaker.retryAfter <= 1_000, String(breaker.retryAfter))
    }),
  )

  it(
    'F10: restore seeds the local breaker only',
    inWorld(async (world) => {
      const before = new CircuitBreaker({ clock: world.clock })
      before.open({ for: 60_000 })
      const [restored, other] = world.fleet(2, { restore: before.snapshot() })
      assert.equal(restored!.state, 'open')
      await restored!.call(() => 1).catch(() => {})
      await working(other!).catch(() => {})
      await world.pass(2_000)
      assert.equal(restored!.state, 'open')
      assert.equal(restored!.snapshot().scope, 'local')
      assert.equal(world.record()?.state ?? 'closed', 'closed')
    }),
  )
})

describe('first-trip', () => {
  it(
    'F2: any trip of one process opens the fleet for the remaining time',
    inWorld(async (world) => {
      const fleet = world.fleet(3, { share: 'first-trip', timeoutDuration: 5_000 })
      for (const each of fleet) await working(each)
      await world.pass(50)
      await failing(fleet[1]!, 3)
      assert.equal(fleet[1]!.state, 'open')
      await world.pass(50)
      assert.deepEqual(states(fleet), ['open', 'open', 'open'])
      assert.ok(fleet[0]!.retryAfter <= 5_000)
      assert.equal(world.record().reason, 'consecutiveFailures')
    }),
  )

  it(
    'F2: a trip while the link was down opens the fleet when it is back',
    inWorld(async (world) => {
      const one = world.process()
      const a = one.breaker({ share: 'first-trip', timeoutDuration: 120_000 })
      const [b] = world.fleet(1)
      await working(a)
      await working(b!)
      await world.pass(50)
      one.way = 'refusing'
      await failing(a, 3)
      await world.pass(500)
      one.way = 'up'
      await world.pass(15_000)
      assert.equal(world.record().state, 'open')
      assert.equal(b!.state, 'open')
    }),
  )
})
