import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { hostile } from '../../helpers/hostile.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'
import { replaced, warningsDuring } from '../../helpers/warnings.ts'

function throwing(error: unknown): CircuitBreakerOptions {
  const success = (): never => {
    throw error
  }
  return { name: 'payments', listeners: [{ success }] }
}

describe('S8: onListenerError', () => {
  it('S8: gets each error of user code, the same object, every time', () => {
    const error = new Error('hostile')
    const reported: unknown[] = []
    const onListenerError = (it: unknown): unknown => reported.push(it)
    const breaker = new CircuitBreaker({ ...throwing(error), onListenerError })
    assert.deepEqual(
      warningsDuring(() => succeed(breaker, 3)),
      [],
    )
    assert.equal(reported.length, 3)
    for (const each of reported) assert.equal(each, error)
  })

  it('S8: gets what an async listener rejects with', async () => {
    const error = new Error('hostile')
    const reported: unknown[] = []
    const breaker = new CircuitBreaker({
      listeners: [{ success: () => Promise.reject(error) }],
      onListenerError: (it) => reported.push(it),
    })
    succeed(breaker)
    await nextTick()
    assert.deepEqual(reported, [error])
  })

  it('S8: may call the breaker at any time', () => {
    let inner = 0
    const breaker: CircuitBreaker = new CircuitBreaker({
      ...throwing(new Error('hostile')),
      failMax: 1,
      onListenerError: () => {
        if (inner++ === 0) fail(breaker)
      },
    })
    succeed(breaker)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  for (const [behavior, code] of Object.entries(hostile)) {
    it(`S8: if it ${behavior} itself, the call and the process are not affected`, async () => {
      const breaker = new CircuitBreaker({ ...throwing(new Error('hostile')), onListenerError: code })
      let call: Promise<unknown> | undefined
      const warnings = warningsDuring(() => (call = breaker.call((x: string) => x, 'value')))
      assert.deepEqual(await stateOf(call!), { value: 'value' })
      assert.equal(breaker.snapshot().inFlight, 0)
      assert.equal(warnings.length, behavior.startsWith('throws') ? 1 : 0)
    })
  }
})

describe('S8: the warning of the process', () => {
  it('S8: names the breaker and the error, and says how to get all errors', () => {
    const breaker = new CircuitBreaker(throwing(new Error('hostile')))
    const [warning] = warningsDuring(() => succeed(breaker))
    for (const part of ['RecloserWarning', 'payments', 'Error: hostile', 'onListenerError']) {
      assert.ok(warning?.includes(part), part)
    }
  })

  it('S8: is emitted once per breaker, whatever fails and however often', () => {
    const make = (): CircuitBreaker => new CircuitBreaker({ ...throwing(new Error('hostile')), failMax: 1 })
    const first = make()
    const second = make()
    first.configure({ timeoutDuration: () => NaN })
    const warnings = warningsDuring(() => {
      succeed(first, 5)
      fail(first)
      succeed(second, 5)
    })
    assert.equal(warnings.length, 2)
  })

  it('S8: an onListenerError that is configured later gets what follows', () => {
    const breaker = new CircuitBreaker(throwing(new Error('hostile')))
    assert.equal(warningsDuring(() => succeed(breaker)).length, 1)
    const reported: unknown[] = []
    breaker.configure({ onListenerError: (error) => reported.push(error) })
    succeed(breaker)
    assert.equal(reported.length, 1)
  })

  it('S8: renders values that throw when rendered as well as it can', () => {
    for (const error of [Object.create(null), Symbol('odd'), undefined, null, '']) {
      const breaker = new CircuitBreaker(throwing(error))
      assert.equal(warningsDuring(() => succeed(breaker)).length, 1)
    }
  })

  it('S8: is written to the console where there is no process, or none that warns', () => {
    for (const absent of [undefined, {}]) {
      const breaker = new CircuitBreaker(throwing(new Error('hostile')))
      const written: unknown[] = []
      replaced(
        console,
        'warn',
        (message: unknown) => written.push(message),
        () => replaced(globalThis, 'process', absent, () => succeed(breaker, 3)),
      )
      assert.equal(written.length, 1)
      assert.match(String(written[0]), /RecloserWarning.*payments.*hostile/)
    }
  })

  it('S8: is lost where warnings throw, and this call and all later ones get their results', async () => {
    const breaker = new CircuitBreaker(throwing(new Error('hostile')))
    const calls: Promise<unknown>[] = []
    replaced(process, 'emitWarning', hostile['throws an error'], () => {
      calls.push(
        breaker.call(() => 1),
        breaker.run(() => 2, { fallback: () => 3 }),
      )
    })
    calls.push(breaker.call(() => 3))
    assert.deepEqual(await stateOf(Promise.all(calls)), { value: [1, 2, 3] })
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S8: where the console throws too, events still reach the listeners', () => {
    const breaker = new CircuitBreaker(throwing(new Error('hostile')))
    let count = 0
    breaker.addListener({ success: () => count++ })
    replaced(console, 'warn', hostile['throws an error'], () =>
      replaced(globalThis, 'process', undefined, () => succeed(breaker, 2)),
    )
    succeed(breaker)
    assert.equal(count, 3)
  })
})
