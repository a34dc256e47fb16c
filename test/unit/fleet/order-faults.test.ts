import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker, CircuitBreakerOptions } from '../../../src/index.ts'
import type { Link } from '../../../src/events/events.ts'
import { sender } from '../../../src/testing/storage-kit/commands.ts'
import { failing, inWorld, working, type Process, type World } from './support/world.ts'

interface Member {
  readonly breaker: CircuitBreaker
  readonly events: Link[]
}

function join(process: Process, reporter: string, options: CircuitBreakerOptions = {}): Member {
  const breaker = process.breaker({ reporter, timeoutDuration: 60_000, ...options })
  const events: Link[] = []
  breaker.addListener({ link: (event) => events.push(event) })
  return { breaker, events }
}

/** Lets time pass while the breakers are used. */
async function use(world: World, duration: number, ...members: Member[]): Promise<void> {
  for (let left = duration; left > 0; left -= 200) {
    for (const { breaker } of members) await breaker.call(() => 1).catch(() => {})
    await world.pass(200)
  }
}

describe('F9b: orders by hand that meet with trouble', () => {
  it(
    'F9b: an order is not sent again while it is on its way, and is told of once if its reply is lost',
    inWorld(async (world) => {
      const process = world.process()
      const { breaker, events } = join(process, 'a')
      await working(breaker)
      await world.pass(900)
      process.way = 'hanging'
      breaker.isolate()
      await use(world, 1_400, { breaker, events })
      assert.equal(process.count('change'), 1)
      assert.deepEqual(
        events.map(({ state, unsent }) => [state, unsent]),
        [['live', 'isolated']],
      )
    }),
  )

  it(
    'F9b: a breaker follows the record after its order was refused, though it had seen that state before',
    inWorld(async (world) => {
      const process = world.process()
      const a = join(process, 'a')
      const b = join(world.process(), 'b')
      await use(world, 200, a, b)
      for (let i = 0; i < 3; i++) {
        for (const { breaker } of [a, b]) await failing(breaker)
        await world.pass(60)
      }
      assert.equal(a.breaker.state, 'open')
      const { epoch } = world.record()
      // The store had lost a manual change, of which it learns now.
      const manual = { epoch: 5, nonce: 'c-1', actor: 'ann' }
      const knows = sender('c', { epoch: 5, manual })
      const nothing = { epoch: 5, successes: 0, failures: 0, tail: 0, rings: [] }
      await world.store.exchange('payments', { type: 'exchange', sender: knows, ...nothing }, { deadline: 1 })
      assert.equal(a.breaker.close(), true)
      assert.equal(a.breaker.state, 'closed')
      await use(world, 2_000, a, b)
      assert.equal(a.events.at(-1)?.overtaken?.actor, 'ann')
      assert.equal(world.record().epoch, epoch)
      assert.equal(a.breaker.state, 'open')
    }),
  )

  for (const which of ['first', 'second']) {
    it(
      `F9b: of two breakers of one name in a process, the order that the ${which} gives later stands, even if it changes nothing`,
      inWorld(async (world) => {
        const process = world.process()
        const members = [join(process, 'a'), join(process, 'a')]
        const [a, b] = which === 'second' ? members : members.toReversed()
        await use(world, 200, ...members)
        process.way = 'refusing'
        await use(world, 2_000, ...members)
        a!.breaker.isolate('first')
        assert.equal(b!.breaker.open(), true)
        assert.equal(b!.breaker.close('last'), true)
        process.way = 'up'
        process.resync()
        await use(world, 6_000, ...members)
        assert.deepEqual([world.record().state, world.record().reason], ['closed', 'last'])
        assert.deepEqual([a!.breaker.state, b!.breaker.state], ['closed', 'closed'])
        // Nothing is unsent any more.
        const { epoch } = world.record()
        process.way = 'refusing'
        await use(world, 2_000, ...members)
        b!.breaker.open()
        b!.breaker.close()
        process.way = 'up'
        process.resync()
        await use(world, 6_000, ...members)
        assert.equal(world.record().epoch, epoch)
      }),
    )
  }

  it(
    'F9b: a close that changes nothing withdraws an opening that is over and still unsent',
    inWorld(async (world) => {
      const process = world.process()
      const a = join(process, 'a')
      await use(world, 200, a)
      process.way = 'refusing'
      await use(world, 2_000, a)
      a.breaker.open({ for: 1_000 })
      await use(world, 2_000, a)
      assert.equal(a.breaker.state, 'closed')
      const told = a.events.length
      assert.equal(a.breaker.close(), false)
      assert.equal(a.events.length, told)
      process.way = 'up'
      process.resync()
      await use(world, 6_000, a)
      assert.equal(process.count('change'), 0)
      assert.equal(a.breaker.state, 'closed')
    }),
  )

  it(
    'F9b: an opening that had to wait is offered for what remains of it, and not at all once it is over',
    inWorld(async (world) => {
      for (const [length, remains] of [
        [60_000, true],
        [4_000, false],
      ] as const) {
        const process = world.process()
        const a = join(process, 'a', { name: `for-${length}` })
        await use(world, 200, a)
        process.way = 'refusing'
        await use(world, 2_000, a)
        a.breaker.open({ for: length })
        await use(world, 5_000, a)
        process.way = 'up'
        process.resync()
        await use(world, 6_000, a)
        assert.equal(process.count('change'), remains ? 1 : 0)
        const record = world.record(`for-${length}`)
        assert.equal(record.state, remains ? 'open' : 'closed')
        if (record.state === 'open')
          assert.ok(record.length < 56_000 && record.length > 45_000, String(record.length))
        else assert.equal(a.breaker.state, 'closed')
      }
    }),
  )

  it(
    'F9b, F26: a close by hand of a half-open period of its own is an order, and not a close by probes',
    inWorld(async (world) => {
      const process = world.process()
      const a = join(process, 'a', { attemptDecay: 600_000 })
      await use(world, 200, a)
      a.breaker.open({ for: 4_000 })
      await world.pass(50)
      process.way = 'refusing'
      await use(world, 3_000, a)
      await world.pass(1_500)
      a.breaker.tryAcquire()
      assert.equal(a.breaker.state, 'half-open')
      assert.equal(a.breaker.close({ reason: 'repaired', actor: 'ann' }), true)
      process.way = 'up'
      process.resync()
      await use(world, 6_000, a)
      const { state, reason, manual, epoch, attempt } = world.record()
      assert.deepEqual([state, reason, manual.actor, manual.epoch], ['closed', 'repaired', 'ann', epoch])
      assert.equal(attempt, 0)
    }),
  )

  it(
    'F9b: an order whose reply was lost waits until a store that was away is healed, whichever breaker noticed',
    inWorld(async (world) => {
      const [process, other] = [world.process(), world.process()]
      const first = join(process, 'a', { name: 'search', failMax: 50 })
      const a = join(process, 'a')
      const b = join(other, 'b')
      await use(world, 1_200, first, a, b)
      process.way = 'refusing'
      a.breaker.open({ reason: 'old' })
      await world.pass(10)
      b.breaker.isolate('newer')
      await world.pass(50)
      for (let i = 0; i < 6; i++) {
        await failing(first.breaker)
        await world.pass(60)
      }
      assert.equal(a.breaker.snapshot().fleet?.link, 'degraded')
      other.way = 'refusing'
      world.store.clear()
      process.way = 'up'
      process.resync()
      await use(world, 1_200, first, a)
      other.way = 'up'
      other.resync()
      await use(world, 6_000, first, a, b)
      assert.deepEqual([world.record().state, world.record().reason], ['isolated', 'newer'])
      assert.equal(a.breaker.state, 'isolated')
    }),
  )
})
