import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'
import { failing, inWorld, working } from './support/world.ts'

describe('I5: a known opening is honored', () => {
  it(
    'F12: a store that lost its data is restored by a process that still has it',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      await working(a!)
      await working(b!)
      await world.pass(50)
      a!.open({ for: 20_000, reason: 'drill' })
      await world.pass(1_100)
      const { epoch } = world.record()
      world.store.clear()
      await a!.call(() => 1).catch(() => {})
      await world.pass(1_500)
      assert.equal(world.record().state, 'open')
      assert.equal(world.record().epoch, epoch)
      assert.equal(world.record().reason, 'drill')
      assert.ok(b!.retryAfter > 10_000)
    }),
  )

  it(
    'F12: after a reset the breaker honors its own opening to its end, then follows the record',
    inWorld(async (world) => {
      const [a] = world.fleet(1, { timeoutDuration: 10_000 })
      await working(a!)
      await world.pass(50)
      a!.open()
      await world.pass(100)
      const seen: string[] = []
      a!.addListener({ stateChange: ({ to }) => seen.push(to) })
      world.store.clear()
      world.wall.set(world.wall.now() - 3_600_000)
      await a!.call(() => 1).catch(() => {})
      await world.pass(2_000)
      assert.equal(a!.state, 'open')
      assert.equal(a!.snapshot().scope, 'local')
      assert.equal(a!.snapshot().fleet?.state, 'closed')
      assert.deepEqual(seen, [])
      await world.pass(8_000)
      await working(a!)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F12, I5: it does so too if the record has been opened again, for less time',
    inWorld(async (world) => {
      const [a, newcomer] = world.fleet(2)
      await working(a!)
      await world.pass(50)
      a!.open({ for: 20_000 })
      // Between two exchanges, whatever their jitter.
      await world.pass(2_400)
      world.store.clear()
      world.wall.set(world.wall.now() - 3_600_000)
      newcomer!.open({ for: 1_000 })
      await world.pass(2_000)
      assert.equal(a!.snapshot().fleet?.epoch, world.record().epoch)
      for (let left = 15_500; left > 0; left -= 500) {
        await assert.rejects(
          a!.call(() => 1),
          { reason: 'open' },
        )
        await world.pass(500)
      }
      await world.pass(600)
      assert.equal(await a!.call(() => 'probe'), 'probe')
      await world.pass(50)
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F12: an opening that outlasts a record which is half-open keeps its attempt, so that its snapshot can be restored',
    inWorld(async (world) => {
      const [a, newcomer] = world.fleet(2)
      await working(a!)
      await world.pass(50)
      a!.open({ for: 20_000 })
      // Between two exchanges, whatever their jitter.
      await world.pass(2_400)
      world.store.clear()
      world.wall.set(world.wall.now() - 3_600_000)
      newcomer!.halfOpen()
      await world.pass(2_000)
      const restore = a!.snapshot()
      assert.deepEqual([restore.state, restore.scope, restore.attempt], ['open', 'fleet', 1])
      assert.equal(new CircuitBreaker({ restore }).state, 'open')
    }),
  )

  for (const [clock, options] of Object.entries({
    'a clock of its own': {},
    'the default clock': { clock: systemClock },
  })) {
    it(
      `F12, I5: an opening by the breaker’s own rule is honored too, on ${clock}`,
      inWorld(async (world) => {
        const [a, newcomer] = world.fleet(2, { timeoutDuration: 20_000, ...options })
        await working(a!)
        await world.pass(50)
        a!.open({ for: 1_000 })
        await world.pass(50)
        a!.close()
        await world.pass(50)
        await failing(a!, 3)
        assert.deepEqual([a!.state, a!.snapshot().scope], ['open', 'local'])
        world.store.clear()
        world.wall.set(world.wall.now() - 3_600_000)
        newcomer!.open({ for: 1_000 })
        await world.pass(2_000)
        assert.equal(a!.snapshot().scope, 'fleet')
        await world.pass(17_500)
        assert.equal(a!.state, 'open')
        await world.pass(600)
        assert.equal(a!.state, 'half-open')
      }),
    )
  }

  for (const [step, direction] of [
    [3_600_000, 'forward'],
    [-3_600_000, 'back'],
  ] as const) {
    it(
      `F14, I5: a server clock that is set ${direction} changes nothing for processes that know the opening`,
      inWorld(async (world) => {
        const [a, b] = world.fleet(2)
        await working(a!)
        await working(b!)
        await world.pass(50)
        a!.open({ for: 10_000 })
        await world.pass(2_000)
        world.wall.set(world.wall.now() + step)
        for (let left = 7_500; left > 0; left -= 500) {
          for (const each of [a!, b!]) {
            await assert.rejects(
              each.call(() => 1),
              { reason: 'open' },
            )
          }
          await world.pass(500)
        }
        await world.pass(600)
        assert.equal(a!.state, 'half-open')
        // If the clock was set back, the record restarts its opening, once.
        await world.pass(step < 0 ? 10_000 : 0)
        assert.equal(await a!.call(() => 'probe'), 'probe')
      }),
    )
  }

  it(
    'F14, I5: nor does the wall clock of a process that is set forward',
    inWorld(async (world) => {
      const breaker = world.process().breaker({ clock: undefined })
      await working(breaker)
      await world.pass(50)
      breaker.open({ for: 10_000 })
      await world.pass(1_000)
      const { now } = Date
      try {
        Date.now = () => now() + 3_600_000
        assert.equal(breaker.snapshot().scope, 'fleet')
        await assert.rejects(
          breaker.call(() => 1),
          { reason: 'open' },
        )
      } finally {
        Date.now = now
      }
    }),
  )

  it(
    'F12: on a tie of epochs the record wins',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ timeoutDuration: 1_000 })
      const [b] = world.fleet(1)
      await working(a)
      await working(b!)
      await world.pass(50)
      a.open()
      await world.pass(50)
      const { epoch } = world.record()
      member.way = 'refusing'
      await world.pass(1_000)
      await a.call(() => 1).catch(() => {})
      await world.pass(1_500)
      await working(a)
      assert.equal(a.snapshot().fleet?.epoch, epoch + 1)
      world.wall.set(world.wall.now() - 3_600_000)
      b!.isolate('drill')
      await world.pass(50)
      assert.deepEqual([world.record().state, world.record().epoch], ['isolated', epoch + 1])
      member.way = 'up'
      await world.pass(31_000)
      assert.equal(world.record().state, 'isolated')
      assert.equal(a.state, 'isolated')
    }),
  )

  it(
    'I5: exchanges during an opening neither shorten nor lengthen it',
    inWorld(async (world) => {
      const [a, b] = world.fleet(2)
      await working(a!)
      await working(b!)
      await world.pass(50)
      a!.open({ for: 10_000 })
      const from = world.clock.now()
      while (world.clock.now() < from + 9_900) {
        await world.pass(300)
        if (world.clock.now() >= from + 10_000) break
        for (const each of [a!, b!]) {
          const error: unknown = await each.call(() => 1).catch((e: unknown) => e)
          const state = error && isCircuitBreakerError(error) ? error.reason : 'closed'
          if (each === a || world.clock.now() > from + 400) assert.equal(state, 'open')
        }
      }
      await world.pass(400)
      assert.equal(await b!.call(() => 'probe'), 'probe')
    }),
  )
})
