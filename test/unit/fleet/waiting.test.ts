import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCircuitBreakerError } from '../../../src/index.ts'
import { due } from './support/due.ts'
import { inWorld, settled, working } from './support/world.ts'

describe('F20: waiting for a lease', () => {
  it(
    'F20: acquire and tryAcquire reject, ask in the background and use the lease later',
    inWorld(async (world) => {
      const [a] = await due(world, 1)
      assert.equal(a!.tryAcquire(), undefined)
      assert.throws(() => a!.acquire(), { reason: 'half-open', scope: 'fleet' })
      await world.pass(10)
      assert.equal(a!.acquire().success(), true)
      await settled()
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'F20: an asynchronous generator waits for its lease, and a synchronous one does not',
    inWorld(async (world) => {
      const [a] = await due(world, 1)
      const counted = a!.wrap(async function* () {
        yield 1
        yield 2
      })
      const atOnce = a!.wrap(function* () {
        yield 1
      })
      assert.throws(() => atOnce().next(), { reason: 'half-open' })
      const seen: number[] = []
      for await (const each of counted()) seen.push(each)
      assert.deepEqual(seen, [1, 2])
      await world.pass(20)
      assert.equal(a!.state, 'closed')
    }),
  )

  it(
    'F20: the wait for a lease is not part of the call’s own time',
    inWorld(async (world) => {
      const member = world.process()
      const a = member.breaker({ callTimeout: 50, timeoutDuration: 2_000 })
      await working(a)
      await world.pass(50)
      a.halfOpen()
      await world.pass(50)
      member.replyTime = 80
      let begun = false
      const call = a.call(() => {
        begun = true
        return 'fine'
      })
      await world.pass(75)
      assert.equal(begun, false)
      await world.pass(10)
      assert.equal(await call, 'fine')
    }),
  )

  it(
    'F20, I6: a call waits no longer than the probe deadline when the store hangs',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker({ timeoutDuration: 1_000, probeDeadline: 80 })
      await working(breaker)
      await world.pass(50)
      breaker.open()
      await world.pass(1_050)
      member.way = 'hanging'
      const ends: unknown[] = []
      void breaker.call(() => 1).catch((error: unknown) => ends.push(error))
      await world.pass(75)
      assert.equal(ends.length, 0)
      await world.pass(10)
      const [end] = ends
      assert.ok(isCircuitBreakerError(end))
      assert.equal(end.reason, 'half-open')
    }),
  )
})
