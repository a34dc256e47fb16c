import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError, type CircuitBreakerOptions } from '../../../src/index.ts'
import { rejectionOf } from '../../helpers/rejection.ts'

const SECRET = 'Bearer of alice'

/** A failure of alice, with what the errors of clients have. Its own text does not mention the secret. */
function failureOfAlice(): Error {
  return Object.assign(new TypeError('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    config: { headers: { authorization: SECRET } },
    response: { headers: new Map([['set-cookie', SECRET]]) },
    cause: Object.assign(new Error('socket'), { headers: SECRET }),
    errors: [Object.assign(new Error('each'), { headers: SECRET })],
    toJSON: () => SECRET,
  })
}

/** Every object that can be reached from `value`, also through properties that are not enumerable. */
function reachable(value: unknown, seen = new Set<unknown>()): Set<unknown> {
  if (seen.has(value) || value === null || !['object', 'function'].includes(typeof value)) return seen
  seen.add(value)
  if (value instanceof Map) for (const entry of value) reachable(entry, seen)
  for (const { value: each } of Object.values(Object.getOwnPropertyDescriptors(value))) reachable(each, seen)
  return seen
}

/** Makes alice's call trip the circuit. Returns her failure and the error with which bob's call is rejected. */
async function trip(options: CircuitBreakerOptions = {}, failure: unknown = failureOfAlice()) {
  const breaker = new CircuitBreaker({ failMax: 1, ...options })
  // In an array, since `await` would read a `then` of what was thrown.
  const [thrown] = await breaker
    .call(() => Promise.reject(failure))
    .then(
      () => [],
      (error: unknown) => [error],
    )
  return { breaker, failure, thrown, rejection: rejectionOf(breaker) }
}

describe('S7: the cause of a rejection, which is the failure of another caller,', () => {
  it('S7: has its name, message, code and stack, and is another object', async () => {
    const { failure, rejection } = await trip()
    const { cause } = rejection as { cause?: Error & { code?: string } }
    assert.ok(cause instanceof Error)
    assert.notEqual(cause, failure)
    assert.deepEqual(
      [cause.name, cause.message, cause.code],
      ['TypeError', 'connect ECONNREFUSED', 'ECONNREFUSED'],
    )
    assert.match(cause.stack ?? '', /failureOfAlice/)
  })

  it('S7: leads to no object of hers, and to none of her headers', async () => {
    const { failure, rejection, breaker } = await trip()
    const hers = reachable(failure)
    for (const each of [...reachable(rejection), ...reachable(breaker.snapshot())]) {
      // What every object may share are functions of the language.
      if (typeof each === 'object') assert.ok(!hers.has(each))
    }
    assert.ok(!JSON.stringify([rejection, rejection.cause, breaker.snapshot()]).includes(SECRET))
  })

  it('S7: is text of a limited length', async () => {
    const long = Object.assign(new Error('m'.repeat(5e6)), { code: 'c'.repeat(5e6), stack: 's'.repeat(5e6) })
    Object.defineProperty(long, 'name', { value: 'n'.repeat(5e6) })
    const { cause } = (await trip({}, long)).rejection as { cause?: Error & { code?: string } }
    const { name = '', message = '', code = '', stack = '' } = cause ?? {}
    assert.ok(`${name}${message}${code}${stack}`.length < 50_000)
  })

  it('S7: is released when the circuit closes', async () => {
    const { breaker } = await trip()
    breaker.close()
    breaker.open()
    assert.equal(rejectionOf(breaker).cause, undefined)
  })

  it('S7: is her own error under errorOnTrip, for her alone', async () => {
    const { failure, thrown, rejection } = await trip({ errorOnTrip: true })
    assert.ok(isCircuitBreakerError(thrown))
    assert.equal(thrown.cause, failure)
    assert.notEqual(rejection.cause, failure)
  })

  it('S7: is made of what throws when it is read without harm', async () => {
    const hostile = new Proxy(new Error('down'), {
      get() {
        throw new Error('hostile')
      },
    })
    for (const failure of [hostile, undefined, null, 'text', Symbol('s'), Object.create(null), 0]) {
      const { breaker, rejection } = await trip({}, failure)
      assert.equal(breaker.state, 'open')
      assert.notEqual(rejection.cause, hostile)
    }
  })
})
