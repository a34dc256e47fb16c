import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  CircuitBreakerError,
  CircuitBreakerState,
  exponentialBackoff,
  failureCount,
  isAbortError,
  never,
  slowCallRate,
} from '../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../src/testing/index.ts'
import { fail, succeed } from '../helpers/calls.ts'
import { fakeTime } from '../helpers/wall-clock.ts'

describe('the options and their defaults', () => {
  it('a breaker without options has all the defaults', () => {
    const { name, trip, clock, random, ...rest } = new CircuitBreaker().options
    assert.match(name, /^anonymous-\d+$/)
    assert.equal(random, Math.random)
    assert.equal(typeof clock.now(), 'number')
    assert.ok(trip)
    assert.deepEqual(rest, {
      failMax: 5,
      timeoutDuration: 60_000,
      exclude: [],
      classifyError: undefined,
      classifyResult: undefined,
      callTimeout: Infinity,
      halfOpen: { calls: 1, successes: 1, concurrent: 1 },
      probeTimeout: 60_000,
      attemptDecay: 0,
      errorOnTrip: false,
      onListenerError: undefined,
      mode: 'enforce',
    })
  })

  it('an undefined option counts as left out', () => {
    const names = ['name', 'failMax', 'timeoutDuration', 'trip', 'exclude', 'classifyError', 'classifyResult']
    names.push('callTimeout', 'halfOpen', 'probeTimeout', 'attemptDecay', 'errorOnTrip', 'listeners')
    names.push('onListenerError', 'mode', 'restore', 'clock', 'random')
    const given = Object.fromEntries(names.map((name) => [name, undefined]))
    const { name: _, trip: _trip, ...options } = new CircuitBreaker(given).options
    const { name: __, trip: _rule, ...defaults } = new CircuitBreaker().options
    assert.deepEqual(options, defaults)
  })

  it('undefined and no options are the same', () => {
    assert.equal(new CircuitBreaker(undefined).options.failMax, 5)
  })

  it('failMax trips at that many failures in a row, 5 by default', () => {
    for (const [failMax, needed] of [
      [undefined, 5],
      [1, 1],
      [7, 7],
    ] as const) {
      const breaker = new CircuitBreaker({ failMax })
      fail(breaker, needed - 1)
      assert.equal(breaker.state, 'closed')
      fail(breaker)
      assert.equal(breaker.state, 'open')
    }
  })

  it('the states have names', () => {
    assert.deepEqual(CircuitBreakerState, {
      CLOSED: 'closed',
      OPEN: 'open',
      HALF_OPEN: 'half-open',
      ISOLATED: 'isolated',
    })
  })
})

describe('name', () => {
  it('is any string, also the empty one', () => {
    for (const name of ['payments', '', ' ', '💥', '__proto__'])
      assert.equal(new CircuitBreaker({ name }).name, name)
  })

  it('is anonymous with a unique number where it is left out', () => {
    const names = [1, 2, 3].map(() => new CircuitBreaker().name)
    for (const name of names) assert.match(name, /^anonymous-\d+$/)
    assert.equal(new Set(names).size, 3)
  })

  it('uses up no number where it is given', () => {
    const number = (name: string): number => Number(name.split('-')[1])
    const before = number(new CircuitBreaker().name)
    assert.equal(new CircuitBreaker({ name: 'own' }).name, 'own')
    assert.equal(number(new CircuitBreaker().name), before + 1)
  })
})

describe('halfOpen', () => {
  it('calls defaults to successes and vice versa, concurrent to calls', () => {
    const resolve = (halfOpen: object): object => new CircuitBreaker({ halfOpen }).options.halfOpen
    assert.deepEqual(resolve({}), { calls: 1, successes: 1, concurrent: 1 })
    assert.deepEqual(resolve({ calls: 4 }), { calls: 4, successes: 4, concurrent: 4 })
    assert.deepEqual(resolve({ successes: 3 }), { calls: 3, successes: 3, concurrent: 3 })
    assert.deepEqual(resolve({ calls: 4, successes: 2 }), { calls: 4, successes: 2, concurrent: 4 })
    assert.deepEqual(resolve({ calls: 4, concurrent: 2 }), { calls: 4, successes: 4, concurrent: 2 })
    assert.deepEqual(resolve({ concurrent: 1, successes: 2 }), { calls: 2, successes: 2, concurrent: 1 })
    assert.deepEqual(resolve({ calls: undefined, successes: 2 }), { calls: 2, successes: 2, concurrent: 2 })
  })
})

describe('probeTimeout', () => {
  it('is the largest of 30,000, timeoutDuration if a number, and callTimeout if finite', () => {
    const lease = (options: object): number => new CircuitBreaker(options).options.probeTimeout
    assert.equal(lease({ timeoutDuration: 5 }), 30_000)
    assert.equal(lease({ timeoutDuration: 45_000 }), 45_000)
    assert.equal(lease({ timeoutDuration: 5, callTimeout: 50_000 }), 50_000)
    assert.equal(lease({ timeoutDuration: 70_000, callTimeout: 50_000 }), 70_000)
    assert.equal(lease({ timeoutDuration: 5, callTimeout: Infinity }), 30_000)
    assert.equal(lease({ timeoutDuration: exponentialBackoff({ initial: 90_000 }) }), 30_000)
    assert.equal(lease({ timeoutDuration: 90_000, probeTimeout: 3 }), 3)
    assert.equal(lease({ probeTimeout: Infinity }), Infinity)
  })

  it('Infinity turns the lease off: a probe may take forever', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, probeTimeout: Infinity })
    breaker.halfOpen()
    const probe = breaker.acquire()
    clock.advance(1e15)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 1_000)
    assert.throws(() => breaker.acquire(), { reason: 'half-open', retryAfter: 1_000 })
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })
})

describe('exclude and the classifiers', () => {
  class DomainError extends Error {}
  class NotFound extends DomainError {}
  /** A class that is not an error, as some libraries throw. */
  class Redirect {}
  function LegacyError(this: Error): void {}
  LegacyError.prototype = Object.create(Error.prototype) as Error

  const ignores = (breaker: CircuitBreaker, error: unknown): boolean => {
    const { ignored } = breaker.snapshot()
    breaker.acquire().failure(error)
    return breaker.snapshot().ignored === ignored + 1
  }

  it('classes ignore their instances and those of their subclasses', () => {
    const breaker = new CircuitBreaker({ failMax: 99, exclude: [DomainError, Redirect] })
    assert.ok(ignores(breaker, new DomainError()))
    assert.ok(ignores(breaker, new NotFound()))
    assert.ok(ignores(breaker, new Redirect()))
    assert.ok(!ignores(breaker, new Error('down')))
    assert.ok(!ignores(breaker, {}))
    assert.equal(breaker.failCounter, 2)
  })

  it('Error itself is a class, and so is a function that inherits from it', () => {
    const all = new CircuitBreaker({ exclude: [Error] })
    assert.ok(ignores(all, new TypeError('any')))
    assert.ok(!ignores(all, 'a string'))
    const legacy = new CircuitBreaker({ exclude: [LegacyError as unknown as new () => Error] })
    assert.ok(ignores(legacy, Object.create(LegacyError.prototype)))
    assert.ok(!ignores(legacy, new Error('down')))
  })

  it('predicates decide what is ignored, of whatever kind', () => {
    const breaker = new CircuitBreaker({ failMax: 99, exclude: [(error) => error === 404, isAbortError] })
    assert.ok(ignores(breaker, 404))
    assert.ok(ignores(breaker, new DOMException('aborted', 'AbortError')))
    assert.ok(!ignores(breaker, 500))
    assert.ok(!ignores(breaker, undefined))
  })

  it('exclude is asked first, then classifyError for the other errors', () => {
    const asked: unknown[] = []
    const breaker = new CircuitBreaker({
      failMax: 99,
      exclude: [DomainError],
      classifyError: (error) => {
        asked.push(error)
        return error === 'fine' ? 'success' : error === 'skip' ? 'ignored' : undefined
      },
    })
    breaker.acquire().failure(new DomainError())
    for (const error of ['fine', 'skip', 'bad']) breaker.acquire().failure(error)
    assert.deepEqual(asked, ['fine', 'skip', 'bad'])
    const { counts, ignored } = breaker.snapshot()
    assert.deepEqual({ ignored, ...counts }, { ignored: 2, calls: 2, successes: 1, failures: 1, slow: 0 })
  })

  it('an error that counts as success still reaches the caller', async () => {
    const breaker = new CircuitBreaker({ classifyError: () => 'success' })
    const error = new Error('expected')
    await assert.rejects(
      breaker.call(() => Promise.reject(error)),
      (thrown) => thrown === error,
    )
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('classifyResult classifies results, and a failing one is still returned', async () => {
    const breaker = new CircuitBreaker({
      failMax: 2,
      classifyResult: (value) => (value === 503 ? 'failure' : value === 404 ? 'ignored' : undefined),
    })
    assert.equal(await breaker.call(() => 503), 503)
    assert.equal(await breaker.call(async () => 404), 404)
    assert.equal(
      breaker.callSync(() => 503),
      503,
    )
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().ignored, 1)
  })
})

describe('errorOnTrip', () => {
  const down = new Error('down')
  const make = (failMax = 2): CircuitBreaker =>
    new CircuitBreaker({
      name: 'b',
      failMax,
      errorOnTrip: true,
      timeoutDuration: 500.5,
      clock: new ManualClock(),
    })
  const isTrip = (error: unknown): boolean =>
    error instanceof CircuitBreakerError &&
    error.cause === down &&
    error.reason === 'open' &&
    error.retryAfter === 501 &&
    error.breaker === 'b'

  it('only the call that trips the circuit gets the error, with its own as the cause', async () => {
    const breaker = make()
    await assert.rejects(
      breaker.call(() => Promise.reject(down)),
      (error) => error === down,
    )
    await assert.rejects(
      breaker.call(() => Promise.reject(down)),
      isTrip,
    )
    assert.equal(breaker.state, 'open')
  })

  it('holds for every way to call', async () => {
    const boom = (): number => {
      throw down
    }
    assert.throws(() => make(1).callSync(boom), isTrip)
    assert.throws(() => make(1).wrapSync(boom)(), isTrip)
    await assert.rejects(make(1).wrap(boom)(), isTrip)
    await assert.rejects(make(1).run(boom), isTrip)
    assert.throws(
      () => [
        ...make(1).wrap(function* () {
          yield boom()
        })(),
      ],
      isTrip,
    )
    const seen: unknown[] = []
    await make(1).run(boom, { fallback: (error) => seen.push(error) })
    assert.ok(isTrip(seen[0]))
  })

  it('holds for the probe that opens the circuit again', async () => {
    const breaker = make()
    breaker.halfOpen()
    await assert.rejects(
      breaker.call(() => Promise.reject(down)),
      isTrip,
    )
  })

  it('a failing result that trips is still returned', async () => {
    const breaker = new CircuitBreaker({ failMax: 1, errorOnTrip: true, classifyResult: () => 'failure' })
    assert.equal(await breaker.call(() => 503), 503)
    assert.equal(breaker.state, 'open')
  })

  it('is off by default', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    await assert.rejects(
      breaker.call(() => Promise.reject(down)),
      (error) => error === down,
    )
  })
})

describe('the rest', () => {
  it('random is the source of jitter', () => {
    const clock = new ManualClock()
    const timeoutDuration = exponentialBackoff({ initial: 1_000, jitter: 'full' })
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration, random: () => 0.25 })
    fail(breaker)
    assert.equal(breaker.retryAfter, 250)
  })

  it('callTimeout Infinity is none, and one beyond the limit of timers does not fire early', async () => {
    const time = fakeTime()
    try {
      for (const callTimeout of [Infinity, 2 ** 31, 2 ** 40]) {
        const breaker = new CircuitBreaker({ callTimeout })
        const dependency = new ScriptedDependency<string>(['hang'])
        const call = breaker.call(dependency.call)
        await time.tickAsync(2 ** 31 - 1)
        dependency.hanging[0]?.resolve('in time')
        assert.equal(await call, 'in time')
      }
    } finally {
      time.uninstall()
    }
  })

  it('trip sets a rule, and failMax is then unset', () => {
    const trip = failureCount({ count: 2, lastCalls: 4 })
    const { options } = new CircuitBreaker({ trip })
    assert.equal(options.trip, trip)
    assert.equal(options.failMax, undefined)
  })

  it('a slow-call limit may be as long as callTimeout', () => {
    const trip = slowCallRate({ threshold: 1, slowerThan: 1_000, lastCalls: 5 })
    assert.equal(new CircuitBreaker({ callTimeout: 1_000, trip }).options.callTimeout, 1_000)
  })

  it('with the rule never the circuit opens only manually', () => {
    const breaker = new CircuitBreaker({ trip: never() })
    fail(breaker, 1_000)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.open(), true)
  })

  it('the counts of the default rule are those since the state began', () => {
    const breaker = new CircuitBreaker()
    succeed(breaker, 3)
    fail(breaker)
    assert.deepEqual(breaker.snapshot().counts, { calls: 4, successes: 3, failures: 1, slow: 0 })
    assert.equal(breaker.snapshot().failureRate, 0.25)
  })
})
