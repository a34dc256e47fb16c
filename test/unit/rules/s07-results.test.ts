import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CircuitBreaker } from '../../../src/index.ts'
import { error, NEARLY_THENABLES, thenable, THENABLES } from '../../helpers/thenables.ts'
import { stateOf } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'
import { breakerFor, WAYS, type Way } from '../../helpers/ways.ts'

const VALUES: readonly unknown[] = [
  ...NEARLY_THENABLES,
  undefined,
  null,
  false,
  0,
  -0,
  NaN,
  0n,
  '',
  true,
  1,
  'text',
  Symbol('s'),
  {},
  [],
  Object.freeze({ frozen: true }),
  Object.create(null),
  new Error('returned'),
  () => 'function',
  new Date(0),
  new Map(),
  new Proxy({}, {}),
  class {},
]

/** Yields a closed breaker, one in mode off and a half-open one. */
function* breakersFor(way: Way): Iterable<CircuitBreaker> {
  yield breakerFor(way)
  const off = breakerFor(way)
  off.mode = 'off'
  yield off
  const halfOpen = breakerFor(way, { failMax: 1, halfOpen: { calls: 1_000 } })
  halfOpen.halfOpen()
  yield halfOpen
}

for (const way of WAYS) {
  describe(`S7: by ${way.name}`, () => {
    it('S7: the caller gets its own value, the same object, also a falsy one', async () => {
      for (const breaker of breakersFor(way)) {
        for (const value of VALUES) {
          for (const fn of [() => value, () => Promise.resolve(value)]) {
            const got = await way.call(breaker, fn)
            assert.ok(Object.is(got, value), `${String(fn)} of ${typeof value}`)
          }
        }
        if (breaker.mode === 'off') continue
        assert.equal(breaker.snapshot().counts.successes, 2 * VALUES.length)
        assert.equal(breaker.snapshot().inFlight, 0)
      }
    })

    it('S7: the caller gets its own error, the same object, never wrapped, also a falsy one', async () => {
      const breaker = breakerFor(way)
      for (const error of [...VALUES, new TypeError('thrown'), Object.freeze(new Error('frozen'))]) {
        const throwIt = (): never => {
          throw error
        }
        for (const fn of [throwIt, () => Promise.reject(error)]) {
          const result = await stateOf(way.call(breaker, fn))
          assert.ok(typeof result === 'object' && 'error' in result, String(fn))
          assert.ok(Object.is(result.error, error), `${String(fn)} of ${typeof error}`)
        }
      }
      assert.equal(breaker.snapshot().counts.failures, 2 * (VALUES.length + 2))
      assert.equal(breaker.snapshot().inFlight, 0)
    })

    it('S7: a synchronous throw is a rejection', async () => {
      const error = new Error('at once')
      let promise: Promise<unknown> | undefined
      assert.doesNotThrow(() => {
        promise = way.call(breakerFor(way), () => {
          throw error
        })
      })
      assert.deepEqual(await stateOf(promise!), { error })
    })

    it('S7: it always returns a promise of the language', async () => {
      const breaker = breakerFor(way)
      for (const fn of [() => 1, async () => 1, thenable((resolve) => resolve(1))]) {
        const promise = way.call(breaker, fn)
        assert.ok(promise instanceof Promise)
        assert.equal(await promise, 1)
      }
      breaker.isolate()
      const rejected = way.call(breaker, () => 1)
      assert.ok(rejected instanceof Promise)
      await rejected.catch(() => {})
    })

    for (const [title, make] of Object.entries(THENABLES)) {
      it(`S7: ${title} gives the caller the same as \`await\`, and counts once`, async () => {
        const breaker = breakerFor(way)
        const expected = await stateOf((async () => make())())
        // The timer of a call that never ends would keep the process alive.
        const timers = fakeTime()
        const got = await stateOf(way.call(breaker, make)).finally(() => timers.uninstall())
        assert.deepEqual(got, expected)
        const { counts, inFlight, ignored } = breaker.snapshot()
        const failed = typeof expected === 'object' && 'error' in expected ? 1 : 0
        const pending = expected === 'pending' ? 1 : 0
        assert.deepEqual(
          { successes: counts.successes, failures: counts.failures, ignored, inFlight },
          { successes: 1 - failed - pending, failures: failed, ignored: 0, inFlight: pending },
        )
      })
    }

    for (const tag of ['IdGenerator', 'Generator ', 'object Generator', 'GeneratorFunction']) {
      it(`S7: an ordinary object that calls itself "${tag}" is an ordinary result`, async () => {
        const value = { [Symbol.toStringTag]: tag }
        assert.equal(await way.call(breakerFor(way), () => value), value)
      })
    }

    it('S7: a generator object is refused with an error that says how to write it, and does not count', async () => {
      for (const make of [
        () => (function* () {})(),
        () => (async function* () {})(),
        () => runInNewContext('(function* () {})()') as unknown,
      ]) {
        const breaker = breakerFor(way, { failMax: 1 })
        await assert.rejects(way.call(breaker, make), {
          name: 'TypeError',
          message: /generator.*function\* \(\) \{ yield\* fn\(\) \}/s,
        })
        assert.equal(breaker.state, 'closed')
        assert.equal(breaker.snapshot().counts.calls, 0)
        assert.equal(breaker.snapshot().inFlight, 0)
      }
    })
  })
}

describe('S7: the call that opens the circuit', () => {
  for (const way of WAYS.filter(({ options }) => !options.errorOnTrip)) {
    it(`S7: the error that opens the circuit is the caller’s own too, by ${way.name}`, async () => {
      const breaker = breakerFor(way, { failMax: 1 })
      const error = new Error('the last straw')
      await assert.rejects(
        way.call(breaker, () => Promise.reject(error)),
        (thrown) => thrown === error,
      )
      assert.equal('cause' in error, false)
    })
  }

  it('S7: with errorOnTrip, and only then, it is the cause of what a synchronous caller gets', () => {
    const breaker = new CircuitBreaker({ failMax: 2, errorOnTrip: true })
    const failing = (): void => {
      throw error
    }
    assert.throws(
      () => breaker.callSync(failing),
      (thrown) => thrown === error,
    )
    assert.throws(() => breaker.callSync(failing), { name: 'CircuitBreakerError', cause: error })
  })

  it('S7: with errorOnTrip, and only then, it is the cause of what the caller gets', async () => {
    const breaker = new CircuitBreaker({ failMax: 2, errorOnTrip: true })
    const failing = (): Promise<unknown> => breaker.call(() => Promise.reject(error))
    assert.deepEqual(await stateOf(failing()), { error })
    await assert.rejects(failing(), { name: 'CircuitBreakerError', cause: error })
  })
})

describe('S7: arguments and `this`', () => {
  it('S7: the function gets the arguments that were passed, the same objects, however many', async () => {
    const breaker = new CircuitBreaker()
    const args = [{}, undefined, null, 0, [], 'six', 7]
    for (let count = 0; count <= args.length; count++) {
      const passed = args.slice(0, count)
      const list = (...got: unknown[]): unknown[] => got
      for (const got of [
        await breaker.call(list, ...passed),
        breaker.callSync(list, ...passed),
        await breaker.wrap(list)(...passed),
        breaker.wrapSync(list)(...passed),
      ]) {
        assert.equal(got.length, count)
        for (let i = 0; i < count; i++) assert.equal(got[i], passed[i])
      }
    }
  })

  it('S7: a wrapped function keeps `this`, `name` and `length`', async () => {
    const breaker = new CircuitBreaker()
    const plain = {
      async whoAmI(_a: number, _b: number): Promise<unknown> {
        return this
      },
    }
    const guarded = breaker.wrap(plain.whoAmI)
    assert.equal(guarded.name, 'whoAmI')
    assert.equal(guarded.length, 2)
    assert.equal(await guarded.call(plain, 1, 2), plain)
  })
})

describe('S7: callSync', () => {
  it('S7: the caller gets its own value and its own error', () => {
    const breaker = breakerFor(WAYS[0]!)
    for (const value of VALUES) {
      assert.ok(
        Object.is(
          breaker.callSync(() => value),
          value,
        ),
      )
      assert.ok(Object.is(breaker.wrapSync(() => value)(), value))
      let thrown: unknown = 'nothing'
      const throwIt = (): void => {
        throw value
      }
      try {
        breaker.callSync(throwIt)
      } catch (error) {
        thrown = error
      }
      assert.ok(Object.is(thrown, value))
    }
    const { successes, failures } = breaker.snapshot().counts
    assert.deepEqual({ successes, failures }, { successes: 2 * VALUES.length, failures: VALUES.length })
  })

  it('S7: listeners get the refusal, whether or not the call needs a permit', () => {
    for (const callTimeout of [Infinity, 1_000]) {
      const ignored: unknown[] = []
      const breaker = new CircuitBreaker({
        callTimeout,
        listeners: [{ ignored: (event) => ignored.push(event) }],
      })
      const refuse = (): unknown => breaker.callSync((): unknown => Promise.resolve())
      assert.throws(refuse, (refusal) => {
        assert.ok(refusal instanceof TypeError)
        assert.equal(ignored.length, 1)
        return (ignored[0] as { error?: unknown }).error === refusal
      })
    }
  })

  it('S7: a result that a synchronous call cannot settle is refused, does not count and leaves no rejection behind', () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const refuse = (fn: () => unknown, message: RegExp): void =>
      assert.throws(() => breaker.callSync(fn), { name: 'TypeError', message })
    refuse(() => Promise.reject(error), /promise/)
    refuse(() => Promise.resolve(), /promise/)
    refuse(
      thenable(() => {}),
      /promise/,
    )
    refuse(() => (function* () {})(), /generator/)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().counts.calls, 0)
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
