import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  CircuitBreaker,
  isCallTimeoutError,
  isCircuitBreakerError,
  isFailedResultError,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { thenable } from '../../helpers/thenables.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const down = new Error('down')
const endless = (): Promise<unknown> => new Promise(() => {})

/** The two ways to pass a fallback; each records the errors that the fallback gets. */
interface Way {
  readonly name: string
  call(breaker: CircuitBreaker, fn: () => unknown, fallback: (error: unknown) => unknown): Promise<unknown>
}

const WAYS: readonly Way[] = [
  { name: 'run', call: (breaker, task, fallback) => breaker.run(task, { fallback }) },
  {
    name: 'run, with a signal',
    call: (breaker, task, fallback) => breaker.run(task, { fallback, signal: new AbortController().signal }),
  },
  { name: 'wrap', call: (breaker, fn, fallback) => breaker.wrap(fn, { fallback })() },
]

function make(options: CircuitBreakerOptions = {}): CircuitBreaker {
  return new CircuitBreaker({ failMax: 10, ...options })
}

for (const way of WAYS) {
  describe(`S7: a fallback of ${way.name}`, () => {
    let errors: unknown[]
    const standIn = (error: unknown): unknown => {
      errors.push(error)
      return 'stand-in'
    }
    beforeEach(() => {
      errors = []
    })

    const failing: Record<string, () => unknown> = {
      'that rejects': () => Promise.reject(down),
      'that throws at once': () => {
        throw down
      },
    }
    for (const [title, fn] of Object.entries(failing)) {
      it(`S7: runs for a call ${title}, which still counts as a failure`, async () => {
        const breaker = make()
        assert.equal(await way.call(breaker, fn, standIn), 'stand-in')
        assert.equal(errors.length, 1)
        assert.equal(errors[0], down)
        assert.equal(breaker.failCounter, 1)
      })
    }

    it('S7: runs for a call that fails with undefined', async () => {
      for (const nothing of [undefined, null, 0, '', false]) {
        assert.equal(await way.call(make(), () => Promise.reject(nothing), standIn), 'stand-in')
        assert.equal(errors.pop(), nothing)
      }
    })

    it('S7: runs for a rejection, while open, isolated and half-open', async () => {
      const breaker = make()
      const enter = [
        () => breaker.open(),
        () => breaker.isolate(),
        () => {
          breaker.halfOpen()
          breaker.acquire()
        },
      ]
      const reasons: unknown[] = []
      for (const act of enter) {
        act()
        assert.equal(await way.call(breaker, () => assert.fail('runs'), standIn), 'stand-in')
        const error = errors.pop()
        assert.ok(isCircuitBreakerError(error))
        reasons.push(error.reason)
      }
      assert.deepEqual(reasons, ['open', 'isolated', 'half-open'])
    })

    it('S7: runs for a late failure', async () => {
      const breaker = make()
      const task = deferred()
      const call = way.call(breaker, () => task.promise, standIn)
      breaker.isolate()
      task.reject(down)
      assert.equal(await call, 'stand-in')
      assert.equal(breaker.snapshot().late, 1)
    })

    it('S7: runs for a call that the breaker in mode off or observe lets fail', async () => {
      for (const mode of ['off', 'observe'] as const) {
        const breaker = make({ mode, failMax: 1 })
        for (let i = 0; i < 3; i++) {
          assert.equal(await way.call(breaker, () => Promise.reject(down), standIn), 'stand-in')
        }
      }
      assert.equal(errors.length, 6)
    })

    it('S7: runs for an error only where the error is a failure', async () => {
      const breaker = make({ classifyError: (error) => (error === 'fine' ? 'success' : undefined) })
      assert.deepEqual(await stateOf(way.call(breaker, () => Promise.reject('fine'), standIn)), {
        error: 'fine',
      })
      assert.deepEqual(errors, [])
    })

    it('S7: never runs for a success, nor for a result that a classifier ignores', async () => {
      assert.equal(await way.call(make(), () => 'value', standIn), 'value')
      const breaker = make({ classifyResult: () => 'ignored' })
      assert.equal(await way.call(breaker, () => 'ignored', standIn), 'ignored')
      assert.deepEqual(errors, [])
    })

    it('S7: runs for each result that a classifier calls a failure, also while the circuit opens and a late one', async () => {
      const breaker = make({
        failMax: 3,
        classifyResult: (value) => ((value as { status: number }).status >= 500 ? 'failure' : undefined),
      })
      const response = { status: 500 }
      const task = deferred()
      const late = way.call(breaker, () => task.promise, standIn)
      const answers = []
      for (let i = 0; i < 5; i++) answers.push(await way.call(breaker, () => response, standIn))
      task.resolve(response)
      answers.push(await late)
      assert.deepEqual(new Set(answers), new Set(['stand-in']))
      const failed = errors.filter(isFailedResultError)
      assert.deepEqual([failed.length, errors.filter(isCircuitBreakerError).length], [4, 2])
      for (const { code, result } of failed) {
        assert.equal(code, 'RESULT_FAILED')
        assert.equal(result, response)
      }
      assert.equal(breaker.snapshot().late, 1)
    })

    const ignoring: Record<string, CircuitBreakerOptions> = {
      'an excluded error': { exclude: [Error] },
      'an error that a classifier ignores': { classifyError: () => 'ignored' },
      'an excluded error in mode off': { exclude: [Error], mode: 'off' },
    }
    for (const [title, options] of Object.entries(ignoring)) {
      it(`S7: never runs for ${title}, also a late one`, async () => {
        const breaker = make(options)
        assert.deepEqual(await stateOf(way.call(breaker, () => Promise.reject(down), standIn)), {
          error: down,
        })
        const task = deferred()
        const call = way.call(breaker, () => task.promise, standIn)
        breaker.isolate()
        task.reject(down)
        assert.deepEqual(await stateOf(call), { error: down })
        assert.deepEqual(errors, [])
      })
    }

    it('S7, S8: runs for an error whose predicate and classifier throw: it is a failure', async () => {
      const broken = (): never => {
        throw new Error('broken')
      }
      const breaker = make({ exclude: [broken], classifyError: broken, onListenerError: () => {} })
      assert.equal(await way.call(breaker, () => Promise.reject(down), standIn), 'stand-in')
      assert.deepEqual(errors, [down])
    })

    it('S7: never runs for a refused generator object', async () => {
      const call = way.call(make(), () => (function* () {})(), standIn)
      await assert.rejects(call, TypeError)
      assert.deepEqual(errors, [])
    })

    const broken: Record<string, () => unknown> = {
      throws: () => {
        throw new RangeError('own')
      },
      rejects: () => Promise.reject(new RangeError('own')),
      'rejects by a thenable': thenable((_, reject) => reject(new RangeError('own'))),
    }
    for (const [title, fallback] of Object.entries(broken)) {
      it(`S7: its own error reaches the caller when it ${title}, and does not count`, async () => {
        const breaker = make()
        await assert.rejects(
          way.call(breaker, () => Promise.reject(down), fallback),
          /RangeError: own/,
        )
        assert.equal(breaker.failCounter, 1)
        breaker.isolate()
        await assert.rejects(
          way.call(breaker, () => 1, fallback),
          /RangeError: own/,
        )
        assert.equal(breaker.snapshot().counts.calls, 0)
      })
    }

    it('S7: its result becomes the caller’s, the same object, awaited if it is a promise, also a falsy one', async () => {
      const object = {}
      const results: [() => unknown, unknown][] = [
        [() => object, object],
        [() => Promise.resolve(object), object],
        [thenable((resolve) => resolve(object)), object],
        [() => undefined, undefined],
        [() => null, null],
        [() => 0, 0],
      ]
      for (const [fallback, expected] of results) {
        assert.equal(await way.call(make(), () => Promise.reject(down), fallback), expected)
      }
    })

    it('S7: gets the CircuitBreakerError of the call that opens the circuit, under errorOnTrip', async () => {
      const breaker = make({ failMax: 1, errorOnTrip: true })
      assert.equal(await way.call(breaker, () => Promise.reject(down), standIn), 'stand-in')
      assert.ok(isCircuitBreakerError(errors[0]))
      assert.equal(errors[0].cause, down)
    })

    it('S7: runs outside of the call, whose permit is free by then', async () => {
      const breaker = make()
      breaker.halfOpen()
      let seen: unknown
      await way.call(
        breaker,
        () => Promise.reject(down),
        () => (seen = [breaker.state, breaker.snapshot().inFlight]),
      )
      assert.deepEqual(seen, ['open', 0])
    })

    it('S7: may itself call through the breaker', async () => {
      const breaker = make()
      const value = await way.call(
        breaker,
        () => Promise.reject(down),
        () => breaker.call(() => 'second try'),
      )
      assert.equal(value, 'second try')
    })
  })
}

describe('S7: a fallback and time', () => {
  let timers: ReturnType<typeof fakeTime>
  beforeEach(() => {
    timers = fakeTime()
  })
  afterEach(() => timers.uninstall())

  for (const way of WAYS) {
    it(`S7: runs for a timeout, also a late one, by ${way.name}`, async () => {
      for (const late of [false, true]) {
        const breaker = make({ callTimeout: 1_000 })
        const errors: unknown[] = []
        const call = way.call(breaker, endless, (error) => errors.push(error))
        if (late) breaker.isolate()
        await timers.tickAsync(1_000)
        assert.equal(await call, 1)
        assert.ok(isCallTimeoutError(errors[0]))
      }
    })

    it(`S7: is not limited by the timeout of the call, by ${way.name}`, async () => {
      const breaker = make({ callTimeout: 1_000 })
      const standIn = deferred()
      const call = way.call(
        breaker,
        () => Promise.reject(down),
        () => standIn.promise,
      )
      await timers.tickAsync(5_000)
      standIn.resolve('in its own time')
      assert.equal(await call, 'in its own time')
    })
  }
})

describe('S7: a fallback and a caller that gives up', () => {
  const unwanted = (): never => assert.fail('ran for an aborted caller')
  const timeout = new DOMException('late', 'TimeoutError')

  for (const reason of ['gone', timeout]) {
    it(`S7: never runs for an abort with ${String(reason)}`, async () => {
      const caller = new AbortController()
      const call = make().run(endless, { signal: caller.signal, fallback: unwanted })
      caller.abort(reason)
      assert.deepEqual(await stateOf(call), { error: reason })
    })
  }

  it('S7: never runs when a listener of the failure aborts the caller', async () => {
    for (const options of [{}, { callTimeout: 1e9 }]) {
      const caller = new AbortController()
      const breaker = make({ ...options, listeners: [{ failure: () => caller.abort('gone') }] })
      const call = breaker.run(() => Promise.reject(down), { signal: caller.signal, fallback: unwanted })
      assert.deepEqual(await stateOf(call), { error: 'gone' })
      assert.equal(breaker.failCounter, 1)
    }
  })

  it('S7: never runs when a listener of the rejection aborts the caller', async () => {
    const caller = new AbortController()
    const breaker = make({ listeners: [{ rejected: () => caller.abort('gone') }] })
    breaker.isolate()
    const call = breaker.run(endless, { signal: caller.signal, fallback: unwanted })
    assert.deepEqual(await stateOf(call), { error: 'gone' })
  })

  it('S5: an abort while it runs rejects at once; its later result has no effect and is handled', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const caller = new AbortController()
      const standIn = deferred()
      const breaker = make()
      const call = breaker.run(() => Promise.reject(down), {
        signal: caller.signal,
        fallback: () => standIn.promise,
      })
      assert.equal(await stateOf(call), 'pending')
      caller.abort('gone')
      assert.deepEqual(await stateOf(call), { error: 'gone' })
      standIn[end](new Error('nobody waits'))
      await nextTick()
      assert.equal(breaker.failCounter, 1)
      assert.equal(breaker.snapshot().ignored, 0)
    }
  })

  it('S5: an abort while the fallback of a rejection runs rejects at once', async () => {
    const caller = new AbortController()
    const breaker = make()
    breaker.isolate()
    const call = breaker.run(endless, { signal: caller.signal, fallback: endless })
    assert.equal(await stateOf(call), 'pending')
    caller.abort('gone')
    assert.deepEqual(await stateOf(call), { error: 'gone' })
  })
})

describe('S7: the fallback of `wrap`', () => {
  it('S7: gets the error, then the arguments of the call, and its `this`', async () => {
    const self = { base: 10 }
    const guarded = make().wrap(
      function (this: typeof self, _a: number, _b: number): Promise<number> {
        return Promise.reject(down)
      },
      {
        fallback(error, a, b) {
          assert.equal(error, down)
          return this.base + a + b
        },
      },
    )
    assert.equal(await guarded.call(self, 1, 2), 13)
  })

  it('S7: gets the same for a rejection', async () => {
    const breaker = make()
    breaker.isolate()
    const guarded = breaker.wrap(async (a: string) => a, { fallback: (_error, a) => `cached ${a}` })
    assert.equal(await guarded('x'), 'cached x')
  })
})

describe('S7: a result that counts as a failure', () => {
  it('S7: is returned as it is without a fallback', async () => {
    const value = { status: 500 }
    const breaker = new CircuitBreaker({ failMax: 10, classifyResult: () => 'failure' })
    assert.equal(await breaker.call(() => value), value)
    assert.equal(await breaker.wrap(() => value)(), value)
    assert.equal(await breaker.run(() => value), value)
    assert.equal(await breaker.run(() => value, { signal: new AbortController().signal }), value)
    assert.equal(breaker.failCounter, 4)
  })
})
