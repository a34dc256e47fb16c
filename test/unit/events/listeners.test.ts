import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError, type CircuitBreakerListener } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { eventsOf } from '../../helpers/events.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

/** Creates a breaker. Returns it, its clock and every event that it emits to this hook. */
function listenTo(hook: keyof CircuitBreakerListener): {
  breaker: CircuitBreaker
  clock: ManualClock
  events: unknown[]
} {
  const clock = new ManualClock()
  const events: unknown[] = []
  const breaker = new CircuitBreaker({
    clock,
    failMax: 3,
    timeoutDuration: 1_000,
    exclude: [RangeError],
    listeners: [{ [hook]: (event: unknown) => events.push(event) }],
  })
  return { breaker, clock, events }
}

const down = new Error('down')

describe('the events of a breaker', () => {
  it('beforeCall has the arguments of the call, and none for a permit or a task', async () => {
    const { breaker, events } = listenTo('beforeCall')
    await breaker.call((...args: unknown[]) => args.length, 'a', 1)
    breaker.callSync((...args: unknown[]) => args.length, 'b')
    await breaker.wrap((...args: unknown[]) => args.length)('c')
    breaker.acquire()
    await breaker.run(() => 1)
    const given = [['a', 1], ['b'], ['c'], [], []]
    assert.deepEqual(
      events,
      given.map((args) => ({ breaker, args })),
    )
  })

  it('success has the duration and the value', () => {
    const { breaker, clock, events } = listenTo('success')
    const permit = breaker.acquire()
    clock.advance(12.5)
    permit.success('value')
    assert.deepEqual(events, [{ breaker, duration: 12.5, value: 'value' }])
  })

  it('success has the error where an error is classified as a success', async () => {
    const { breaker, events } = listenTo('success')
    breaker.configure({ classifyError: () => 'success' })
    await assert.rejects(breaker.call(() => Promise.reject(down)))
    assert.deepEqual(events, [{ breaker, duration: 0, error: down }])
  })

  it('failure has the duration and the error', async () => {
    const { breaker, clock, events } = listenTo('failure')
    await assert.rejects(
      breaker.call(async () => {
        clock.advance(7)
        throw down
      }),
    )
    assert.deepEqual(events, [{ breaker, duration: 7, error: down }])
  })

  it('fallback has the error that the fallback received, and its answer', async () => {
    const { breaker, events } = listenTo('fallback')
    const answer = { from: 'cache' }
    const fallback = async (): Promise<object> => answer
    assert.equal(await breaker.run(() => Promise.reject(down), { fallback }), answer)
    assert.equal(await breaker.wrap(() => Promise.reject(down), { fallback: () => undefined })(), undefined)
    breaker.isolate()
    await breaker.run(() => 1, { fallback, signal: new AbortController().signal })
    assert.deepEqual(events.slice(0, 2), [
      { breaker, error: down, value: answer },
      { breaker, error: down, value: undefined },
    ])
    assert.equal(events.length, 3)
    const { error, value } = events[2] as { error: unknown; value: unknown }
    assert.ok(isCircuitBreakerError(error))
    assert.equal(value, answer)
  })

  it('fallback has no value where the fallback itself fails', async () => {
    const { breaker, events } = listenTo('fallback')
    const own = new Error('its own')
    const broken = [
      () => Promise.reject(own),
      () => {
        throw own
      },
    ]
    for (const fallback of broken)
      await assert.rejects(
        breaker.run(() => Promise.reject(down), { fallback }),
        own,
      )
    assert.deepEqual(events, [
      { breaker, error: down },
      { breaker, error: down },
    ])
    assert.equal(Object.hasOwn(events[0] as object, 'value'), false)
  })

  it('fallback has none where there is no fallback, where it does not run, and where the caller has aborted', async () => {
    const { breaker, events } = listenTo('fallback')
    const caller = new AbortController()
    await assert.rejects(breaker.run(() => Promise.reject(down)))
    await breaker.run(() => 1, { fallback: () => 2 })
    await assert.rejects(breaker.run(() => Promise.reject(new RangeError()), { fallback: () => 2 }))
    const fallback = async (): Promise<number> => {
      caller.abort()
      return 2
    }
    await assert.rejects(breaker.run(() => Promise.reject(down), { signal: caller.signal, fallback }))
    await new Promise(setImmediate)
    assert.deepEqual(events, [])
  })

  it('fallback comes after the end of the call, and before its caller has the answer', async () => {
    const { breaker } = listenTo('success')
    const order = eventsOf(breaker)
    await breaker.run(() => Promise.reject(down), { fallback: () => 1 })
    assert.deepEqual(order, ['beforeCall', 'failure', 'fallback'])
  })

  it('failure has the value where a value is classified as a failure', async () => {
    const { breaker, events } = listenTo('failure')
    breaker.configure({ classifyResult: () => 'failure' })
    await breaker.call(() => 503)
    assert.deepEqual(events, [{ breaker, duration: 0, value: 503 }])
  })

  it('ignored has the error that was excluded', async () => {
    const { breaker, events } = listenTo('ignored')
    const error = new RangeError('excluded')
    await assert.rejects(breaker.call(() => Promise.reject(error)))
    assert.deepEqual(events, [{ breaker, duration: 0, error }])
  })

  it('late has the late result and its duration', () => {
    const { breaker, clock, events } = listenTo('late')
    const [one, two] = [breaker.acquire(), breaker.acquire()]
    breaker.open()
    clock.advance(40)
    one.success('value')
    two.failure(down)
    assert.deepEqual(events, [
      { breaker, duration: 40, value: 'value' },
      { breaker, duration: 40, error: down },
    ])
  })

  it('rejected has the very error that the caller gets', async () => {
    const { breaker, events } = listenTo('rejected')
    breaker.open()
    const error: unknown = await breaker.call(() => 1).catch((thrown: unknown) => thrown)
    assert.ok(isCircuitBreakerError(error))
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(events.length, 2)
    assert.deepEqual(events[0], { breaker, error })
    assert.equal((events[0] as { error: unknown }).error, error)
  })

  it('stateChange has from, to, the reason and the wall-clock time, for each kind of transition', () => {
    const time = fakeTime()
    try {
      const { breaker, clock, events } = listenTo('stateChange')
      const tick = (ms: number): void => {
        clock.advance(ms)
        time.tick(ms)
      }
      const began = Date.now()
      tick(5)
      fail(breaker, 3)
      tick(1_000)
      fail(breaker)
      tick(1_000)
      succeed(breaker)
      tick(5)
      breaker.isolate()
      assert.deepEqual(events, [
        { breaker, from: 'closed', to: 'open', reason: 'consecutiveFailures', at: began + 5, scope: 'local' },
        {
          breaker,
          from: 'open',
          to: 'half-open',
          reason: 'timeoutElapsed',
          at: began + 1_005,
          scope: 'local',
        },
        { breaker, from: 'half-open', to: 'open', reason: 'probeFailed', at: began + 1_005, scope: 'local' },
        {
          breaker,
          from: 'open',
          to: 'half-open',
          reason: 'timeoutElapsed',
          at: began + 2_005,
          scope: 'local',
        },
        {
          breaker,
          from: 'half-open',
          to: 'closed',
          reason: 'probeSucceeded',
          at: began + 2_005,
          scope: 'local',
        },
        { breaker, from: 'closed', to: 'isolated', reason: 'manual', at: began + 2_010, scope: 'local' },
      ])
    } finally {
      time.uninstall()
    }
  })

  it('each outcome of a call is one event, and only one', () => {
    const calls: string[] = []
    const say = (event: string) => () => calls.push(event)
    const breaker = new CircuitBreaker({ exclude: [RangeError], clock: new ManualClock() })
    const listener = {
      success: say('success'),
      failure: say('failure'),
      ignored: say('ignored'),
      late: say('late'),
    }
    breaker.addListener(listener)
    breaker.acquire().success()
    breaker.acquire().failure(down)
    breaker.acquire().failure(new RangeError())
    const permit = breaker.acquire()
    breaker.open()
    permit.ignore()
    permit.success()
    assert.deepEqual(calls, ['success', 'failure', 'ignored', 'late'])
  })
})

describe('addListener and removeListener', () => {
  it('addListener returns a Disposable that removes the listener', () => {
    const { breaker } = listenTo('success')
    let calls = 0
    const added = breaker.addListener({ success: () => calls++ })
    succeed(breaker)
    added[Symbol.dispose]()
    added[Symbol.dispose]()
    succeed(breaker)
    assert.equal(calls, 1)
  })

  it('removeListener removes one listener and leaves the others', () => {
    const calls: string[] = []
    const one: CircuitBreakerListener = { success: () => calls.push('one') }
    const two: CircuitBreakerListener = { success: () => calls.push('two') }
    const breaker = new CircuitBreaker({ listeners: [one, two] })
    breaker.removeListener(one)
    succeed(breaker)
    assert.deepEqual(calls, ['two'])
  })

  it('a listener that is added twice gets each event once', () => {
    let calls = 0
    const listener: CircuitBreakerListener = { success: () => calls++ }
    const breaker = new CircuitBreaker({ listeners: [listener, listener] })
    breaker.addListener(listener)
    succeed(breaker)
    assert.equal(calls, 1)
    breaker.removeListener(listener)
    succeed(breaker)
    assert.equal(calls, 1)
  })

  it('hooks are called as methods of the listener, also those of a class', () => {
    class Counter {
      count = 0
      success(): void {
        this.count++
      }
    }
    const counter = new Counter()
    succeed(new CircuitBreaker({ listeners: [counter] }), 3)
    assert.equal(counter.count, 3)
  })

  it('a listener may have unknown members beside a hook, and a hook may be undefined', () => {
    let calls = 0
    const listener = { name: 'mine', success: () => calls++, failure: undefined }
    const breaker = new CircuitBreaker({ listeners: [listener] })
    succeed(breaker)
    fail(breaker)
    assert.equal(calls, 1)
  })

  it('the hooks of a listener are determined when it is added: a later method is not called', () => {
    const calls: string[] = []
    const listener: Record<string, () => unknown> = { late: () => calls.push('late') }
    const enforcing = new CircuitBreaker({ failMax: 1, listeners: [listener] })
    const observing = new CircuitBreaker({ failMax: 1, listeners: [listener], mode: 'observe' })
    for (const hook of ['beforeCall', 'success', 'failure', 'rejected', 'stateChange', 'wouldTrip'])
      listener[hook] = () => calls.push(hook)
    for (const breaker of [enforcing, observing]) {
      succeed(breaker)
      fail(breaker)
      assert.equal(breaker.tryAcquire() === undefined, breaker === enforcing)
    }
    assert.deepEqual(calls, [])
  })

  it('a listener that is added during a call gets its outcome', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    const permit = breaker.acquire()
    const events: unknown[] = []
    breaker.addListener({ success: (event) => events.push(event) })
    permit.success('value')
    assert.deepEqual(events, [{ breaker, duration: undefined, value: 'value' }])
  })

  it('a listener whose members throw does not affect the others', () => {
    const breaker = new CircuitBreaker({ onListenerError: () => {} })
    let reads = 0
    const hostile: CircuitBreakerListener = {
      get success() {
        if (reads++ > 0) throw new Error('hostile')
        return () => {}
      },
    }
    try {
      breaker.addListener(hostile)
    } catch (error) {
      assert.match(String(error), /hostile/)
    }
    let calls = 0
    breaker.addListener({ success: () => calls++ })
    succeed(breaker)
    assert.equal(calls, 1)
  })
})
