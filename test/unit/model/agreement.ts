/** Compares the naive model with the breaker. */
import assert from 'node:assert/strict'
import { NaiveBreaker } from './naive-breaker.ts'
import type { Happening, Readings, Rig } from './rig.ts'
import { patched } from './schedule.ts'
import type { Command } from './schedule.ts'
import type { Settings } from './settings.ts'

/** The model, which takes the same commands as the rig and uses its clock. */
class Model {
  readonly breaker: NaiveBreaker
  #settings: Settings
  /** The model's number of each call that a `start` command began. */
  readonly #started: number[] = []

  constructor(settings: Settings, rig: Rig) {
    this.#settings = settings
    this.breaker = new NaiveBreaker(settings, () => rig.clock.passed)
  }

  /** Returns the expected result; of a `call` only the admission, because its time has yet to pass. */
  perform(command: Command): Happening {
    const { breaker } = this
    switch (command.do) {
      case 'start': {
        const call = breaker.start()
        return typeof call === 'number' ? { admitted: this.#started.push(call) - 1 } : { rejected: call }
      }
      case 'finish': {
        const call = this.#started[command.which % this.#started.length]
        return call === undefined ? {} : { applied: breaker.finish(call, command.outcome) }
      }
      case 'call': {
        const call = breaker.start()
        return typeof call === 'number' ? { admitted: call } : { rejected: call }
      }
      case 'configure': {
        this.#settings = patched(this.#settings, command.patch)
        breaker.configure(this.#settings)
        return {}
      }
      case 'mode':
        breaker.enter(command.mode)
        return {}
      case 'open':
        return { changed: breaker.open(command.for) }
      case 'wait':
      case 'read':
        return {}
      case 'halfOpen':
      case 'close':
      case 'isolate':
        return { changed: breaker[command.do]() }
      default:
        return command satisfies never
    }
  }

  compare(rig: Rig, where: string): void {
    const seen = rig.read()
    assert.deepEqual(seen, this.#read(seen), where)
    assert.deepEqual(rig.transitions, this.breaker.transitions, where)
    assert.deepEqual(rig.alarms, this.breaker.alarms, where)
  }

  #read(seen: Readings): Readings {
    const {
      state,
      retryAfter,
      failCounter,
      attempt,
      tripReason,
      counts,
      rates = seen.rates,
      totals,
    } = this.breaker
    return { state, retryAfter, failCounter, attempt, tripReason, counts, rates, totals }
  }
}

/** Plays a schedule on both, and compares the result of every command and everything that can be read. */
export async function agree(
  rig: Rig,
  commands: readonly Command[],
  reading: 'always' | 'last' = 'always',
): Promise<void> {
  const model = new Model(rig.settings, rig)
  for (const [index, command] of commands.entries()) {
    let expected = model.perform(command)
    const happened = await rig.perform(command)
    if (command.do === 'call' && expected.admitted !== undefined) {
      expected = { applied: model.breaker.finish(expected.admitted, command.outcome) }
    }
    const where = `at command ${index}: ${JSON.stringify(command)}`
    assert.deepEqual(happened, expected, where)
    // A read can make a breaker notice something, so the two must agree without reads as well.
    if (reading === 'always' || index === commands.length - 1) model.compare(rig, where)
  }
}
