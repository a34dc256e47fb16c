import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import {
  CircuitBreaker,
  exponentialBackoff,
  failureRate,
  honorRetryAfter,
  slowCallRate,
  type CircuitBreakerListener,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { eventsOf, narrator } from '../../helpers/events.ts'
import { hostile, thenable, trap } from '../../helpers/hostile.ts'
import { runProgram } from '../../helpers/program.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'
import { rejectionOf } from '../../helpers/rejection.ts'

/** A breaker, and the list of errors that it reports. */
function make(options: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; reported: unknown[] } {
  const reported: unknown[] = []
  const onListenerError = (error: unknown): unknown => reported.push(error)
  return { breaker: new CircuitBreaker({ onListenerError, ...options }), reported }
}

/** Behaviors that are no valid answer of a classifier or predicate. */
const badAnswers = {
  ...hostile,
  'answers with a promise of true': () => Promise.resolve(true),
  'answers with a promise that never ends': () => new Promise(() => {}),
  'answers with an object': () => ({}),
}

describe('S8: hostile classifiers', () => {
  const kinds: Record<string, (code: () => unknown) => CircuitBreakerOptions> = {
    'a predicate': (code) => ({ exclude: [code as () => boolean] }),
    'a class with hasInstance': (code) => ({
      exclude: [Object.defineProperty(class {}, Symbol.hasInstance, { value: code })],
    }),
    classifyError: (code) => ({ classifyError: code as () => undefined }),
    classifyResult: (code) => ({ classifyResult: code as () => undefined }),
  }
  for (const [kind, options] of Object.entries(kinds)) {
    // `instanceof` converts any answer to a boolean, so only a thrown error is visible.
    const behaviors = Object.entries(badAnswers).filter(
      ([behavior]) => !kind.startsWith('a class') || behavior.startsWith('throws'),
    )
    for (const [behavior, code] of behaviors) {
      it(`S8: ${kind} that ${behavior} leaves it to the default and is reported, and the caller gets its own result`, async () => {
        const { breaker, reported } = make({ failMax: 2, ...options(code) })
        const error = new Error('own')
        const judgesErrors = kind !== 'classifyResult'
        const value = { own: true }
        const call = breaker.call(() => (judgesErrors ? Promise.reject(error) : value))
        assert.deepEqual(await stateOf(call), judgesErrors ? { error } : { value })
        const { counts, ignored, inFlight, failCounter } = breaker.snapshot()
        assert.deepEqual(
          { calls: counts.calls, ignored, inFlight, failCounter },
          { calls: 1, ignored: 0, inFlight: 0, failCounter: judgesErrors ? 1 : 0 },
        )
        assert.equal(reported.length, 1)
        if (!judgesErrors) return
        await stateOf(breaker.call(() => Promise.reject(error)))
        assert.equal(breaker.state, 'open', 'it does not blind the breaker')
      })
    }
  }

  for (const answer of ['maybe', '', 0, true, null, Symbol('s')]) {
    it(`S8: a classifier that answers ${String(answer)} (${typeof answer}) leaves it to the default and is reported`, () => {
      const classify = (): never => answer as never
      const { breaker, reported } = make({ classifyResult: classify, classifyError: classify })
      breaker.acquire().success('value')
      breaker.acquire().failure(new Error('down'))
      const { ignored, counts } = breaker.snapshot()
      assert.deepEqual({ ignored, ...counts }, { ignored: 0, calls: 2, successes: 1, failures: 1, slow: 0 })
      assert.equal(reported.length, 2)
      for (const each of reported) assert.ok(each instanceof TypeError)
    })
  }

  it('S8: entries of `exclude` after one that throws are still asked, and then the classifier', () => {
    const asked: string[] = []
    const { breaker, reported } = make({
      exclude: [
        hostile['throws an error'],
        RangeError,
        (error) => (asked.push('predicate'), hostile.rejects() as never) || error === 404,
        hostile['throws an error'],
        (error) => error === 404,
      ],
      classifyError: (error) => {
        asked.push('classifyError')
        return error === 'fine' ? 'success' : undefined
      },
    })
    breaker.acquire().failure(new RangeError('excluded'))
    assert.equal(breaker.snapshot().ignored, 1)
    assert.deepEqual([asked.splice(0), reported.splice(0).length], [[], 1])
    breaker.acquire().failure(404)
    assert.equal(breaker.snapshot().ignored, 2)
    assert.deepEqual([asked.splice(0), reported.splice(0).length], [['predicate'], 3])
    breaker.acquire().failure('fine')
    assert.equal(breaker.snapshot().counts.successes, 1)
    breaker.acquire().failure(new Error('down'))
    assert.equal(breaker.failCounter, 1)
    assert.deepEqual(asked, ['predicate', 'classifyError', 'predicate', 'classifyError'])
    assert.equal(reported.length, 6)
  })

  const OUTAGE: Record<string, unknown> = {
    'an error without a response': new Error('ECONNREFUSED'),
    'an error of another realm': runInNewContext("new Error('ECONNREFUSED')"),
    undefined,
    null: null,
  }
  const BLIND: Record<string, CircuitBreakerOptions> = {
    'a predicate': {
      exclude: [(error) => (error as { response: { status: number } }).response.status === 404],
    },
    'a predicate of another realm': {
      exclude: [runInNewContext('(error) => error.response.status === 404') as () => boolean],
    },
    'an async predicate of another realm': {
      exclude: [runInNewContext('async (error) => error.response.status === 404') as () => boolean],
    },
    'a classifier': {
      classifyError: (error) =>
        (error as { response: { status: number } }).response.status < 500 ? 'ignored' : 'failure',
    },
  }
  for (const [title, options] of Object.entries(BLIND)) {
    it(`S8: ${title} that reads what an outage does not bring hides no outage`, async () => {
      for (const error of Object.values(OUTAGE)) {
        const { breaker, reported } = make({ failMax: 5, ...options })
        for (let i = 0; i < 50; i++) await breaker.call(() => Promise.reject(error)).catch(() => {})
        assert.equal(breaker.state, 'open')
        assert.equal(reported.length, 5)
      }
    })
  }

  it('S8: a classifier that throws for a probe lets the default decide', () => {
    const broken = hostile['throws an error']
    const { breaker } = make({ classifyResult: broken, classifyError: broken })
    breaker.halfOpen()
    assert.equal(breaker.acquire().success('value'), true)
    assert.equal(breaker.state, 'closed')
    breaker.halfOpen()
    assert.equal(breaker.acquire().failure(new Error('down')), true)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().ignored, 0)
  })

  it('S8: a classifier that throws for one call still classifies the next', () => {
    let calls = 0
    const { breaker } = make({
      failMax: 1,
      classifyError: () => {
        if (calls++ === 0) throw new Error('hostile')
        return 'ignored'
      },
    })
    breaker.acquire().failure(new Error('down'))
    assert.equal(breaker.state, 'open')
    breaker.close()
    breaker.acquire().failure(new Error('down'))
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().ignored, 1)
  })
})

describe('S8: hostile listeners', () => {
  /** Makes a breaker emit every event of its mode. */
  function emitAll(breaker: CircuitBreaker): void {
    succeed(breaker)
    breaker.acquire().ignore()
    const late = breaker.acquire()
    fail(breaker, 2)
    breaker.tryAcquire()
    late.success()
  }
  const lives: Record<string, string[]> = {
    enforce: ['beforeCall', 'success', 'beforeCall', 'ignored', 'beforeCall', 'beforeCall', 'failure'].concat(
      ['beforeCall', 'failure', 'closed > open', 'rejected', 'late'],
    ),
    observe: ['beforeCall', 'success', 'beforeCall', 'ignored', 'beforeCall', 'beforeCall', 'failure'].concat(
      ['beforeCall', 'failure', 'wouldTrip', 'beforeCall', 'success'],
    ),
  }
  for (const [behavior, code] of Object.entries(hostile)) {
    for (const mode of ['enforce', 'observe'] as const) {
      it(`S8: a listener that ${behavior} at every event changes nothing and stops no other listener, in mode ${mode}`, async () => {
        const { breaker, reported } = make({ failMax: 2, mode, clock: new ManualClock() })
        breaker.addListener(narrator(code))
        const seen = eventsOf(breaker)
        breaker.addListener(narrator(code))
        emitAll(breaker)
        assert.deepEqual(seen, lives[mode])
        assert.equal(breaker.state, mode === 'enforce' ? 'open' : 'closed')
        await nextTick()
        assert.equal(reported.length, 2 * lives[mode]!.length)
      })
    }
  }

  it('S8: the promise of a listener is not awaited, and is no error', async () => {
    const { breaker, reported } = make({ listeners: [narrator(() => new Promise(() => {}))] })
    assert.equal(await breaker.call(() => 1), 1)
    assert.deepEqual(reported, [])
  })

  it('S8: a hook that is a getter and throws later is reported, and the call has its result', async () => {
    const { value, arm } = trap<CircuitBreakerListener>({ success: () => 0, beforeCall: () => 0 })
    const { breaker, reported } = make({ listeners: [value] })
    arm()
    assert.deepEqual(await stateOf(breaker.call(() => 'value')), { value: 'value' })
    assert.equal(
      breaker.callSync(() => 2),
      2,
    )
    breaker.acquire().success()
    assert.equal(breaker.snapshot().inFlight, 0)
    assert.equal(reported.length, 6)
  })

  it('S8: a hook that is removed later is skipped', () => {
    const listener: { success: (() => unknown) | undefined } = { success: () => 0 }
    const { breaker, reported } = make({ listeners: [listener] })
    listener.success = undefined
    succeed(breaker)
    assert.deepEqual(reported, [])
  })

  it('S8: a listener that throws while another operation goes on inside of it loses no event', () => {
    const { breaker } = make({ failMax: 1 })
    const seen: string[] = []
    breaker.addListener({
      failure: () => {
        breaker.tryAcquire()
        throw new Error('hostile')
      },
    })
    breaker.addListener(narrator((what) => seen.push(what)))
    fail(breaker)
    assert.deepEqual(seen, ['beforeCall', 'failure', 'closed > open', 'rejected'])
  })
})

describe('S8: hostile clocks', () => {
  const badClocks: Record<string, () => unknown> = {
    ...hostile,
    'answers with NaN': () => NaN,
    'answers with Infinity': () => Infinity,
    'answers with a string': () => '5',
    'answers with a bigint': () => 5n,
    'answers with nothing': () => undefined,
    'answers with a promise': () => Promise.resolve(5),
  }
  for (const [behavior, code] of Object.entries(badClocks)) {
    it(`S8: a clock that ${behavior} is reported, changes no result and wedges nothing`, async () => {
      const { breaker, reported } = make({
        clock: { now: code as () => number },
        trip: slowCallRate({ threshold: 1, minCalls: 2, slowerThan: 10, window: 1_000 }),
        listeners: [{ success: () => 0 }],
      })
      assert.deepEqual(await stateOf(breaker.call(() => 'value')), { value: 'value' })
      const error = new Error('own')
      assert.deepEqual(await stateOf(breaker.call(() => Promise.reject(error))), { error })
      assert.equal(
        breaker.callSync(() => 3),
        3,
      )
      breaker.open({ for: 1_000 })
      assert.equal(breaker.retryAfter, 1_000)
      assert.equal(breaker.tryAcquire(), undefined)
      breaker.halfOpen()
      succeed(breaker)
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.snapshot().inFlight, 0)
      assert.ok(reported.length > 0)
      await nextTick()
    })
  }

  it('S8: a clock that fails for a while stops time, which then continues from there', () => {
    const clock = new ManualClock(1e6)
    let broken = false
    const { breaker, reported } = make({
      clock: { now: () => (broken ? hostile['throws an error']() : clock.now()) },
    })
    breaker.open({ for: 1_000 })
    clock.advance(400)
    assert.equal(breaker.retryAfter, 600)
    broken = true
    assert.equal(breaker.retryAfter, 600)
    assert.equal(reported.length, 1)
    broken = false
    clock.advance(600)
    assert.equal(breaker.state, 'half-open')
  })

  it('S8: a clock that throws while a probe settles still lets it settle', () => {
    let broken = false
    const { breaker } = make({ clock: { now: () => (broken ? hostile['throws an error']() : 5) } })
    breaker.halfOpen()
    const probe = breaker.acquire()
    broken = true
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })
})

const asyncNumber = (): unknown => Promise.resolve(5)

describe('S8: hostile open times and randomness', () => {
  const trip = (options: CircuitBreakerOptions): { retryAfter: number; reported: unknown[] } => {
    const { breaker, reported } = make({ failMax: 1, clock: new ManualClock(), ...options })
    fail(breaker)
    assert.equal(breaker.state, 'open')
    return { retryAfter: breaker.retryAfter, reported }
  }
  for (const [behavior, code] of Object.entries({ ...hostile, 'answers with a promise': asyncNumber })) {
    const bad = code as () => number
    it(`S8: a timeoutDuration that ${behavior} is reported and opens for 60,000 ms`, async () => {
      const { retryAfter, reported } = trip({ timeoutDuration: bad })
      assert.equal(retryAfter, 60_000)
      assert.equal(reported.length, 1)
      await nextTick()
    })

    it(`S8: a base of honorRetryAfter that ${behavior} is reported and opens for 60,000 ms`, async () => {
      const { retryAfter, reported } = trip({ timeoutDuration: honorRetryAfter(bad) })
      assert.equal(retryAfter, 60_000)
      assert.equal(reported.length, 1)
      await nextTick()
    })

    it(`S8: a random that ${behavior} is reported and opens for 60,000 ms`, async () => {
      const timeoutDuration = exponentialBackoff({ initial: 100 })
      const { retryAfter, reported } = trip({ timeoutDuration, random: bad })
      assert.equal(retryAfter, 60_000)
      assert.equal(reported.length, 1)
      await nextTick()
    })
  }
})

describe('S8: hostile errors, results and functions', () => {
  const hostileThing = new Proxy(() => {}, {
    get: hostile['throws an error'],
    has: hostile['throws an error'],
    getPrototypeOf: hostile['throws an error'],
  })

  it('S8: an error that throws when it is inspected still reaches the caller, and counts', async () => {
    const { breaker } = make({ failMax: 1 })
    let thrown: unknown
    const hostileCall = (): never => {
      throw hostileThing
    }
    await breaker.call(hostileCall).catch((error: unknown) => void (thrown = error))
    assert.ok(thrown === hostileThing)
    assert.equal(breaker.state, 'open')
    assert.equal(typeof breaker.snapshot().lastFailure?.message, 'string')
    const { cause } = rejectionOf(breaker)
    assert.ok(cause instanceof Error && cause !== (hostileThing as unknown))
    assert.equal(cause.message, breaker.snapshot().lastFailure?.message)
  })

  for (const part of ['name', 'message', Symbol.toStringTag] as const) {
    it(`S8: an error whose ${String(part)} throws still reaches the caller, and counts`, async () => {
      const { breaker } = make({ failMax: 1 })
      const error = Object.defineProperty(new Error('own'), part, { get: hostile['throws an error'] })
      const thrown = await breaker.call(() => Promise.reject(error)).catch((it: unknown) => it)
      assert.ok(thrown === error)
      assert.equal(breaker.state, 'open')
      assert.equal(typeof breaker.snapshot().lastFailure?.name, 'string')
    })
  }

  it('S8: a result whose toStringTag throws is a success', async () => {
    const { breaker, reported } = make()
    const value = Object.defineProperty({}, Symbol.toStringTag, { get: hostile['throws an error'] })
    assert.ok((await breaker.call(() => value)) === value)
    assert.ok((await breaker.run(() => value, { signal: new AbortController().signal })) === value)
    assert.ok(breaker.callSync(() => value) === value)
    assert.equal(breaker.snapshot().counts.successes, 3)
    assert.deepEqual(reported, [])
  })

  for (const way of WAYS) {
    it(`S8: a result whose then throws is a rejection and a failure, by ${way.name}`, async () => {
      const breaker = breakerFor(way)
      const error = new Error('own')
      const readThen = (): never => {
        throw error
      }
      const result = thenable({ get: readThen })
      await assert.rejects(
        way.call(breaker, () => result),
        (thrown) => thrown === error,
      )
      assert.equal(breaker.snapshot().counts.failures, 1)
      assert.equal(breaker.snapshot().inFlight, 0)
    })
  }

  it('S8: a function whose properties throw when read is called as usual, or rejects', async () => {
    const { breaker } = make()
    const fn = new Proxy(() => 'value', { get: hostile['throws an error'] })
    assert.deepEqual(await stateOf(breaker.call(fn)), { value: 'value' })
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})

describe('S8: all of it at once', () => {
  const { emitWarning } = process
  beforeEach(() => void (process.emitWarning = () => {}))
  afterEach(() => void (process.emitWarning = emitWarning))

  for (const [behavior, code] of Object.entries(hostile)) {
    for (const way of WAYS) {
      it(`S8: where all user code ${behavior}, a call by ${way.name} gets its result and leaves no permit taken`, async () => {
        const breaker = breakerFor(way, {
          trip: failureRate({ threshold: 0.5, minCalls: 1, window: 1_000 }),
          clock: { now: code as () => number },
          random: code as () => number,
          timeoutDuration: code as () => number,
          exclude: [code as () => boolean],
          classifyError: code as () => undefined,
          classifyResult: code as () => undefined,
          listeners: [narrator(code)],
          onListenerError: code,
        })
        const value = { own: true }
        const error = new Error('own')
        assert.deepEqual(await stateOf(way.call(breaker, () => value)), { value })
        const end = await stateOf(way.call(breaker, () => Promise.reject(error)))
        if (!way.options.errorOnTrip) assert.deepEqual(end, { error })
        else assert.ok(typeof end === 'object' && 'error' in end && (end.error as Error).cause === error)
        const { inFlight, ignored } = breaker.snapshot()
        assert.deepEqual({ inFlight, ignored }, { inFlight: 0, ignored: 0 })
        assert.equal(breaker.state, way.options.mode === 'observe' ? 'closed' : 'open')
      })
    }
  }

  it('S8: none of it exits the process: no rejection of user code is left unhandled', async () => {
    const file = join(import.meta.dirname, 'programs/hostile-user-code.ts')
    assert.deepEqual(JSON.parse(await runProgram(file, ['--no-warnings'])), {
      results: [1, 'down', 'open'],
      unhandled: [],
    })
  })
})

/** Returns the cause of the error with which an open circuit rejects a call. */
