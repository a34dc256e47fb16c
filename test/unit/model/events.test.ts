import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { CircuitBreaker, CircuitBreakerListener, Permit } from '../../../src/index.ts'
import { classification, PATHS } from '../conformance/paths.ts'
import { parameters } from './parameters.ts'
import { holds, playAndRead } from './property.ts'
import { Rig } from './rig.ts'
import { anything, scheduleOf, unconfigured } from './schedule.ts'
import { anySettings, openTimeOf } from './settings.ts'

const everyHook = (hook: () => unknown): CircuitBreakerListener => ({
  beforeCall: hook,
  success: hook,
  failure: hook,
  ignored: hook,
  rejected: hook,
  late: hook,
  stateChange: hook,
  wouldTrip: hook,
})

const throwing = everyHook(() => {
  throw new Error('this listener throws')
})
const rejecting = everyHook(() => Promise.reject(new Error('this listener rejects')))

/** What user code may do to the breaker that calls it. */
const MEDDLING = [
  'nothing',
  'open',
  'close',
  'halfOpen',
  'isolate',
  'acquire',
  'succeed',
  'fail',
  'read',
] as const
type Meddling = (typeof MEDDLING)[number]

class Meddler {
  readonly #plan: Meddling[]
  readonly #permits: Permit[] = []

  constructor(plan: readonly Meddling[]) {
    this.#plan = [...plan]
  }

  stop(): void {
    this.#plan.length = 0
  }

  /** Performs the next step of the plan. */
  meddle(breaker: CircuitBreaker): void {
    const next = this.#plan.shift()
    switch (next) {
      case undefined:
      case 'nothing':
        return
      case 'acquire': {
        const permit = breaker.tryAcquire()
        if (permit !== undefined) this.#permits.push(permit)
        return
      }
      case 'succeed':
        this.#permits.shift()?.success()
        return
      case 'fail':
        this.#permits.shift()?.failure()
        return
      case 'read':
        breaker.snapshot()
        return
      case 'open':
      case 'close':
      case 'halfOpen':
      case 'isolate':
        breaker[next]()
    }
  }
}

type Recorder = CircuitBreakerListener & { readonly events: string[] }

function recorder(): Recorder {
  const events: string[] = []
  return {
    events,
    success: () => events.push('success'),
    failure: () => events.push('failure'),
    ignored: () => events.push('ignored'),
    late: () => events.push('late'),
    rejected: ({ error }) => events.push(`rejected: ${error.reason}`),
    stateChange: ({ from, to }) => events.push(`${from}->${to}`),
  }
}

/** Asserts that the transitions form a path, and returns the state in which it ends. */
function follow(transitions: readonly string[]): string {
  let state = 'closed'
  for (const [from, to] of transitions.map((transition) => transition.split(/->| \(/))) {
    assert.equal(from, state)
    assert.notEqual(to, state)
    state = to ?? ''
  }
  return state
}

describe('events, for random schedules', () => {
  it('S3: transitions form a path that ends in the state', () =>
    holds(anything, async (settings, commands, path) => {
      const rig = new Rig(settings, path)
      await rig.play(commands)
      rig.breaker.tryAcquire()
      assert.equal(rig.read().state, follow(rig.transitions))
    }))

  it('S8: listeners that throw or reject change nothing', () =>
    holds(unconfigured, async (settings, commands, path) => {
      const reported: unknown[] = []
      const alone = new Rig(settings, path)
      const listeners = [throwing, rejecting]
      const disturbed = new Rig(settings, path, {
        listeners,
        onListenerError: (error) => reported.push(error),
      })
      assert.deepEqual(await playAndRead(disturbed, commands), await playAndRead(alone, commands))
      assert.deepEqual(disturbed.transitions, alone.transitions)
      if (alone.calls.length > 0) assert.notEqual(reported.length, 0)
    }))

  it('S3: listeners and user code may call any method, and all listeners still get the same events, in the same order', () =>
    fc.assert(
      fc.asyncProperty(
        anySettings,
        scheduleOf(anything),
        fc.constantFrom(...PATHS),
        fc.array(fc.constantFrom(...MEDDLING), { maxLength: 40, size: 'max' }),
        async (settings, commands, path, plan) => {
          const meddler = new Meddler(plan)
          const [first, last] = [recorder(), recorder()]
          const errors: unknown[] = []
          const meddle = (): void => meddler.meddle(rig.breaker)
          const rig: Rig = new Rig(settings, path, {
            listeners: [first, everyHook(meddle), last],
            classifyError: (error) => {
              meddle()
              return classification.classifyError?.(error)
            },
            timeoutDuration: ({ attempt }) => {
              meddle()
              return openTimeOf(settings.openTimes, attempt)
            },
            onListenerError: (error) => errors.push(error),
          })
          await rig.play(commands)
          meddler.stop()
          rig.breaker.tryAcquire()
          assert.deepEqual(last.events, first.events)
          assert.equal(rig.read().state, follow(rig.transitions))
          const others = errors.filter((error) => !String(error).includes('this classifier throws'))
          assert.deepEqual(others, [])
        },
      ),
      parameters,
    ))
})
