import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker, CircuitBreakerOptions } from '../../../src/index.ts'
import type { Link } from '../../../src/events/events.ts'
import { failing, inWorld, working, type Process, type World } from './support/world.ts'

interface Member {
  readonly process: Process
  readonly breaker: CircuitBreaker
  readonly events: Link[]
}

function join(world: World, options: CircuitBreakerOptions = {}): Member {
  const process = world.process()
  const breaker = process.breaker({ reporter: 'a', timeoutDuration: 60_000, ...options })
  const events: Link[] = []
  breaker.addListener({ link: (event) => events.push(event) })
  return { process, breaker, events }
}

/** Lets time pass while the breaker is used. */
async function use(world: World, duration: number, { breaker }: Member): Promise<void> {
  for (let left = duration; left > 0; left -= 200) {
    await breaker.call(() => 1).catch(() => {})
    await world.pass(200)
  }
}

async function joined(world: World, options?: CircuitBreakerOptions): Promise<Member> {
  const member = join(world, options)
  await use(world, 200, member)
  return member
}

/** The member has lost its link. */
async function cutOff(world: World, member: Member): Promise<void> {
  member.process.way = 'refusing'
  await use(world, 2_000, member)
  assert.equal(member.breaker.snapshot().fleet?.link, 'degraded')
}

async function reconnect(world: World, member: Member): Promise<void> {
  Object.assign(member.process, { way: 'up', answerTime: 0 })
  member.process.resync()
  await use(world, 6_000, member)
}

describe('F2: the opening of a fleet', () => {
  for (const options of [{ share: 'first-trip' }, { minReporters: 1 }] as const) {
    it(
      `F2: is requested once, however long that takes: ${JSON.stringify(options)}`,
      inWorld(async (world) => {
        const a = await joined(world, options)
        const { storage } = a.process
        const change = storage.change.bind(storage)
        storage.change = async (...args) => {
          await new Promise((resolve) => void setTimeout(resolve, 900))
          return change(...args)
        }
        let changes = 0
        storage.change = (
          (inner) =>
          (...args: Parameters<typeof inner>) => {
            changes++
            return inner(...args)
          }
        )(storage.change)
        // So that a regular exchange comes in between.
        await use(world, 600, a)
        await failing(a.breaker, 3)
        await use(world, 1_000, a)
        assert.equal(world.record().state, 'open')
        assert.equal(changes, 1)
        await use(world, 3_000, a)
        assert.deepEqual([changes, a.breaker.snapshot().scope], [1, 'fleet'])
        // The next one is another one.
        a.breaker.close()
        await use(world, 2_000, a)
        await failing(a.breaker, 3)
        await use(world, 2_000, a)
        assert.deepEqual([changes, world.record().state], [3, 'open'])
      }),
    )
  }

  it(
    'F8: does not have the cause of a member whose request came too late',
    inWorld(async (world) => {
      const members = [
        await joined(world, { share: 'first-trip' }),
        await joined(world, { share: 'first-trip' }),
      ] as const
      const [a, b] = members
      b.process.replyTime = 40
      for (const { breaker } of members) await failing(breaker, 3)
      await world.pass(300)
      assert.equal(b.process.count('change'), 1)
      const causes = members.map(({ breaker }) => breaker.call(() => 1).catch((error: Error) => error.cause))
      const [ofA, ofB] = await Promise.all(causes)
      assert.deepEqual([(ofA as Error).message, ofB], ['down', undefined])
      assert.deepEqual([a.breaker.snapshot().scope, b.breaker.snapshot().scope], ['fleet', 'fleet'])
    }),
  )
})

describe('F9: a manual change that has to wait', () => {
  it(
    'F9: for the first reply is reported by no event, because nothing is wrong',
    inWorld(async (world) => {
      const a = join(world)
      a.process.replyTime = 200
      await a.breaker.call(() => 1)
      assert.equal(a.breaker.isolate('maintenance'), true)
      await world.pass(2_000)
      assert.deepEqual([world.record().state, a.events], ['isolated', []])
    }),
  )

  it(
    'F9: because the record refuses it is reported by one event',
    inWorld(async (world) => {
      const a = await joined(world)
      world.store.plant('payments', 'foreign')
      a.breaker.isolate('maintenance')
      await world.pass(100)
      assert.deepEqual(
        a.events.map(({ state, unsent }) => [state, unsent]),
        [['degraded', 'isolated']],
      )
    }),
  )

  it(
    'F9b: waits two intervals after an outage, even if another breaker of its process ended that',
    inWorld(async (world) => {
      const a = await joined(world)
      const other = a.process.breaker({ name: 'search' })
      await working(other)
      await cutOff(world, a)
      await working(other)
      a.breaker.isolate('maintenance')
      a.process.way = 'up'
      await other.flush()
      assert.equal(a.breaker.snapshot().fleet?.link, 'live')
      await use(world, 1_800, a)
      assert.equal(world.record().state, 'closed')
      await use(world, 2_000, a)
      assert.equal(world.record().state, 'isolated')
    }),
  )

  for (const share of ['pooled', 'first-trip'] as const) {
    it(
      `F9b: is no trip: an opening by hand loses to a newer manual change, with ${share}`,
      inWorld(async (world) => {
        const a = await joined(world, { share })
        const b = await joined(world)
        await cutOff(world, a)
        a.breaker.open({ reason: 'drill' })
        await world.pass(1_000)
        b.breaker.isolate()
        await world.pass(1_000)
        b.breaker.close({ actor: 'ann' })
        await world.pass(1_000)
        const { epoch } = world.record()
        await reconnect(world, a)
        assert.deepEqual([world.record().state, world.record().epoch], ['closed', epoch])
        assert.deepEqual([a.breaker.state, a.events.at(-1)?.overtaken?.actor], ['closed', 'ann'])
      }),
    )
  }

  it(
    'F9b: is forgotten once it would change nothing: the breaker follows its fleet again',
    inWorld(async (world) => {
      for (const isClose of [true, false]) {
        const name = `close: ${isClose}`
        const a = await joined(world, { name })
        const b = await joined(world, { name })
        await cutOff(world, a)
        a.breaker.open({ for: 1_000 })
        if (isClose) assert.equal(a.breaker.close(), true)
        await world.pass(5_000)
        a.process.way = 'up'
        a.process.resync()
        await world.pass(6_000)
        const { state, scope, fleet } = a.breaker.snapshot()
        assert.deepEqual([state, scope, fleet?.link], ['closed', 'local', 'live'])
        assert.equal(a.process.count('change'), 0)
        b.breaker.isolate('maintenance')
        await use(world, 2_000, a)
        assert.equal(a.breaker.state, 'isolated')
        const { length } = a.events
        await cutOff(world, a)
        assert.deepEqual(
          a.events.slice(length).map(({ unsent }) => unsent),
          [undefined],
        )
      }
    }),
  )

  it(
    'F9b: and lasts is offered for whole milliseconds, whatever the clock shows',
    inWorld(async (world) => {
      const a = await joined(world)
      await cutOff(world, a)
      a.breaker.open({ for: 60_000 })
      world.clock.advance(0.25)
      await reconnect(world, a)
      assert.deepEqual([world.record().state, a.breaker.snapshot().fleet?.link], ['open', 'live'])
    }),
  )
})

describe('F9b: a manual change that changes nothing', () => {
  it(
    'F9b: withdraws an opening that is over, even if the record may have received it',
    inWorld(async (world) => {
      const a = await joined(world)
      a.process.way = 'hanging'
      a.breaker.open({ for: 1_500 })
      await use(world, 4_000, a)
      assert.equal(a.breaker.state, 'closed')
      const sent = a.process.count('change')
      assert.equal(a.breaker.close(), false)
      await reconnect(world, a)
      assert.deepEqual([a.process.count('change'), world.record().state], [sent, 'closed'])
    }),
  )

  it(
    'F9b: does not withdraw the same change, which may be needed: the record may have received the one before',
    inWorld(async (world) => {
      const a = await joined(world)
      a.process.answerTime = 60_000
      a.breaker.open({ for: 50_000 })
      await world.pass(100)
      assert.equal(world.record().state, 'open')
      a.process.way = 'hanging'
      assert.equal(a.breaker.close(), true)
      assert.equal(a.breaker.close(), false)
      await world.pass(1_500)
      await reconnect(world, a)
      assert.deepEqual([world.record().state, a.breaker.state], ['closed', 'closed'])
    }),
  )

  it(
    'F9b: because the record has received it already is not overtaken by itself',
    inWorld(async (world) => {
      const a = await joined(world)
      a.process.answerTime = 60_000
      a.breaker.isolate('maintenance')
      await world.pass(1_500)
      const { epoch } = world.record()
      await reconnect(world, a)
      assert.equal(a.process.count('change'), 2)
      assert.deepEqual([world.record().state, world.record().epoch], ['isolated', epoch])
      assert.ok(a.events.every(({ overtaken }) => overtaken === undefined))
      assert.deepEqual([a.events.length > 0, a.breaker.state], [true, 'isolated'])
    }),
  )
})
