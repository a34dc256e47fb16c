import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { anyOf, consecutiveFailures, customRule, type CustomRuleCounts } from '../../../src/index.ts'
import { refused } from '../../helpers/refusal.ts'
import { failing, inWorld, working } from './support/world.ts'

describe('a custom rule in a fleet', () => {
  it(
    'S19b, F2: is asked about the sums of all members, and opens the whole fleet',
    inWorld(async (world) => {
      const asked: CustomRuleCounts[] = []
      const trip = customRule('own', { window: 10_000 }, (counts) => {
        asked.push(counts)
        return counts.calls >= 6 && counts.failures >= 3
      })
      const [a, b] = world.fleet(2, { failMax: undefined, trip })
      await working(a!, 2)
      await failing(a!, 1)
      await world.pass(100)
      await working(b!)
      assert.equal(world.record().state, 'closed')
      await failing(b!, 2)
      await world.pass(100)
      // Only one host has failed since the last success, which is too few (F6).
      assert.deepEqual(asked.at(-1), { calls: 6, failures: 3, slow: 0, consecutiveFailures: 0 })
      for (const each of [a!, b!]) {
        const { state, scope, tripReason } = each.snapshot()
        assert.deepEqual([state, scope, tripReason], ['open', 'fleet', 'own'])
      }
    }),
  )

  it(
    'F6: failures of too few hosts do not count',
    inWorld(async (world) => {
      const trip = customRule('own', { window: 10_000 }, ({ calls, failures }) => calls > 9 && failures > 0)
      const [bad, good] = world.fleet(2, { failMax: undefined, trip })
      await working(good!, 20)
      await world.pass(1_500)
      await failing(bad!, 3)
      await world.pass(100)
      assert.equal(world.record().state, 'closed')
    }),
  )

  it(
    'S8: what it throws about the sums is reported, and counts as false',
    inWorld(async (world) => {
      const reported: unknown[] = []
      const trip = customRule('own', { window: 10_000 }, ({ calls }) => {
        if (calls > 3) throw new Error(`asked about ${calls}`)
        return false
      })
      const onListenerError = (error: unknown): unknown => reported.push(error)
      const [a, b] = world.fleet(2, { failMax: undefined, trip, onListenerError })
      await working(a!)
      await failing(a!, 2)
      await world.pass(100)
      await failing(b!, 2)
      await world.pass(100)
      assert.equal(world.record().state, 'closed')
      assert.ok(reported.some((error) => String(error) === 'Error: asked about 5'))
    }),
  )

  it(
    'S3: does not open the fleet with an answer about a state that it has ended itself',
    inWorld(async (world) => {
      const trip = customRule('own', { window: 10_000 }, ({ calls }) => {
        if (calls < 4) return false
        a!.isolate('by the rule')
        return true
      })
      const [a, b] = world.fleet(2, { failMax: undefined, trip })
      await failing(a!, 2)
      await world.pass(100)
      await failing(b!, 2)
      await world.pass(200)
      assert.equal(world.record().state, 'isolated')
    }),
  )

  it(
    'F5: over `lastCalls` has no pooled form',
    inWorld((world) => {
      const trip = customRule('own', { lastCalls: 10 }, () => true)
      refused(() => world.fleet(1, { failMax: undefined, trip }), RangeError, 'trip', 'lastCalls')
      assert.ok(world.fleet(1, { failMax: undefined, trip, share: 'first-trip' }))
      assert.ok(world.fleet(1, { failMax: undefined, trip: anyOf(trip, consecutiveFailures(5)) }))
      return Promise.resolve()
    }),
  )
})
