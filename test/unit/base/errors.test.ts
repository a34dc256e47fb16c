import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  CallTimeoutError,
  CircuitBreaker,
  CircuitBreakerError,
  isAbortError,
  isCallTimeoutError,
  FailedResultError,
  findCircuitBreakerError,
  isCircuitBreakerError,
  isFailedResultError,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { anotherCopy } from '../../helpers/another-copy.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'
import { rejectionOf } from '../../helpers/rejection.ts'

const down = new Error('down')

function make(options: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock()
  return {
    clock,
    breaker: new CircuitBreaker({ name: 'payments', clock, failMax: 1, timeoutDuration: 1_000, ...options }),
  }
}

/** Values that are not errors of this library. */
const others: unknown[] = [
  undefined,
  null,
  0,
  '',
  'CIRCUIT_OPEN',
  Symbol('s'),
  {},
  [],
  () => {},
  down,
  new TypeError(),
]
others.push(
  { code: 'CIRCUIT_OPEN', name: 'CircuitBreakerError' },
  { code: 'CALL_TIMEOUT', name: 'CallTimeoutError' },
)

describe('CircuitBreakerError', () => {
  it('is an error with a name, a code and the facts of the rejection', () => {
    const { breaker, clock } = make()
    breaker.acquire().failure(down)
    clock.advance(250)
    const error = rejectionOf(breaker)
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'CircuitBreakerError')
    assert.equal(error.code, 'CIRCUIT_OPEN')
    assert.equal(error.breaker, 'payments')
    assert.equal(error.reason, 'open')
    assert.equal(error.retryAfter, 750)
    assert.equal((error.cause as Error).message, down.message)
    assert.match(String(error), /^CircuitBreakerError: .*payments/)
  })

  it('names the state that rejected the call', () => {
    const { breaker } = make()
    breaker.open()
    assert.equal(rejectionOf(breaker).reason, 'open')
    breaker.isolate()
    assert.equal(rejectionOf(breaker).reason, 'isolated')
    breaker.halfOpen()
    breaker.acquire()
    assert.equal(rejectionOf(breaker).reason, 'half-open')
  })

  it('is the same for every way to call', async () => {
    const { breaker } = make()
    breaker.open()
    const expected = { name: 'CircuitBreakerError', code: 'CIRCUIT_OPEN', reason: 'open', retryAfter: 1_000 }
    const never = (): number => assert.fail('ran')
    await assert.rejects(breaker.call(never), expected)
    await assert.rejects(breaker.run(never), expected)
    await assert.rejects(breaker.wrap(never)(), expected)
    assert.throws(() => breaker.callSync(never), expected)
    assert.throws(() => breaker.wrapSync(never)(), expected)
    assert.throws(() => breaker.acquire(), expected)
    assert.equal(breaker.tryAcquire(), undefined)
  })

  it('has whole milliseconds, rounded up', () => {
    const { breaker, clock } = make({ timeoutDuration: 10.5 })
    breaker.open()
    clock.advance(0.25)
    assert.equal(rejectionOf(breaker).retryAfter, 11)
  })

  it('while half-open, its retryAfter is the time to the end of the oldest lease', () => {
    const { breaker, clock } = make({
      probeTimeout: 500,
      halfOpen: { calls: 3, successes: 1, concurrent: 2 },
    })
    breaker.halfOpen()
    breaker.acquire()
    clock.advance(100)
    breaker.acquire()
    clock.advance(100)
    assert.equal(rejectionOf(breaker).retryAfter, 300)
  })

  it('has a reopenTime that is fixed when the call is rejected', () => {
    const time = fakeTime()
    try {
      const { breaker } = make({ clock: undefined })
      breaker.open({ for: 5_000 })
      const error = rejectionOf(breaker)
      const reopens = Date.now() + 5_000
      time.tick(3_000)
      assert.equal(error.reopenTime?.getTime(), reopens)
      assert.equal(error.retryAfter, 5_000)
    } finally {
      time.uninstall()
    }
  })

  it('has no reopenTime where there is none, or none that a Date can hold', () => {
    const { breaker } = make()
    breaker.isolate()
    assert.equal(rejectionOf(breaker).retryAfter, Infinity)
    assert.equal(rejectionOf(breaker).reopenTime, undefined)
    breaker.open({ for: 1e17 })
    assert.equal(rejectionOf(breaker).retryAfter, 1e17)
    assert.equal(rejectionOf(breaker).reopenTime, undefined)
    assert.equal(breaker.reopenTime, undefined)
  })

  it('has as its cause the failure that opened the circuit, through the half-open period and the next opening', () => {
    const { breaker, clock } = make()
    breaker.acquire().failure(down)
    clock.advance(1_000)
    const probe = breaker.acquire()
    assert.equal((rejectionOf(breaker).cause as Error).message, 'down')
    probe.failure(new Error('worse'))
    assert.equal((rejectionOf(breaker).cause as Error).message, 'worse')
  })

  it('has the same cause each time, until the circuit opens anew', () => {
    const { breaker, clock } = make()
    breaker.acquire().failure(down)
    const { cause } = rejectionOf(breaker)
    assert.equal(rejectionOf(breaker).cause, cause)
    clock.advance(1_000)
    const probe = breaker.acquire()
    assert.equal(rejectionOf(breaker).cause, cause)
    probe.failure(down)
    assert.notEqual(rejectionOf(breaker).cause, cause)
  })

  /** Returns what describes the error in the rejections of the circuit that it opened. */
  const causeOf = (error: unknown): Error & { code?: unknown } => {
    const { breaker } = make()
    breaker.acquire().failure(error)
    const { cause } = rejectionOf(breaker)
    assert.ok(cause instanceof Error, 'no error')
    return cause
  }

  it('has as its cause an error with the name, the message, the code and the stack of the failure', () => {
    class QuotaError extends RangeError {
      override name = 'QuotaError'
      readonly code = 'E_QUOTA'
    }
    const error = new QuotaError('too many')
    const cause = causeOf(error)
    const { name, message, code, stack } = cause
    assert.deepEqual(
      { name, message, code, stack },
      { name: 'QuotaError', message: 'too many', code: 'E_QUOTA', stack: error.stack },
    )
    assert.equal(String(cause), 'QuotaError: too many')
    assert.deepEqual(
      Object.keys(cause).filter((key) => key !== 'code'),
      [],
    )
    assert.equal(causeOf(Object.assign(new Error('numbers are codes, too'), { code: 14 })).code, 14)
  })

  it('describes whatever was thrown', () => {
    const things: [unknown, string, RegExp][] = [
      ['text', 'string', /^text$/],
      ['', 'string', /^$/],
      [404, 'number', /^404$/],
      [null, 'object', /^null$/],
      [Symbol('s'), 'symbol', /^Symbol\(s\)$/],
      [{ name: 'Plain', message: 'no error' }, 'Plain', /^no error$/],
      [{ status: 503 }, 'undefined', /^undefined$/],
    ]
    for (const [thing, name, message] of things) {
      const cause = causeOf(thing)
      assert.equal(cause.name, name)
      assert.match(cause.message, message)
      assert.equal(cause.stack, `${name}: ${cause.message}`)
      assert.equal('code' in cause, false)
    }
  })

  it('never leads to the failure itself, nor to anything that it holds: they are another caller’s', () => {
    const headers = { authorization: 'Bearer secret' }
    const error = Object.assign(new Error('failed', { cause: headers }), {
      config: { headers },
      errors: [headers],
      code: headers,
      toJSON: () => headers,
      [Symbol('request')]: headers,
    })
    Object.setPrototypeOf(error, Object.create(Error.prototype, { response: { value: headers } }) as object)
    const { breaker } = make()
    breaker.acquire().failure(error)
    const seen = new Set<unknown>()
    const walk = (thing: unknown): void => {
      if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || seen.has(thing))
        return
      seen.add(thing)
      for (const key of Reflect.ownKeys(thing)) {
        const { value, get } = Object.getOwnPropertyDescriptor(thing, key) ?? {}
        walk(value)
        walk(get)
      }
      walk(Object.getPrototypeOf(thing))
    }
    walk(rejectionOf(breaker))
    assert.equal(seen.has(error), false)
    assert.equal(seen.has(headers), false)
    for (const shown of [inspect(rejectionOf(breaker), { depth: 9, showHidden: true }), inspect(breaker)])
      assert.doesNotMatch(shown, /secret/)
  })

  it('has a cause of capped text', () => {
    const long = 'x'.repeat(5_000_000)
    const error = Object.assign(new Error(long), { name: long, code: long, stack: long })
    const { name, message, code, stack } = causeOf(error)
    for (const text of [name, message, code, stack]) {
      assert.ok(typeof text === 'string' && text.length <= 2_000, String((text as string).length))
      assert.match(text, /^x+…$/)
    }
    assert.ok(causeOf(Object.assign(new Error(long))).stack!.length <= 2_000)
    assert.ok(causeOf(long).stack!.length <= 2_000)
    assert.ok(causeOf({ name: long, message: long }).stack!.length <= 2_000)
  })

  it('has a cause also where the failure throws when it is inspected', () => {
    const boom = (): never => {
      throw new Error('hostile')
    }
    for (const key of ['name', 'message', 'stack', 'code']) {
      const error = Object.defineProperty(new Error('own'), key, { get: boom })
      assert.equal(typeof causeOf(error).message, 'string', key)
    }
    const withCode = Object.defineProperty(new Error('own'), 'code', { get: boom })
    assert.equal(causeOf(withCode).stack, withCode.stack, 'what can be read is kept')
    for (const bad of [{}, 1, null, Symbol('s')]) {
      const cause = causeOf(Object.assign(new Error('own'), { stack: bad, code: bad }))
      assert.equal(cause.stack, 'Error: own')
      assert.equal(cause.code, typeof bad === 'number' ? bad : undefined)
    }
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const trapped = new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom, ownKeys: boom })
    for (const error of [proxy, trapped]) assert.equal(typeof causeOf(error).message, 'string')
  })

  it('has a cause that stays as it is when the failure changes', () => {
    const error = new Error('first')
    const { breaker } = make()
    breaker.acquire().failure(error)
    error.message = 'second'
    assert.equal((rejectionOf(breaker).cause as Error).message, 'first')
  })

  it('has the caller’s own error as its cause with errorOnTrip, and only for that caller', async () => {
    const { breaker } = make({ errorOnTrip: true })
    const error: unknown = await breaker.call(() => Promise.reject(down)).catch((it: unknown) => it)
    assert.ok(isCircuitBreakerError(error))
    assert.equal(error.cause, down)
    const { cause } = rejectionOf(breaker)
    assert.ok(cause instanceof Error)
    assert.notEqual(cause, down)
    assert.equal(cause.message, 'down')
  })

  it('releases its cause when the circuit closes', () => {
    const { breaker, clock } = make()
    breaker.acquire().failure(down)
    clock.advance(1_000)
    succeed(breaker)
    breaker.open()
    assert.equal('cause' in rejectionOf(breaker), false)
  })

  it('has no cause where no error opened the circuit', () => {
    const byResult = make({ classifyResult: () => 'failure' })
    byResult.breaker.acquire().success({ status: 503 })
    const byLease = make({ probeTimeout: 10 })
    byLease.breaker.halfOpen()
    byLease.breaker.acquire()
    byLease.clock.advance(10)
    for (const { breaker } of [byResult, byLease]) {
      assert.equal(breaker.state, 'open')
      assert.equal('cause' in rejectionOf(breaker), false)
    }
  })

  it('has its cause as a non-enumerable property, as built-in errors do', () => {
    const { breaker } = make()
    breaker.acquire().failure(down)
    const error = rejectionOf(breaker)
    assert.deepEqual(Object.getOwnPropertyDescriptor(error, 'cause')?.enumerable, false)
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      code: 'CIRCUIT_OPEN',
      breaker: 'payments',
      reason: 'open',
      scope: 'local',
      retryAfter: 1_000,
    })
  })
})

describe('CallTimeoutError', () => {
  it('is an error with a name, a code and the time that passed', async () => {
    const time = fakeTime()
    try {
      const breaker = new CircuitBreaker({ name: 'payments', callTimeout: 1_500 })
      const call = breaker.call(() => new Promise(() => {}))
      time.tick(1_500)
      const error: unknown = await call.catch((thrown: unknown) => thrown)
      assert.ok(error instanceof CallTimeoutError)
      assert.ok(error instanceof Error)
      const { name, code, timeout, message } = error
      assert.deepEqual(
        { name, code, timeout },
        { name: 'CallTimeoutError', code: 'CALL_TIMEOUT', timeout: 1_500 },
      )
      assert.match(message, /payments.*1500/)
    } finally {
      time.uninstall()
    }
  })
})

describe('the guards', () => {
  const { breaker } = make()
  fail(breaker)
  const open = rejectionOf(breaker)
  const timeout = new CallTimeoutError('payments', 5)

  it('recognize their own errors, and only those', () => {
    assert.equal(isCircuitBreakerError(open), true)
    assert.equal(isCallTimeoutError(timeout), true)
    for (const error of [...others, timeout]) assert.equal(isCircuitBreakerError(error), false)
    for (const error of [...others, open]) assert.equal(isCallTimeoutError(error), false)
  })

  it('recognize errors of subclasses', () => {
    class MyTimeout extends CallTimeoutError {}
    assert.equal(isCallTimeoutError(new MyTimeout('b', 1)), true)
  })

  for (const realm of ['this realm', 'another realm'] as const) {
    it(`recognize the errors of another copy in ${realm}, and that copy recognizes ours`, () => {
      const copy = anotherCopy(realm)
      assert.notEqual(copy.CircuitBreakerError, CircuitBreakerError)
      const foreign = new copy.CircuitBreaker({ name: 'foreign', clock: new ManualClock() })
      foreign.open({ for: 5_000 })
      const seen: unknown[] = []
      try {
        foreign.acquire()
      } catch (error) {
        seen.push(error)
      }
      const [error] = seen
      assert.equal(error instanceof CircuitBreakerError, false)
      assert.equal(error instanceof Error, realm === 'this realm')
      assert.ok(isCircuitBreakerError(error))
      assert.deepEqual([error.breaker, error.reason, error.retryAfter], ['foreign', 'open', 5_000])
      assert.equal(isCallTimeoutError(error), false)
      assert.equal(isCallTimeoutError(new copy.CallTimeoutError('b', 1)), true)
      assert.equal(copy.isCircuitBreakerError(open), true)
      assert.equal(copy.isCallTimeoutError(timeout), true)
    })

    it(`errors and rules of another copy in ${realm} are not taken for our own`, async () => {
      const copy = anotherCopy(realm)
      const foreign = new copy.CircuitBreaker()
      foreign.open()
      const ours = new CircuitBreaker({ clock: new ManualClock() })
      await assert.rejects(ours.call(() => foreign.call(() => 1)))
      assert.equal(ours.failCounter, 1)
      assert.throws(() => new CircuitBreaker({ trip: copy.consecutiveFailures(2) }), TypeError)
    })

    it(`exclude takes the errors and classes of another copy in ${realm}`, () => {
      const copy = anotherCopy(realm)
      const ours = new CircuitBreaker({ exclude: [copy.CallTimeoutError, isCircuitBreakerError] })
      ours.acquire().failure(new copy.CallTimeoutError('b', 1))
      ours.acquire().failure(open)
      assert.equal(ours.snapshot().ignored, 2)
    })

    it(`a guarded function of another copy in ${realm} gets a guard of its own from ours`, async () => {
      const copy = anotherCopy(realm)
      const [foreign, ours] = [new copy.CircuitBreaker(), new CircuitBreaker()]
      assert.equal(await ours.call(foreign.wrap(() => 1)), 1)
      assert.equal(foreign.snapshot().counts.calls, 1)
      assert.equal(ours.snapshot().counts.calls, 1)
    })
  }

  it('the error of another breaker is a failure, unless it is excluded', async () => {
    const outer = new CircuitBreaker()
    const choosy = new CircuitBreaker({ exclude: [isCircuitBreakerError] })
    for (const each of [outer, choosy]) await assert.rejects(each.call(() => breaker.call(() => 1)))
    assert.equal(outer.failCounter, 1)
    assert.equal(choosy.failCounter, 0)
    assert.equal(choosy.snapshot().ignored, 1)
  })
})

describe('isAbortError', () => {
  it('recognizes what aborted operations throw', async () => {
    const { signal } = new AbortController()
    const controller = new AbortController()
    controller.abort()
    assert.equal(isAbortError(controller.signal.reason), true)
    assert.equal(isAbortError(new DOMException('m', 'AbortError')), true)
    assert.equal(isAbortError(Object.assign(new Error('m'), { name: 'AbortError' })), true)
    assert.equal(signal.aborted, false)
    const fetched: unknown = await fetch('http://localhost:1', { signal: controller.signal }).catch(
      (error: unknown) => error,
    )
    assert.equal(isAbortError(fetched), true)
  })

  it('tells them apart from timeouts and everything else', () => {
    assert.equal(isAbortError(new DOMException('m', 'TimeoutError')), false)
    assert.equal(isAbortError('AbortError'), false)
    assert.equal(isAbortError(new Error('AbortError')), false)
    for (const error of others) assert.equal(isAbortError(error), false)
  })

  it('as an exclusion it makes aborted calls ignored, which are failures otherwise', async () => {
    const aborted = new DOMException('m', 'AbortError')
    const plain = new CircuitBreaker()
    const choosy = new CircuitBreaker({ exclude: [isAbortError] })
    for (const each of [plain, choosy]) await assert.rejects(each.call(() => Promise.reject(aborted)))
    assert.deepEqual([plain.failCounter, choosy.failCounter], [1, 0])
  })
})

describe('findCircuitBreakerError', () => {
  const { breaker } = make()
  breaker.isolate()
  const rejection = rejectionOf(breaker)
  const throws = (): never => {
    throw new Error('hostile')
  }
  const nest = (error: unknown, depth: number): unknown =>
    depth === 0 ? error : new Error('outer', { cause: nest(error, depth - 1) })

  it('finds the error itself, and what wraps it', () => {
    for (const error of [
      rejection,
      new Error('outer', { cause: rejection }),
      { lastError: rejection },
      { errors: [down, rejection] },
      new AggregateError([down, new Error('outer', { cause: { lastError: rejection } })]),
      nest(rejection, 8),
    ]) {
      assert.equal(findCircuitBreakerError(error), rejection)
    }
  })

  it('finds the outermost of several, of any breaker and any copy of the package', async () => {
    const copy = anotherCopy('another realm')
    const other = new copy.CircuitBreaker()
    other.isolate()
    const foreign = await other.call(() => 1).catch((error: unknown) => error)
    assert.equal(findCircuitBreakerError(new Error('outer', { cause: foreign })), foreign)
    const inner = new Error('outer', { cause: rejection })
    assert.equal(findCircuitBreakerError({ cause: inner, lastError: foreign }), foreign)
  })

  it('returns undefined for everything else', () => {
    for (const value of [
      ...others,
      new Error('x', { cause: down }),
      new AggregateError(others),
      nest(rejection, 9),
    ]) {
      assert.equal(findCircuitBreakerError(value), undefined)
    }
  })

  it('never throws and always ends', () => {
    const circle = new Error('circle')
    Object.assign(circle, {
      cause: circle,
      lastError: circle,
      errors: Array.from({ length: 1_000 }, () => circle),
    })
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const hostile = [
      circle,
      new Proxy({}, { get: throws, has: throws, getPrototypeOf: throws }),
      revoked.proxy,
      { errors: revoked.proxy },
      Object.defineProperty({}, 'errors', { get: throws }),
      { errors: new Proxy([], { get: throws }) },
      { errors: { length: 3 } },
      { errors: Array.from({ length: 1e6 }, () => down) },
    ]
    for (const error of hostile) {
      assert.equal(findCircuitBreakerError(error), undefined)
      assert.equal(findCircuitBreakerError({ cause: error, lastError: rejection }), rejection)
      const closed = make().breaker
      closed.acquire().failure(error)
      assert.equal(closed.state, 'open', 'an ordinary failure')
    }
  })
})

describe('FailedResultError', () => {
  it('has a name, a code, the breaker and the result, and a guard that works across copies', () => {
    const result = { status: 500 }
    const error = new FailedResultError('payments', result)
    assert.ok(error instanceof Error)
    assert.deepEqual(
      [error.name, error.code, error.breaker],
      ['FailedResultError', 'RESULT_FAILED', 'payments'],
    )
    assert.equal(error.result, result)
    assert.match(error.message, /"payments"/)
    const copy = anotherCopy('another realm')
    assert.ok(isFailedResultError(new copy.FailedResultError('payments', 1)))
    for (const other of [...others, new CallTimeoutError('payments', 5)])
      assert.equal(isFailedResultError(other), false)
  })
})

describe('the kind of a CallTimeoutError', () => {
  it("is 'call' unless given", () => {
    assert.equal(new CallTimeoutError('payments', 5).kind, 'call')
    const idle = new CallTimeoutError('payments', 5, 'idle')
    assert.deepEqual([idle.kind, idle.code], ['idle', 'CALL_TIMEOUT'])
    assert.match(idle.message, /"payments".* idle .*5 ms/)
  })
})
