import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CircuitBreaker, never, type CircuitBreakerOptions } from '../../../src/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'

const endless = (): Promise<unknown> => new Promise(() => {})

/** Starts a call. Returns it with its breaker and the controller of its signal. */
function begin(
  options: CircuitBreakerOptions = {},
  task: () => unknown = endless,
): { breaker: CircuitBreaker; caller: AbortController; call: Promise<unknown> } {
  const breaker = new CircuitBreaker({ failMax: 1, ...options })
  const caller = new AbortController()
  return { breaker, caller, call: breaker.run(task, { signal: caller.signal }) }
}

/** The reason of an `AbortSignal.timeout`. */
const timeout = new DOMException('The operation timed out', 'TimeoutError')

describe('S5: the caller’s signal aborts during `run`', () => {
  const reasons: Record<string, unknown> = {
    'an error': new Error('gone'),
    'a string': 'gone',
    null: null,
    'a number': 0,
    'an AbortError': new DOMException('gone', 'AbortError'),
    'an object that only looks like one': { name: 'TimeoutError', code: 23 },
    'an object that claims to be a DOMException of another name': {
      [Symbol.toStringTag]: 'DOMException',
      name: 'AbortError',
    },
    'something that throws when it is inspected': new Proxy(() => {}, {
      get() {
        throw new Error('do not look')
      },
    }),
  }
  for (const [title, reason] of Object.entries(reasons)) {
    it(`S5: the promise rejects at once with its reason, and the call is ignored, when that is ${title}`, async () => {
      const { breaker, caller, call } = begin()
      const events = eventsOf(breaker)
      caller.abort(reason)
      assert.deepEqual(events, ['ignored'], 'settled before `abort` returns')
      assert.equal(breaker.snapshot().inFlight, 0)
      const result = await stateOf(call)
      assert.ok(typeof result === 'object' && 'error' in result && Object.is(result.error, reason))
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.failCounter, 0)
    })
  }

  it('S5: an abort without a reason rejects with the signal’s own', async () => {
    const { caller, call } = begin()
    caller.abort()
    assert.deepEqual(await stateOf(call), { error: caller.signal.reason as unknown })
    assert.equal((caller.signal.reason as Error).name, 'AbortError')
  })

  class OwnTimeout extends Error {
    override readonly name = 'TimeoutError'
    readonly [Symbol.toStringTag] = 'OwnTimeout'
  }
  const timeouts: Record<string, unknown> = {
    'a DOMException': timeout,
    'an Error': Object.assign(new Error('late'), { name: 'TimeoutError' }),
    'an Error of a class of its own': new OwnTimeout('late'),
    'an Error of another realm': runInNewContext(
      "Object.assign(new Error('late'), { name: 'TimeoutError' })",
    ),
  }
  for (const [title, reason] of Object.entries(timeouts)) {
    it(`S5: ${title} named TimeoutError as its reason is a failure`, async () => {
      const { breaker, caller, call } = begin()
      const events = eventsOf(breaker)
      caller.abort(reason)
      assert.deepEqual(events, ['failure', 'closed > open'])
      const result = await stateOf(call)
      assert.ok(typeof result === 'object' && 'error' in result && result.error === reason)
      assert.equal(breaker.snapshot().lastFailure?.name, 'TimeoutError')
    })
  }

  it('S5: `AbortSignal.timeout` itself gives such a reason', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const signal = AbortSignal.timeout(1)
    // The timer of that signal does not keep the process alive.
    const alive = setInterval(() => {}, 1_000)
    const thrown = await breaker.run(endless, { signal }).catch((error: unknown) => error)
    clearInterval(alive)
    assert.equal(thrown, signal.reason)
    assert.equal(breaker.state, 'open')
  })

  it('S5: a TimeoutError that comes through `AbortSignal.any` is one too', async () => {
    const caller = new AbortController()
    const breaker = new CircuitBreaker({ failMax: 1 })
    const call = breaker.run(endless, { signal: AbortSignal.any([caller.signal]) })
    caller.abort(timeout)
    assert.deepEqual(await stateOf(call), { error: timeout })
    assert.equal(breaker.state, 'open')
  })

  it('S5: under errorOnTrip too the caller gets the reason itself', async () => {
    const { breaker, caller, call } = begin({ errorOnTrip: true })
    caller.abort(timeout)
    assert.deepEqual(await stateOf(call), { error: timeout })
    assert.equal(breaker.state, 'open')
  })

  it('S5: the error itself is never inspected: what the task throws without an abort is a failure', async () => {
    for (const error of [timeout, new DOMException('stopped', 'AbortError')]) {
      const { breaker, call, caller } = begin({}, () => Promise.reject(error))
      assert.deepEqual(await stateOf(call), { error })
      assert.equal(breaker.state, 'open')
      assert.equal(caller.signal.aborted, false)
    }
  })

  it('S5: the caller’s abort is ignored, whatever the task does then', async () => {
    const caller = new AbortController()
    const breaker = new CircuitBreaker({ failMax: 1 })
    const call = breaker.run(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new TypeError('socket closed')))
        }),
      { signal: caller.signal },
    )
    caller.abort(new Error('gone'))
    await assert.rejects(call, /gone/)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().ignored, 1)
  })

  const ends = {
    resolves: (task: ReturnType<typeof deferred>) => task.resolve('late'),
    rejects: (task: ReturnType<typeof deferred>) => task.reject(new Error('late')),
  }
  for (const [title, end] of Object.entries(ends)) {
    it(`S5: what the task does afterwards has no effect when it ${title}`, async () => {
      const task = deferred()
      const { breaker, caller, call } = begin({ trip: never(), failMax: undefined }, () => task.promise)
      const events = eventsOf(breaker)
      caller.abort(new Error('gone'))
      end(task)
      assert.deepEqual(await stateOf(call), { error: caller.signal.reason as unknown })
      await nextTick()
      assert.deepEqual(events, ['ignored'])
      const { late, ignored, counts, inFlight } = breaker.snapshot()
      assert.deepEqual(
        { late, ignored, calls: counts.calls, inFlight },
        { late: 0, ignored: 1, calls: 0, inFlight: 0 },
      )
    })
  }

  it('S5: an abort after the end has no effect', async () => {
    const { breaker, caller, call } = begin({}, () => 'done')
    assert.equal(await call, 'done')
    caller.abort(timeout)
    await nextTick()
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('S5: whichever comes first counts, the result or the abort', async () => {
    const task = deferred()
    const first = begin({}, () => task.promise)
    task.resolve('result')
    first.caller.abort(new Error('gone'))
    // The abort comes first: a promise notifies later, a signal at once.
    assert.deepEqual(await stateOf(first.call), { error: first.caller.signal.reason as unknown })

    const second = begin({}, () => Promise.resolve('result'))
    await nextTick()
    second.caller.abort(new Error('gone'))
    assert.deepEqual(await stateOf(second.call), { value: 'result' })
  })

  it('S5: a task that aborts its own caller and then returns, throws or rejects is ignored', async () => {
    const endings: ((caller: AbortController) => unknown)[] = [
      () => 'value',
      () => {
        throw new Error('own')
      },
      () => Promise.reject(new Error('own')),
      () => Promise.resolve('value'),
    ]
    for (const ending of endings) {
      const caller = new AbortController()
      const breaker = new CircuitBreaker({ failMax: 1 })
      const call = breaker.run(
        () => {
          caller.abort('gone')
          return ending(caller)
        },
        { signal: caller.signal },
      )
      assert.deepEqual(await stateOf(call), { error: 'gone' })
      assert.equal(breaker.snapshot().ignored, 1)
      assert.equal(breaker.snapshot().inFlight, 0)
      assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
    }
  })

  it('S5: a listener that aborts the caller before the task begins prevents its start', async () => {
    const caller = new AbortController()
    let begun = false
    const breaker = new CircuitBreaker({ listeners: [{ beforeCall: () => caller.abort('gone') }] })
    const call = breaker.run(() => (begun = true), { signal: caller.signal })
    assert.deepEqual(await stateOf(call), { error: 'gone' })
    assert.equal(begun, false)
    assert.equal(breaker.snapshot().ignored, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
    assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
  })

  it('S5: a classifier that aborts the caller comes too late: the call has ended', async () => {
    const caller = new AbortController()
    const breaker = new CircuitBreaker({ classifyResult: () => caller.abort('gone') as undefined })
    const call = breaker.run(() => 'value', { signal: caller.signal })
    assert.deepEqual(await stateOf(call), { value: 'value' })
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('S5: two aborts of a probe’s caller neither open nor close the circuit, and free the permit', async () => {
    const breaker = new CircuitBreaker()
    breaker.halfOpen()
    for (let i = 0; i < 2; i++) {
      const caller = new AbortController()
      const call = breaker.run(endless, { signal: caller.signal })
      assert.equal(breaker.tryAcquire(), undefined)
      caller.abort('gone')
      await assert.rejects(call)
      assert.equal(breaker.state, 'half-open')
      assert.equal(breaker.retryAfter, 0)
    }
  })

  it('S5: one signal may serve many calls', async () => {
    const caller = new AbortController()
    const breaker = new CircuitBreaker()
    const calls = Array.from({ length: 5 }, () => breaker.run(endless, { signal: caller.signal }))
    const done = breaker.run(() => 'done', { signal: caller.signal })
    assert.equal(await done, 'done')
    assert.equal(getEventListeners(caller.signal, 'abort').length, 5)
    caller.abort('gone')
    const results = await Promise.allSettled(calls)
    for (const result of results) assert.deepEqual(result, { status: 'rejected', reason: 'gone' })
    assert.equal(breaker.snapshot().ignored, 5)
    assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
  })
})
