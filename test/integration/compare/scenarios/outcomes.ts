import { untilAborted } from '../world.ts'
import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

export const outcomes: Scenario[] = [
  {
    id: 'first-failure',
    title: 'The first failure does not open a breaker with default options',
    rules: 'S16',
    async run(world) {
      const guard = world.track(world.library.defaults())
      await world.fail(guard)
      return finding(guard.state() === 'closed', { right: 'closed', wrong: 'open after one failed call' })
    },
  },
  {
    id: 'undefined-result',
    title: '`undefined` is an ordinary result',
    rules: 'S7',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      const call = await world.attempt(guard, () => undefined)
      return finding(call.outcome === 'fulfilled' && call.value === undefined, {
        right: 'returned to the caller',
        wrong: `a function that returns undefined: ${String(call.error)}`,
      })
    },
  },
  {
    id: 'own-error',
    title: 'The call that trips the circuit rejects with its own error',
    rules: 'S7',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.fail(guard, 2)
      const cause = new Error('the dependency failed')
      const call = await world.attempt(guard, () => Promise.reject(cause))
      return finding(guard.state() === 'open' && call.error === cause, {
        right: 'its own error, the same object',
        wrong: `rejected with ${String(call.error)}`,
      })
    },
  },
  {
    id: 'user-aborts',
    title: 'Users who cancel do not open the circuit',
    rules: 'S5',
    async run(world) {
      const guard = world.guard({ failures: 2 })
      for (let n = 0; n < 2; n++) {
        const caller = new AbortController()
        await world.attempt(guard, untilAborted, caller.signal)
        caller.abort()
        await world.pass(0)
      }
      return finding(guard.state() === 'closed', {
        right: 'closed',
        wrong: 'two users who cancelled opened it',
      })
    },
  },
  {
    id: 'capacity',
    title: 'A call that is rejected for lack of capacity is not a failure of the dependency',
    rules: 'S4, S10',
    async run(world) {
      const guard = world.track(await world.library.oneAtATime({ failures: 5 }))
      const first = await world.hold(guard)
      for (let n = 0; n < 10; n++) await world.attempt(guard)
      await first.succeed()
      return finding(guard.state() === 'closed', {
        right: 'the refused calls count nothing',
        wrong: `${guard.state()} after calls that never reached the dependency`,
      })
    },
  },
  {
    id: 'infinite-timeout',
    title: 'A timeout of `Infinity` means no timeout',
    rules: 'S6',
    async run(world) {
      const guard = world.guard({ failures: 3, callTimeout: Infinity })
      const call = await world.hold(guard)
      await world.pass(10)
      return finding(call.outcome === 'pending', {
        right: 'the call runs on',
        wrong: `timed out at once: ${String(call.error)}`,
      })
    },
  },
  {
    id: 'shared-abort-controller',
    title: 'The timeout of one call does not abort another',
    rules: 'S6, S24',
    async run(world) {
      const guard = world.guard({ failures: 3, callTimeout: 100 })
      await world.hold(guard)
      await world.pass(50)
      const second = await world.hold(guard)
      await world.pass(50)
      const aborted = second.signal?.aborted === true
      return finding(!aborted, {
        right: 'each call has a signal of its own',
        wrong: 'one AbortController for all: the younger call was aborted too',
      })
    },
  },
  {
    id: 'shared-options',
    title: 'Two breakers made from one options object share nothing',
    rules: 'S24',
    async run(world) {
      const [users, orders] = world.library.pair({ failures: 3 })
      world.track(users)
      world.track(orders)
      await world.attempt(users, async () => 'a user')
      const order = await world.attempt(orders, async () => 'an order')
      await world.fail(users, 2)
      await world.fail(orders)
      const mixed = order.value !== 'an order'
      return finding(!mixed && orders.state() === 'closed', {
        right: 'separate results, separate counts',
        wrong: mixed
          ? 'they share the cache: asked for an order, got a user'
          : 'they share the counts: 2 failures of one and 1 of the other open it',
      })
    },
  },
]
