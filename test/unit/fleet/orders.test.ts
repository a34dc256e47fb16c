import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker } from '../../../src/index.ts'
import type { Link } from '../../../src/events/events.ts'
import { failing, inWorld, working, type Process, type World } from './support/world.ts'

/** A process whose breaker has learned that its fleet is closed, and the `link` events of that breaker. */
interface Member {
  readonly process: Process
  readonly breaker: CircuitBreaker
  readonly events: Link[]
}

function join(world: World, reporter: string): Member {
  const process = world.process()
  const breaker = process.breaker({ reporter, timeoutDuration: 60_000 })
  const events: Link[] = []
  breaker.addListener({ link: (event) => events.push(event) })
  return { process, breaker, events }
}

async function joined(world: World, ...reporters: string[]): Promise<Member[]> {
  const members = reporters.map((reporter) => join(world, reporter))
  for (const { breaker } of members) await working(breaker)
  await world.pass(50)
  return members
}

const last = ({ events }: Member): Partial<Link> => events.at(-1) ?? {}

describe('F9b: orders by hand', () => {
  it(
    'F9b: a close without an effect changes nothing anywhere, on a live link and after an outage',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      await failing(b!.breaker, 2)
      await world.pass(1_100)
      const before = world.record()
      assert.equal(a!.breaker.close(), false)
      assert.equal(a!.breaker.halfOpen(), true)
      await world.pass(50)
      assert.equal(a!.breaker.halfOpen(), false)
      assert.equal(a!.process.count('change'), 1)
      assert.equal(a!.breaker.close(), true)
      await world.pass(50)
      assert.notDeepEqual(world.record(), before)
      const { epoch } = world.record()

      a!.process.way = 'refusing'
      await failing(a!.breaker)
      await world.pass(100)
      assert.equal(a!.breaker.close(), false)
      await world.pass(3_000)
      b!.breaker.isolate('maintenance')
      await world.pass(50)
      a!.process.way = 'up'
      await world.pass(40_000)
      await a!.breaker.call(() => 1).catch(() => {})
      await world.pass(100)
      assert.equal(world.record().state, 'isolated')
      assert.equal(a!.breaker.state, 'isolated')
      assert.ok(world.record().epoch > epoch)
      assert.deepEqual(
        a!.events.map(({ unsent }) => unsent),
        [undefined, undefined],
      )
    }),
  )

  it(
    'F9b: nor does that of a process which knows nothing of the fleet yet',
    inWorld(async (world) => {
      const [a] = await joined(world, 'a')
      a!.breaker.isolate('maintenance')
      await world.pass(50)
      const fresh = join(world, 'fresh')
      assert.equal(fresh.breaker.close(), false)
      await fresh.breaker.call(() => 1).catch(() => {})
      await world.pass(3_000)
      assert.equal(fresh.process.count('change'), 0)
      assert.equal(fresh.breaker.state, 'isolated')
      assert.equal(world.record().state, 'isolated')
    }),
  )

  it(
    'F9b: nor does an order from an outage whose state another process has ordered since',
    inWorld(async (world) => {
      for (const change of ['close', 'halfOpen'] as const) {
        const [a, b] = await joined(world, 'a', 'b')
        a!.breaker.isolate('maintenance')
        await world.pass(1_100)
        a!.process.way = 'refusing'
        await world.pass(2_000)
        assert.equal(last(a!).state, 'degraded')
        assert.equal(a!.breaker[change]('old'), true)
        assert.equal(b!.breaker[change]('new'), true)
        await world.pass(100)
        const { epoch } = world.record()
        const sent = a!.process.count('change')
        a!.process.way = 'up'
        a!.process.resync()
        await world.pass(10_000)
        assert.deepEqual([world.record().epoch, world.record().reason], [epoch, 'new'])
        assert.equal(a!.process.count('change'), sent)
        assert.ok(a!.events.every(({ overtaken }) => overtaken === undefined))
        b!.breaker.isolate()
        b!.breaker.close()
        await world.pass(1_100)
      }
    }),
  )

  it(
    'F9b: an order that was given before the first reply waits for it',
    inWorld(async (world) => {
      const [a] = await joined(world, 'a')
      a!.breaker.isolate('maintenance')
      await world.pass(5_000)
      const fresh = join(world, 'fresh')
      assert.equal(fresh.breaker.open({ for: 30_000, reason: 'deploying' }), true)
      await world.pass(3_000)
      assert.deepEqual(fresh.process.sent.slice(0, 3), ['subscribe', 'exchange', 'change'])
      assert.equal(world.record().reason, 'deploying')
      assert.equal(a!.breaker.state, 'open')
    }),
  )

  it(
    'F9b: an order of a process that was cut off does not undo what another has ordered since, and an event says so',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.breaker.isolate('old')
      await world.pass(50)
      a!.process.way = 'refusing'
      assert.equal(a!.breaker.close('repaired'), true)
      await world.pass(100)
      assert.equal(last(a!).unsent, 'closed')
      b!.breaker.isolate({ reason: 'maintenance', actor: 'ann' })
      await world.pass(5_000)
      a!.process.way = 'up'
      await world.pass(40_000)
      assert.equal(world.record().reason, 'maintenance')
      assert.equal(a!.breaker.state, 'isolated')
      const { overtaken, unsent, state } = last(a!)
      assert.deepEqual(overtaken, { to: 'isolated', by: 'b', actor: 'ann', reason: 'maintenance' })
      assert.deepEqual([state, unsent], ['live', undefined])
      assert.equal(a!.events.filter((each) => each.overtaken).length, 1)
    }),
  )

  it(
    'F9b: nor does one that knew less when it was given, though the link is live',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.process.replyTime = 400
      assert.equal(a!.breaker.open(), true)
      b!.breaker.isolate('maintenance')
      await world.pass(1_000)
      assert.equal(world.record().state, 'isolated')
      assert.equal(a!.breaker.state, 'isolated')
      assert.equal(last(a!).overtaken?.reason, 'maintenance')
    }),
  )

  it(
    'F9b: a later order of the same process is made, though it does not know of the earlier one yet',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.process.answerTime = 400
      a!.breaker.isolate('first')
      await world.pass(50)
      assert.equal(world.record().state, 'isolated')
      assert.equal(a!.breaker.close('second'), true)
      await world.pass(2_000)
      assert.deepEqual([world.record().state, world.record().reason], ['closed', 'second'])
      assert.deepEqual([a!.breaker.state, b!.breaker.state], ['closed', 'closed'])
      assert.equal(a!.events.length, 0)
    }),
  )

  it(
    'F9b: a store that comes back empty is healed by those who know more before an older order is offered',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.breaker.open()
      await world.pass(50)
      a!.process.way = 'refusing'
      a!.breaker.close('old')
      await world.pass(2_000)
      b!.breaker.isolate('maintenance')
      await world.pass(50)
      b!.process.way = 'refusing'
      await b!.breaker.call(() => 1).catch(() => {})
      await world.pass(2_000)
      world.store.clear()
      a!.process.way = 'up'
      a!.process.resync()
      await world.pass(500)
      b!.process.way = 'up'
      b!.process.resync()
      await world.pass(40_000)
      assert.deepEqual([world.record().state, world.record().reason], ['isolated', 'maintenance'])
      assert.equal(last(a!).overtaken?.reason, 'maintenance')
    }),
  )

  it(
    'F9b: so is one that comes back with old data',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.breaker.open()
      await world.pass(2_000)
      const old = world.record()
      a!.process.way = 'refusing'
      a!.breaker.close('old')
      await world.pass(2_000)
      b!.breaker.isolate('maintenance')
      await world.pass(50)
      b!.process.way = 'refusing'
      await b!.breaker.call(() => 1).catch(() => {})
      await world.pass(2_000)
      world.store.plant('payments', old)
      a!.process.way = 'up'
      a!.process.resync()
      await world.pass(500)
      b!.process.way = 'up'
      b!.process.resync()
      await world.pass(40_000)
      assert.deepEqual([world.record().state, world.record().reason], ['isolated', 'maintenance'])
      assert.equal(last(a!).overtaken?.reason, 'maintenance')
    }),
  )

  it(
    'F9b: an order from before the first reply does not undo what was ordered before that reply arrived',
    inWorld(async (world) => {
      const [a] = await joined(world, 'a')
      a!.breaker.isolate('maintenance')
      await world.pass(5_000)
      const fresh = join(world, 'fresh')
      fresh.process.way = 'refusing'
      fresh.breaker.open({ reason: 'starting' })
      await world.pass(3_000)
      a!.breaker.isolate('repairs')
      await world.pass(3_000)
      fresh.process.way = 'up'
      fresh.process.resync()
      await world.pass(40_000)
      assert.deepEqual([world.record().state, world.record().reason], ['isolated', 'repairs'])
      assert.equal(fresh.breaker.state, 'isolated')
      assert.deepEqual(
        fresh.events.flatMap(({ overtaken }) => overtaken?.reason ?? []),
        ['repairs'],
      )
    }),
  )

  it(
    'F9b, F26: a close that a breaker reached by itself is not what it has read',
    inWorld(async (world) => {
      const [a] = await joined(world, 'a')
      a!.breaker.isolate('maintenance')
      await world.pass(100)
      a!.process.way = 'refusing'
      await world.pass(2_000)
      assert.equal(last(a!).state, 'degraded')
      a!.breaker.halfOpen('trying')
      await world.pass(100)
      await working(a!.breaker)
      assert.equal(a!.breaker.state, 'closed')
      await world.pass(10_000)
      a!.process.way = 'up'
      const { length } = a!.process.sent
      a!.process.resync()
      await world.pass(10_000)
      const sent = a!.process.sent.slice(length).filter((each) => each !== 'subscribe')
      assert.equal(sent[0], 'exchange')
      assert.ok(sent.includes('change'))
    }),
  )

  it(
    'F9b: an order of which nobody knows a newer one is made in a store that came back empty',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.process.way = 'refusing'
      a!.breaker.isolate('maintenance')
      await world.pass(2_000)
      world.store.clear()
      a!.process.way = 'up'
      a!.process.resync()
      await world.pass(8_000)
      assert.deepEqual([world.record().state, b!.breaker.state], ['isolated', 'isolated'])
      assert.equal(last(a!).overtaken, undefined)
    }),
  )

  it(
    'F9b: an order that the record refuses stays, is reported as unsent, and goes with the next look',
    inWorld(async (world) => {
      const [a] = await joined(world, 'a')
      const record = world.record()
      world.store.plant('payments', 'foreign')
      a!.breaker.isolate('maintenance')
      await world.pass(100)
      assert.deepEqual([last(a!).state, last(a!).unsent], ['degraded', 'isolated'])
      assert.equal(a!.breaker.state, 'isolated')
      const { length } = a!.events
      await world.pass(10_000)
      assert.ok(a!.process.count('change') <= 2)
      assert.equal(a!.events.length, length)
      world.store.plant('payments', record)
      await world.pass(35_000)
      assert.deepEqual([world.record().state, world.record().reason], ['isolated', 'maintenance'])
      assert.deepEqual([last(a!).state, last(a!).overtaken], ['live', undefined])
    }),
  )

  it(
    'F9b: a repeat amends the deadline and the reason; without a reason it keeps the one that stands',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      a!.breaker.open({ for: 5_000, reason: 'deploying', actor: 'ann' })
      await world.pass(1_100)
      assert.equal(b!.breaker.open({ for: 20_000 }), false)
      await world.pass(1_100)
      assert.equal(world.record().reason, 'deploying')
      assert.ok(a!.breaker.retryAfter > 18_000)
      assert.equal(a!.breaker.snapshot().tripReason, 'deploying')
      assert.equal(b!.breaker.isolate(), true)
      await world.pass(1_100)
      assert.equal(a!.breaker.isolate('repairs'), false)
      await world.pass(1_100)
      assert.equal(b!.breaker.isolate(), false)
      await world.pass(1_100)
      assert.deepEqual(
        [a!, b!].map(({ breaker }) => breaker.snapshot().tripReason),
        ['repairs', 'repairs'],
      )
    }),
  )

  it(
    'F9c: the fleet shows who ordered its state, and `code` by default; an actor is cut to 64 bytes',
    inWorld(async (world) => {
      const [a, b] = await joined(world, 'a', 'b')
      const actor = (): string | undefined => b!.breaker.snapshot().fleet?.actor
      assert.equal(actor(), '')
      a!.breaker.isolate()
      await world.pass(1_100)
      assert.equal(actor(), 'code')
      a!.breaker.close({ actor: 'ü'.repeat(100) })
      await world.pass(1_100)
      assert.equal(actor(), 'ü'.repeat(32))
      await failing(a!.breaker, 3)
      await failing(b!.breaker, 3)
      await world.pass(1_100)
      assert.deepEqual([world.record().state, actor()], ['open', ''])
    }),
  )
})
