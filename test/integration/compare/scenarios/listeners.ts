import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

function broken(): never {
  throw new Error('the listener is broken')
}

export const listeners: Scenario[] = [
  {
    id: 'throwing-success-listener',
    title: 'A listener that throws on success changes nothing',
    rules: 'S8',
    async run(world) {
      const guard = world.guard({ failures: 1, listen: { success: broken } })
      const call = await world.attempt(guard)
      await world.pass(0)
      return finding(call.outcome === 'fulfilled' && guard.state() === 'closed', {
        right: 'the caller gets the result, the circuit stays closed',
        wrong: `the good call is ${call.outcome} and the circuit is ${guard.state()}`,
      })
    },
  },
  {
    id: 'throwing-failure-listener',
    title: 'A listener that throws on failure does not change the call',
    rules: 'S8',
    async run(world) {
      const guard = world.guard({ failures: 3, listen: { failure: broken } })
      const cause = new Error('the dependency failed')
      const call = await world.attempt(guard, () => Promise.reject(cause))
      await world.pass(60_000)
      return finding(call.error === cause && world.uncaught.length === 0, {
        right: 'the caller gets its own error',
        wrong: harm(
          call.outcome,
          world.uncaught.length,
          "the caller gets the listener's error instead of its own",
        ),
      })
    },
  },
  {
    id: 'throwing-open-listener',
    title: 'A listener that throws when the circuit opens does not change the call',
    rules: 'S8',
    async run(world) {
      const guard = world.guard({
        failures: 3,
        listen: { stateChange: (to) => (to === 'open' ? broken() : undefined) },
      })
      await world.fail(guard, 2)
      const cause = new Error('the dependency failed')
      const call = await world.attempt(guard, () => Promise.reject(cause))
      await world.pass(0)
      return finding(call.error === cause && world.uncaught.length === 0, {
        right: 'the caller gets its own error',
        wrong: harm(
          call.outcome,
          world.uncaught.length,
          "the caller gets the listener's error instead of its own",
        ),
      })
    },
  },
  {
    id: 'throwing-half-open-listener',
    title: 'A listener that throws at the change to half-open cannot end the process',
    rules: 'S8, S12',
    async run(world) {
      const guard = world.guard({
        failures: 3,
        listen: { stateChange: (to) => (to === 'half-open' ? broken() : undefined) },
      })
      await world.tripAndWait(guard)
      const uncaught = world.uncaught.length
      const probe = await world.attempt(guard)
      return finding(uncaught === 0 && probe.outcome === 'fulfilled', {
        right: 'the probe runs and gets its result',
        wrong:
          uncaught > 0
            ? 'uncaughtException: the process ends'
            : `the probe ${probe.ran ? 'ran' : 'did not run'}, its caller gets the listener's error`,
      })
    },
  },
]

function harm(outcome: string, uncaught: number, otherwise: string): string {
  if (outcome === 'pending') return `the call never settles${uncaught > 0 ? ', unhandledRejection' : ''}`
  return uncaught > 0 ? 'unhandledRejection' : otherwise
}
