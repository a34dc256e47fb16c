import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, isCallTimeoutError, type RunOptions, type TaskContext } from '../../../src/index.ts'
import { replaced } from '../../helpers/warnings.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const endless = (): Promise<unknown> => new Promise(() => {})

describe('S6: the signal of a task is created when it is read', () => {
  let timers: ReturnType<typeof fakeTime>
  beforeEach(() => {
    timers = fakeTime()
  })
  afterEach(() => timers.uninstall())

  /** The number of signals that starting a call creates. */
  function countSignals(
    callTimeout: number,
    options: RunOptions<unknown>,
    task: (context: TaskContext) => unknown,
  ): number {
    let count = 0
    const Real = AbortController
    class Counted extends Real {
      constructor() {
        super()
        count++
      }
    }
    const breaker = new CircuitBreaker({ callTimeout })
    replaced(globalThis, 'AbortController', Counted, () => void breaker.run(task, options).catch(() => {}))
    return count
  }

  const callers: Record<string, RunOptions<unknown>> = {
    'with a caller’s signal': { signal: new AbortController().signal },
    'without one': {},
  }
  for (const [title, options] of Object.entries(callers)) {
    it(`S6: for a task that does not read it none is created, ${title}`, () => {
      assert.equal(countSignals(1_000, options, endless), 0)
      assert.equal(countSignals(Infinity, options, endless), 0)
    })

    it(`S6: for a task that reads it twice one is created, ${title}`, () => {
      const read = ({ signal }: TaskContext): unknown => [signal, endless()]
      const readAgain = (context: TaskContext): unknown => [read(context), read(context)]
      assert.equal(countSignals(1_000, options, readAgain), 1)
      assert.equal(countSignals(Infinity, options, readAgain), options.signal ? 0 : 1)
    })
  }

  it('S6: a signal that is first read after the caller has aborted is aborted, with the caller’s reason', async () => {
    for (const callTimeout of [1_000, Infinity]) {
      const caller = new AbortController()
      let context: TaskContext | undefined
      const task = (given: TaskContext): unknown => {
        context = given
        return endless()
      }
      const call = new CircuitBreaker({ callTimeout }).run(task, { signal: caller.signal })
      caller.abort('gone')
      assert.deepEqual(await stateOf(call), { error: 'gone' })
      assert.equal(context?.signal.aborted, true)
      assert.equal(context.signal.reason, 'gone')
    }
  })

  const readers: Record<string, (context: TaskContext) => unknown> = {
    'while the task runs': ({ signal }) => signal,
    'only after both': () => undefined,
  }
  for (const [when, read] of Object.entries(readers)) {
    it(`S6: a signal that is read ${when} has the timeout as its reason, if the caller aborts after it`, async () => {
      const caller = new AbortController()
      let context: TaskContext | undefined
      const task = (given: TaskContext): unknown => {
        context = given
        read(given)
        return endless()
      }
      const call = new CircuitBreaker({ callTimeout: 1_000 }).run(task, { signal: caller.signal })
      const thrown = call.catch((error: unknown) => error)
      await timers.tickAsync(1_000)
      caller.abort('gone')
      await nextTick()
      assert.ok(isCallTimeoutError(await thrown))
      assert.equal(context?.signal.reason, await thrown)
    })
  }
})
