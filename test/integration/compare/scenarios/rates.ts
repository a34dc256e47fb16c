import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

const HOUR = 3_600_000

export const rates: Scenario[] = [
  {
    id: 'rejected-in-rate',
    title: 'Rejected calls do not hide the next outage',
    rules: 'S4, S17',
    async run(world) {
      const guard = world.guard({ rate: { threshold: 0.5, minCalls: 10, window: 10_000 } })
      await world.fail(guard, 10)
      await world.succeed(guard, 300)
      await world.pass(1_000)
      await world.succeed(guard)
      let failures = 0
      while (guard.state() === 'closed' && failures < 90) {
        await world.fail(guard)
        failures++
      }
      return finding(guard.state() === 'open', {
        right: `re-opened after ${failures} failures in a row`,
        wrong: `${failures} failures in a row after the recovery did not re-open it`,
      })
    },
  },
  {
    id: 'in-flight-in-rate',
    title: 'Calls in flight do not hide that all completed ones failed',
    rules: 'S17',
    async run(world) {
      const guard = world.guard({ rate: { threshold: 0.5, minCalls: 10, window: 10_000 } })
      await world.holdMany(guard, 30)
      await world.fail(guard, 10)
      return finding(guard.state() === 'open', {
        right: 'open: 10 of 10 completed calls failed',
        wrong: 'closed, though 10 of 10 completed calls failed',
      })
    },
  },
  {
    id: 'stale-window',
    title: 'Failures from an hour ago are forgotten',
    rules: 'S18',
    async run(world) {
      const guard = world.guard({ rate: { threshold: 0.5, minCalls: 10, window: 10_000 } })
      await world.fail(guard, 9)
      await world.pass(HOUR)
      await world.fail(guard)
      return finding(guard.state() === 'closed', {
        right: 'closed',
        wrong: '9 failures, an idle hour, 1 failure: open',
      })
    },
  },
  {
    id: 'excluded-as-success',
    title: 'Ignored errors do not count as successes',
    rules: 'S4, S5',
    async run(world) {
      const refused = new Error('the request was invalid')
      const guard = world.guard({
        rate: { threshold: 0.5, minCalls: 10, window: 10_000 },
        ignore: (error) => error === refused,
      })
      for (let n = 0; n < 20; n++) await world.attempt(guard, () => Promise.reject(refused))
      await world.fail(guard, 10)
      return finding(guard.state() === 'open', {
        right: 'open: all calls that say something failed',
        wrong: 'closed: 20 ignored errors outweigh 10 failures of 10',
      })
    },
  },
]
