import { OPEN_FOR } from '../library.ts'
import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

const HOUR = 3_600_000

export const time: Scenario[] = [
  {
    id: 'clock-set-back',
    title: 'The wall clock set back by an hour does not prolong the opening',
    rules: 'S13',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.fail(guard, 3)
      world.setWallClock(-HOUR)
      await world.pass(OPEN_FOR)
      const probe = await world.attempt(guard)
      return finding(probe.ran, { right: 'a probe gets through on time', wrong: 'open for an hour longer' })
    },
  },
  {
    id: 'frozen-process',
    title: 'A process frozen for an hour (serverless, sleep) wakes up with its opening over',
    rules: 'S12, S13',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.fail(guard, 3)
      // Timers and the monotonic clock stood still; only the wall clock went on.
      world.setWallClock(HOUR)
      const probe = await world.attempt(guard)
      return finding(probe.ran, {
        right: 'a probe gets through',
        wrong: 'still open: it waits for a timer that stood still',
      })
    },
  },
  {
    id: 'reopen-time',
    title: 'The time at which it re-opens is right in every time zone',
    rules: 'S13, S14',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      await world.fail(guard, 3)
      const off = (guard.reopenTime()?.getTime() ?? NaN) - (Date.now() + OPEN_FOR)
      return finding(off === 0 && new Date().getTimezoneOffset() !== 0, {
        right: 'exact',
        wrong: `off by ${off} ms`,
      })
    },
  },
]
