import { untilAborted } from '../world.ts'
import type { Attempt } from '../world.ts'
import { OPEN_FOR } from '../library.ts'
import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

const HOUR = 3_600_000

export const halfOpen: Scenario[] = [
  {
    id: 'stuck-probe',
    title: 'A probe that never settles, with no call timeout set, does not wedge the circuit',
    rules: 'S2, S9',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.tripAndWait(guard)
      await world.hold(guard)
      await world.pass(HOUR)
      const next = await world.attempt(guard)
      return finding(next.ran, {
        right: 'the next probe gets through',
        wrong:
          next.outcome === 'pending'
            ? 'an hour later callers wait, for ever'
            : 'an hour later it still rejects',
      })
    },
  },
  {
    id: 'flood',
    title: 'Half-open admits one probe, not every call',
    rules: 'S10',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.tripAndWait(guard)
      const calls = await world.holdMany(guard, 10)
      const ran = calls.filter((call) => call.ran).length
      return finding(ran === 1, {
        right: '1 of 10 callers got through',
        wrong: `${ran} of 10 callers got through`,
      })
    },
  },
  {
    id: 'answered-at-once',
    title: 'While a probe is at work other callers are answered at once',
    rules: 'S10',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.tripAndWait(guard)
      await world.hold(guard)
      const others: Attempt[] = []
      for (let n = 0; n < 3; n++) others.push(await world.attempt(guard))
      return finding(
        others.every((call) => call.outcome === 'rejected'),
        { right: 'rejected at once', wrong: 'they are queued until the probe settles' },
      )
    },
  },
  {
    id: 'aborted-waiter',
    title: 'A caller who gives up while a probe is at work is released',
    rules: 'S5, S10',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.tripAndWait(guard)
      await world.hold(guard)
      const caller = new AbortController()
      const waiter = await world.attempt(guard, untilAborted, caller.signal)
      caller.abort()
      await world.pass(OPEN_FOR)
      return finding(waiter.outcome === 'rejected', {
        right: 'released',
        wrong: 'its promise stays pending after the abort',
      })
    },
  },
  {
    id: 're-entrant-probe',
    title: 'A probe that calls through the same breaker does not deadlock',
    rules: 'S5, S10',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.tripAndWait(guard)
      const outer = await world.attempt(guard, () => guard.call(() => 'inner'))
      await world.pass(HOUR)
      return finding(outer.outcome !== 'pending', {
        right: 'the inner call is answered, the outer one settles',
        wrong: 'deadlock: both wait for each other',
      })
    },
  },
  {
    id: 'ignored-probe',
    title: 'An ignored error as the answer to the probe does not close the circuit',
    rules: 'S4',
    async run(world) {
      const refused = new Error('the request was invalid')
      const guard = world.guard({ failures: 3, ignore: (error) => error === refused })
      await world.tripAndWait(guard)
      await world.attempt(guard, () => Promise.reject(refused))
      return finding(guard.state() !== 'closed', {
        right: 'still half-open',
        wrong: 'closed without a success',
      })
    },
  },
  {
    id: 'cancelled-probe',
    title: 'A probe that its caller cancels makes room for the next caller',
    rules: 'S4, S5',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.tripAndWait(guard)
      const caller = new AbortController()
      await world.attempt(guard, untilAborted, caller.signal)
      caller.abort()
      await world.pass(0)
      const next = await world.attempt(guard)
      return finding(next.ran, {
        right: 'the next caller is the probe',
        wrong: 'open for another full period',
      })
    },
  },
]
