import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, isCallTimeoutError } from '../../../src/index.ts'
import { superviseCall } from '../../../src/integrations/adapter.ts'
import { deferred } from '../../helpers/deferred.ts'
import { stateOf } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const endless = (): Promise<unknown> => new Promise(() => {})
const fail = (): never => {
  throw new Error('hostile')
}

/** Everything that takes a caller's signal. Each returns a promise. */
const WAYS: Record<string, (breaker: CircuitBreaker, signal: AbortSignal | null) => Promise<unknown>> = {
  run: (breaker, signal) => breaker.run(() => 'done', { signal }),
  'run, with a timeout': (breaker, signal) => breaker.run(() => 'done', { signal, callTimeout: 1_000 }),
  'run, with a fallback': (breaker, signal) =>
    breaker.run(() => 'done', { signal, fallback: () => 'fallback' }),
  ready: async (breaker, signal) => (await breaker.ready({ signal })) ?? 'done',
  superviseCall: async (breaker, signal) => {
    const call = superviseCall(breaker, { signal })
    const sent = await call.send(() => 'done')
    call.succeed(sent)
    return sent
  },
}

/** A signal that is not the engine's. */
function duck(changes: PropertyDescriptorMap = {}): AbortSignal {
  const listeners = new Set<() => void>()
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener: (_type: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_type: string, listener: () => void) => listeners.delete(listener),
    abort() {
      signal.aborted = true
      for (const listener of listeners) listener()
    },
    listeners,
  }
  return Object.defineProperties(signal, changes) as unknown as AbortSignal
}
const abort = (signal: AbortSignal): void => (signal as unknown as { abort(): void }).abort()
const listening = (signal: AbortSignal): number =>
  (signal as unknown as { listeners: Set<unknown> }).listeners.size

describe('S6: what is not a signal', () => {
  const wrong: Record<string, unknown> = {
    'a controller': new AbortController(),
    'a string': 'signal',
    false: false,
    0: 0,
    'a function': () => {},
    'an object': {},
    'one without a state': duck({ aborted: { value: undefined } }),
    'one with a state that is no boolean': duck({ aborted: { value: 'no' } }),
    'one without addEventListener': duck({ addEventListener: { value: undefined } }),
    'one without removeEventListener': duck({ removeEventListener: { value: undefined } }),
    'one whose state throws': duck({ aborted: { get: fail } }),
    'one whose addEventListener throws': duck({ addEventListener: { value: fail } }),
    'one whose addEventListener cannot be read': duck({ addEventListener: { get: fail } }),
    'one whose removeEventListener cannot be read': duck({ removeEventListener: { get: fail } }),
    'a proxy that throws': new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail }),
    'an aborted object': { aborted: true },
  }
  for (const [way, begin] of Object.entries(WAYS)) {
    for (const [title, signal] of Object.entries(wrong)) {
      it(`S6: ${title} is refused and no permit is taken, by ${way}`, async () => {
        const breaker = new CircuitBreaker()
        breaker.halfOpen() // where a permit that is not given back would show
        const result = await stateOf(begin(breaker, signal as AbortSignal))
        assert.ok(typeof result === 'object' && 'error' in result && result.error instanceof TypeError)
        assert.match(result.error.message, /^Expected `signal` to be an AbortSignal, got /)
        const { inFlight, ignored, counts } = breaker.snapshot()
        assert.deepEqual([inFlight, ignored, counts.calls], [0, 0, 0])
        assert.ok(breaker.tryAcquire(), 'the place is free')
      })
    }

    it(`S6: null is none, by ${way}`, async () => {
      const result = await stateOf(begin(new CircuitBreaker(), null))
      assert.deepEqual(result, { value: 'done' })
    })
  }
})

describe('S6: a signal that is not the engine’s', () => {
  for (const [way, begin] of Object.entries(WAYS)) {
    it(`S6: serves as well as one of the engine, by ${way}`, async () => {
      const signal = duck()
      assert.deepEqual(await stateOf(begin(new CircuitBreaker(), signal)), { value: 'done' })
      assert.equal(listening(signal), 0)
    })

    it(`S6: has an AbortError as its reason if it has none, by ${way}`, async () => {
      for (const reason of [{ value: undefined }, { get: fail }]) {
        const breaker = new CircuitBreaker()
        const result = await stateOf(begin(breaker, duck({ aborted: { value: true }, reason })))
        assert.ok(typeof result === 'object' && 'error' in result && result.error instanceof DOMException)
        assert.equal(result.error.name, 'AbortError')
        assert.deepEqual([breaker.snapshot().counts.calls, breaker.snapshot().ignored], [0, 0])
      }
    })

    it(`S6: cannot hold a permit by not letting go of a listener, by ${way}`, async () => {
      const breaker = new CircuitBreaker()
      const signal = duck({ removeEventListener: { value: fail } })
      assert.deepEqual(await stateOf(begin(breaker, signal)), { value: 'done' })
      assert.equal(breaker.snapshot().inFlight, 0)
    })
  }

  for (const callTimeout of [Infinity, 1e6]) {
    it(`S6: rejects with the same AbortError that the task gets, with the timeout ${callTimeout}`, async () => {
      const signal = duck()
      let own: AbortSignal | undefined
      const breaker = new CircuitBreaker()
      const call = breaker.run(
        (context) => {
          own = context.signal
          return endless()
        },
        { signal, callTimeout },
      )
      abort(signal)
      const result = await stateOf(call)
      assert.ok(typeof result === 'object' && 'error' in result && result.error instanceof DOMException)
      assert.equal(own?.aborted, true)
      if (callTimeout < Infinity) assert.equal(own.reason, result.error)
      assert.deepEqual([listening(signal), breaker.snapshot().ignored], [0, 1])
    })
  }
})

describe('S6: a caller that aborts while its call is admitted', () => {
  for (const callTimeout of [Infinity, 1_000]) {
    it(`S6: rejects with its reason and gives the permit back, with the timeout ${callTimeout}`, async () => {
      const caller = new AbortController()
      const breaker = new CircuitBreaker({ listeners: [{ beforeCall: () => caller.abort('gone') }] })
      breaker.halfOpen()
      const call = breaker.run(() => assert.fail('ran'), { signal: caller.signal, callTimeout })
      assert.deepEqual(await stateOf(call), { error: 'gone' })
      assert.deepEqual([breaker.snapshot().inFlight, breaker.snapshot().ignored], [0, 1])
      assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
    })
  }
})

describe('S6: the time limit of one call', () => {
  let timers: ReturnType<typeof fakeTime>
  beforeEach(() => {
    timers = fakeTime()
  })
  afterEach(() => timers.uninstall())

  /** Whether the call has timed out after `ms` more milliseconds. */
  async function isOver(call: Promise<unknown>, ms: number): Promise<boolean> {
    const error = call.catch((reason: unknown) => reason)
    await timers.tickAsync(ms)
    return isCallTimeoutError(((await stateOf(error)) as { value?: unknown }).value)
  }

  for (const callTimeout of [undefined, 5_000, 50]) {
    it(`S6: replaces that of the breaker, which is ${callTimeout}`, async () => {
      const breaker = new CircuitBreaker({ callTimeout })
      let own: AbortSignal | undefined
      const call = breaker.run(
        ({ signal }) => {
          own = signal
          return endless()
        },
        { callTimeout: 100 },
      )
      assert.equal(await isOver(call, 99), false)
      assert.equal(await isOver(call, 1), true)
      const error = (await call.catch((reason: unknown) => reason)) as { timeout: number; kind: string }
      assert.deepEqual([error.timeout, error.kind, own?.reason === error], [100, 'call', true])
      assert.equal(breaker.failCounter, 1)
    })
  }

  it('S6: Infinity means none', async () => {
    const breaker = new CircuitBreaker({ callTimeout: 50 })
    const call = breaker.run(endless, { callTimeout: Infinity })
    assert.equal(timers.countTimers(), 0)
    assert.equal(await isOver(call, 1e6), false)
  })

  it('S6: may be longer than a timer can run', async () => {
    const callTimeout = 2 ** 31 + 1_000
    const call = new CircuitBreaker().run(endless, { callTimeout })
    assert.equal(await isOver(call, callTimeout - 1), false)
    assert.equal(await isOver(call, 1), true)
  })

  it('S6: is cleared as soon as the call ends', async () => {
    const task = deferred()
    const call = new CircuitBreaker().run(() => task.promise, { callTimeout: 1_000 })
    assert.equal(timers.countTimers(), 1)
    task.resolve('done')
    await call
    assert.equal(timers.countTimers(), 0)
  })

  for (const bad of [0, -1, NaN, -Infinity, '5', null, true]) {
    it(`S6: ${bad} is refused before a permit is taken`, async () => {
      const breaker = new CircuitBreaker()
      breaker.halfOpen()
      const { signal } = new AbortController()
      const call = breaker.run(() => assert.fail('ran'), { callTimeout: bad as number, signal })
      await assert.rejects(call, /^(TypeError|RangeError): Expected `callTimeout` to be a positive number/)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
      assert.ok(breaker.tryAcquire())
    })
  }
})

describe('S6: the signal of a task, once its call has ended', () => {
  it('S6: no longer follows the caller’s', async () => {
    const caller = new AbortController()
    let own: AbortSignal | undefined
    await new CircuitBreaker().run(({ signal }) => void (own = signal), {
      signal: caller.signal,
      callTimeout: 1_000,
    })
    caller.abort()
    assert.equal(own?.aborted, false)
  })

  it('S6: is the caller’s own without a time limit', async () => {
    const { signal } = new AbortController()
    assert.equal(await new CircuitBreaker().run((context) => context.signal, { signal }), signal)
  })
})
