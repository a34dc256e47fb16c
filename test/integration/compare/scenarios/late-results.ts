import { OPEN_FOR } from '../library.ts'
import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

export const lateResults: Scenario[] = [
  {
    id: 'late-success',
    title: 'A success from before the trip does not close a half-open circuit',
    rules: 'S1',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      const old = await world.hold(guard)
      await world.tripAndWait(guard)
      await world.hold(guard)
      await old.succeed()
      return finding(guard.state() !== 'closed', {
        right: 'still half-open, the probe decides',
        wrong: 'closed while its probe was unanswered',
      })
    },
  },
  {
    id: 'late-failure',
    title: 'A failure from before the trip does not re-open a half-open circuit',
    rules: 'S1, S20',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      const old = await world.hold(guard)
      await world.tripAndWait(guard)
      const probe = await world.hold(guard)
      await old.fail()
      await probe.succeed()
      const next = await world.attempt(guard)
      return finding(next.ran, {
        right: 'closed by the success of its probe',
        wrong: 'open again, though its probe succeeded',
      })
    },
  },
  {
    id: 'late-failures-after-recovery',
    title: 'Failures from before the trip do not open the recovered circuit',
    rules: 'S1, S17',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      const old = await world.holdMany(guard, 3)
      await world.tripAndWait(guard)
      await world.succeed(guard)
      for (const call of old) await call.fail()
      return finding(guard.state() === 'closed', {
        right: 'stays closed',
        wrong: 'opened by calls made before the outage ended',
      })
    },
  },
  {
    id: 'late-success-resets',
    title: 'A success from before the trip does not hide failures of today',
    rules: 'S1, S19',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      const old = await world.hold(guard)
      await world.tripAndWait(guard)
      await world.succeed(guard)
      await world.fail(guard, 2)
      const early = guard.state() === 'open'
      await old.succeed()
      await world.fail(guard)
      return finding(!early && guard.state() === 'open', {
        right: 'opens at the third failure',
        wrong: early
          ? 'opened before the third failure: those before the recovery still count'
          : 'the run of failures was reset by the answer to an old call',
      })
    },
  },
  {
    id: 'overlapping-failures',
    title: 'Failures that arrive after the trip do not extend the opening',
    rules: 'S20',
    async run(world) {
      const guard = world.guard({ failures: 3 })
      const [slow, ...calls] = await world.holdMany(guard, 4)
      for (const call of calls) await call.fail()
      await world.pass(OPEN_FOR - 100)
      await slow?.fail()
      await world.pass(100)
      const probe = await world.attempt(guard)
      return finding(probe.ran, {
        right: 'a probe is let through on time',
        wrong: 'the opening was extended',
      })
    },
  },
]
