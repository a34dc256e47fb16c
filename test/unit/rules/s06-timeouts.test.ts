import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  CallTimeoutError,
  CircuitBreaker,
  isCallTimeoutError,
  never,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const endless = (): Promise<unknown> => new Promise(() => {})
const quiet = (promise: Promise<unknown>): void => void promise.catch(() => {})

let timers: ReturnType<typeof fakeTime>

/** Returns the state of the promise after `ms` more milliseconds. */
async function after(ms: number, promise: Promise<unknown>): ReturnType<typeof stateOf> {
  quiet(promise)
  await timers.tickAsync(ms)
  return stateOf(promise)
}

function make(options: CircuitBreakerOptions = {}): CircuitBreaker {
  return new CircuitBreaker({ name: 'slow', callTimeout: 1_000, failMax: 1, ...options })
}

/** Every way of making a call that has a timeout. */
const WAYS: Record<string, (breaker: CircuitBreaker, fn: () => unknown) => Promise<unknown>> = {
  call: (breaker, fn) => breaker.call(fn),
  wrap: (breaker, fn) => breaker.wrap(fn)(),
  run: (breaker, fn) => breaker.run(fn),
  'run, with a signal': (breaker, fn) => breaker.run(fn, { signal: new AbortController().signal }),
}

describe('S6: the timeout of a call', () => {
  beforeEach(() => {
    timers = fakeTime()
  })
  afterEach(() => timers.uninstall())

  for (const [way, call] of Object.entries(WAYS)) {
    it(`S6: a call that takes longer rejects at its deadline and is a failure, by ${way}`, async () => {
      const breaker = make()
      const promise = call(breaker, endless)
      assert.equal(await after(999, promise), 'pending')
      assert.equal(breaker.state, 'closed')
      const result = await after(1, promise)
      assert.ok(typeof result === 'object' && 'error' in result)
      const { error } = result
      assert.ok(error instanceof CallTimeoutError && isCallTimeoutError(error))
      const { code, timeout, name, message } = error
      assert.deepEqual(
        { code, timeout, name },
        { code: 'CALL_TIMEOUT', timeout: 1_000, name: 'CallTimeoutError' },
      )
      assert.match(message, /"slow".*1000 ms/)
      assert.equal(breaker.state, 'open')
      assert.equal(breaker.snapshot().inFlight, 0)
    })

    it(`S6: a call that ends before its deadline is not touched, by ${way}`, async () => {
      const breaker = make()
      const task = deferred()
      const promise = call(breaker, () => task.promise)
      await timers.tickAsync(999)
      task.resolve('in time')
      assert.equal(await promise, 'in time')
      await timers.tickAsync(10_000)
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.snapshot().counts.successes, 1)
    })

    const ends: Record<string, () => unknown> = {
      returns: () => 'value',
      throws: () => {
        throw new Error('own')
      },
      resolves: () => Promise.resolve('value'),
      rejects: () => Promise.reject(new Error('own')),
      'returns a generator': function* () {},
    }
    for (const [end, fn] of Object.entries(ends)) {
      if (way === 'wrap' && end === 'returns a generator') continue
      it(`S6: the timer is cleared as soon as the call ${end}, by ${way}`, async () => {
        const promise = call(make(), fn)
        quiet(promise)
        await nextTick()
        assert.equal(timers.countTimers(), 0)
        assert.notEqual(await stateOf(promise), 'pending')
      })
    }

    it(`S6: what the function does after its timeout has no effect, by ${way}`, async () => {
      for (const end of ['resolve', 'reject'] as const) {
        const breaker = make({ failMax: undefined, trip: never() })
        const events = eventsOf(breaker)
        const task = deferred()
        const promise = call(breaker, () => task.promise)
        const result = await after(1_000, promise)
        task[end](new Error('late'))
        await nextTick()
        assert.deepEqual(events, ['beforeCall', 'failure'])
        assert.deepEqual(await stateOf(promise), result)
        const { late, counts } = breaker.snapshot()
        assert.deepEqual(
          { late, failures: counts.failures, calls: counts.calls },
          { late: 0, failures: 1, calls: 1 },
        )
      }
    })

    it(`S6: Infinity means no timeout, by ${way}`, async () => {
      const promise = call(make({ callTimeout: Infinity }), endless)
      assert.equal(timers.countTimers(), 0)
      assert.equal(await after(1e9, promise), 'pending')
    })
  }

  it('S6: the timer runs only while the call does', async () => {
    const breaker = make()
    assert.equal(timers.countTimers(), 0)
    const promise = breaker.call(endless)
    assert.equal(timers.countTimers(), 1)
    await after(1_000, promise)
    assert.equal(timers.countTimers(), 0)
  })

  it('S6: the timer is cleared when the caller aborts', async () => {
    const caller = new AbortController()
    const promise = make().run(endless, { signal: caller.signal })
    assert.equal(timers.countTimers(), 1)
    caller.abort('gone')
    assert.equal(timers.countTimers(), 0)
    assert.deepEqual(await stateOf(promise), { error: 'gone' })
  })

  for (const timeout of [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 3 * (2 ** 31 - 1) + 5]) {
    it(`S6: a timeout of ${timeout} ms has its exact length`, async () => {
      const breaker = make({ callTimeout: timeout })
      const promise = breaker.call(endless)
      assert.equal(await after(1, promise), 'pending', 'an overflown timer fires at once')
      assert.equal(await after(timeout - 2, promise), 'pending')
      const result = await after(1, promise)
      assert.ok(typeof result === 'object' && 'error' in result && isCallTimeoutError(result.error))
      assert.equal(result.error.timeout, timeout)
      assert.equal(timers.countTimers(), 0)
    })
  }

  it('S6: the timer of a timeout beyond the limit of the engine can be cleared at any time', async () => {
    const longest = 2 ** 31 - 1
    for (const passed of [0, longest, 2 * longest + 7]) {
      const task = deferred()
      const promise = make({ callTimeout: 3 * longest }).call(() => task.promise)
      await after(passed, promise)
      assert.equal(timers.countTimers(), 1)
      task.resolve('done')
      assert.equal(await promise, 'done')
      assert.equal(timers.countTimers(), 0)
    }
  })

  it('S6: the timeout is measured by the timers of the runtime if the clock has none', async () => {
    const clock = withRealTimers(new ManualClock())
    const promise = make({ clock }).call(endless)
    clock.advance(1e6)
    assert.equal(await after(999, promise), 'pending')
    assert.notEqual(await after(1, promise), 'pending')
  })

  it('S6: the timeout of a probe re-opens the circuit', async () => {
    const breaker = make()
    breaker.halfOpen()
    await after(1_000, breaker.call(endless))
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeFailed')
  })

  it('S6: a timeout that comes late is late, and its caller still gets it', async () => {
    const breaker = make()
    const promise = breaker.call(endless)
    breaker.isolate()
    breaker.close()
    const result = await after(1_000, promise)
    assert.ok(typeof result === 'object' && 'error' in result && isCallTimeoutError(result.error))
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().late, 1)
  })

  it('S6: the timeout that a call began with stays, whatever is configured meanwhile', async () => {
    const breaker = make()
    const promise = breaker.call(endless)
    breaker.configure({ callTimeout: 5 })
    assert.equal(await after(999, promise), 'pending')
    const result = await after(1, promise)
    assert.ok(typeof result === 'object' && 'error' in result && isCallTimeoutError(result.error))
    assert.equal(result.error.timeout, 1_000)
  })

  it('S6: a timeout is a failure: it is no error of the function, so it is not classified', async () => {
    const unasked = (): never => assert.fail('was asked')
    const breaker = make({ exclude: [unasked], classifyError: unasked })
    await after(1_000, breaker.call(endless))
    assert.equal(breaker.state, 'open')
  })

  it('S6: under errorOnTrip the caller gets a CircuitBreakerError whose cause is the timeout', async () => {
    const promise = make({ errorOnTrip: true }).call(endless)
    const result = await after(1_000, promise)
    assert.ok(typeof result === 'object' && 'error' in result && result.error instanceof Error)
    assert.equal(result.error.name, 'CircuitBreakerError')
    assert.ok(isCallTimeoutError(result.error.cause))
  })
})

describe('S6: the signal of a task', () => {
  beforeEach(() => {
    timers = fakeTime()
  })
  afterEach(() => timers.uninstall())

  it('S6: the timeout aborts it, and its reason is the error that the caller gets', async () => {
    let signal: AbortSignal | undefined
    const promise = make().run((context) => {
      signal = context.signal
      return endless()
    })
    await after(999, promise)
    assert.equal(signal!.aborted, false)
    const result = await after(1, promise)
    assert.ok(typeof result === 'object' && 'error' in result)
    assert.equal(signal!.aborted, true)
    assert.equal(signal!.reason, result.error)
  })

  it('S6: the timeout aborts it also where the caller has a signal of its own, which stays untouched', async () => {
    const caller = new AbortController()
    let signal: AbortSignal | undefined
    const promise = make().run(
      (context) => {
        signal = context.signal
        return endless()
      },
      { signal: caller.signal },
    )
    await after(1_000, promise)
    assert.equal(signal!.aborted, true)
    assert.ok(isCallTimeoutError(signal!.reason))
    assert.equal(caller.signal.aborted, false)
  })

  it('S6: the caller’s abort aborts it, with the same reason, with a timeout or without', async () => {
    for (const callTimeout of [1_000, Infinity]) {
      const caller = new AbortController()
      let signal: AbortSignal | undefined
      const promise = make({ callTimeout }).run(
        (context) => {
          signal = context.signal
          return endless()
        },
        { signal: caller.signal },
      )
      const reason = new Error('gone')
      caller.abort(reason)
      assert.deepEqual(await stateOf(promise), { error: reason })
      assert.equal(signal!.reason, reason)
      assert.equal(signal === caller.signal, callTimeout === Infinity)
    }
  })

  it('S6: it is aborted also where it is read only after the timeout', async () => {
    let read: (() => AbortSignal) | undefined
    const promise = make().run((context) => {
      read = () => context.signal
      return endless()
    })
    await after(1_000, promise)
    assert.equal(read!().aborted, true)
    assert.ok(isCallTimeoutError(read!().reason))
  })

  it('S6: it is the same signal each time that it is read', () => {
    for (const callTimeout of [1_000, Infinity]) {
      quiet(
        make({ callTimeout }).run((context) => {
          assert.equal(context.signal, context.signal)
        }),
      )
    }
  })

  it('S6: it is not aborted by the end of the call', async () => {
    for (const callTimeout of [1_000, Infinity]) {
      let signal: AbortSignal | undefined
      await make({ callTimeout }).run((context) => void (signal = context.signal))
      await timers.tickAsync(5_000)
      assert.equal(signal!.aborted, false)
    }
  })

  it('S6: where there is neither a timeout nor a caller’s signal it never aborts', async () => {
    let signal: AbortSignal | undefined
    await make({ callTimeout: Infinity }).run((context) => void (signal = context.signal))
    assert.ok(signal instanceof AbortSignal)
    assert.equal(signal.aborted, false)
  })

  it('S6: the signal of the task aborts after the circuit has counted the timeout', async () => {
    const breaker = make()
    let seen: string | undefined
    const promise = breaker.run(({ signal }) => {
      signal.addEventListener('abort', () => (seen = breaker.state))
      return endless()
    })
    await after(1_000, promise)
    assert.equal(seen, 'open')
  })
})
