import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  CircuitBreakerError,
  slowCallRate,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { eventsOf } from '../../helpers/events.ts'

type Step = IteratorResult<unknown, unknown>
/** A uniform interface to generators of both kinds. */
interface Consumer {
  next(value?: unknown): Promise<Step>
  return(value?: unknown): Promise<Step>
  throw(error?: unknown): Promise<Step>
}
type Body = (this: unknown, ...args: never[]) => Generator<unknown, unknown>

interface GeneratorKind {
  readonly tag: string
  wrap(breaker: CircuitBreaker, body: Body): (this: unknown, ...args: unknown[]) => Consumer
}

/** Wraps the same body as a generator function and as an async one. */
const kinds: Record<string, GeneratorKind> = {
  'a generator': {
    tag: 'GeneratorFunction',
    wrap: (breaker, body) => {
      const guarded = breaker.wrap(function* (this: unknown, ...args: never[]) {
        return yield* body.apply(this, args)
      })
      return function (...args) {
        const it = guarded.apply(this, args as never[])
        return {
          next: async (value) => it.next(value),
          return: async (value) => it.return(value),
          throw: async (error) => it.throw(error),
        }
      }
    },
  },
  'an async generator': {
    tag: 'AsyncGeneratorFunction',
    wrap: (breaker, body) => {
      const guarded = breaker.wrap(async function* (this: unknown, ...args: never[]) {
        return yield* body.apply(this, args)
      })
      return function (...args) {
        return guarded.apply(this, args as never[])
      }
    },
  },
}

const down = new Error('down')
const is = (error: unknown) => (thrown: unknown) => thrown === error

function* letters(): Generator<string, string> {
  yield 'a'
  yield 'b'
  return 'end'
}

function* breaks(): Generator<string, never> {
  yield 'a'
  throw down
}

for (const [kind, { tag, wrap }] of Object.entries(kinds)) {
  const make = (more: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; clock: ManualClock } => {
    const clock = new ManualClock()
    return { clock, breaker: new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 1_000, ...more }) }
  }
  const inFlight = (breaker: CircuitBreaker): number => breaker.snapshot().inFlight

  describe(`a guarded ${kind.replace(/^an? /, '')}`, () => {
    it('keeps its kind, name, length, this, arguments, values and result', async () => {
      const { breaker } = make()
      const fn =
        tag === 'GeneratorFunction'
          ? function* named(_a: number, _b: number): Generator<number> {}
          : async function* named(_a: number, _b: number): AsyncGenerator<number> {}
      const wrapped = breaker.wrap(fn as (a: number, b: number) => Generator<number>)
      assert.equal(Object.prototype.toString.call(wrapped), `[object ${tag}]`)
      assert.equal(wrapped.name, 'named')
      assert.equal(wrapped.length, 2)

      const pair = wrap(breaker, function* (this: unknown, ...args: unknown[]) {
        yield this
        return args
      } as Body)
      const it = pair.call('self', 1, 2)
      assert.deepEqual(await it.next(), { done: false, value: 'self' })
      assert.deepEqual(await it.next(), { done: true, value: [1, 2] })
      assert.deepEqual(await it.next(), { done: true, value: undefined })
    })

    it('receives what the consumer sends', async () => {
      const { breaker } = make()
      const echo = wrap(breaker, function* () {
        let got: unknown = 'ready'
        for (;;) got = yield got
      })
      const it = echo()
      assert.equal((await it.next('dropped')).value, 'ready')
      assert.equal((await it.next(1)).value, 1)
      assert.equal((await it.next('two')).value, 'two')
    })

    it('takes its permit at the first next(), and no earlier', async () => {
      const { breaker } = make()
      const events = eventsOf(breaker)
      const it = wrap(breaker, letters)()
      assert.deepEqual(events, [])
      assert.equal(inFlight(breaker), 0)
      await it.next()
      assert.deepEqual(events, ['beforeCall'])
      assert.equal(inFlight(breaker), 1)
    })

    it('is settled once, at its end', async () => {
      const { breaker } = make()
      const events = eventsOf(breaker)
      const it = wrap(breaker, letters)()
      for (let i = 0; i < 5; i++) await it.next()
      assert.deepEqual(events, ['beforeCall', 'success'])
      assert.equal(inFlight(breaker), 0)
      assert.equal(breaker.snapshot().counts.calls, 1)
    })

    it('is a failure when it throws, with its own error', async () => {
      const { breaker } = make()
      const it = wrap(breaker, breaks)()
      await it.next()
      await assert.rejects(it.next(), is(down))
      assert.equal(breaker.state, 'open')
      assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures')
      assert.deepEqual(await it.next(), { done: true, value: undefined })
    })

    it('is a failure when its parameters throw, at the first next()', async () => {
      const { breaker } = make()
      const withDefault = (tag === 'GeneratorFunction'
        ? function* (_a: unknown = boom()): Generator<number> {}
        : async function* (
            _a: unknown = boom(),
          ): AsyncGenerator<number> {}) as unknown as () => Generator<number>
      const it = breaker.wrap(withDefault)()
      await assert.rejects(async () => it.next(), is(down))
      assert.equal(breaker.state, 'open')
      assert.equal(inFlight(breaker), 0)
    })

    it('is rejected at the first next(), and never starts', async () => {
      const { breaker } = make()
      breaker.open()
      const it = wrap(breaker, function* () {
        yield assert.fail('began')
      })()
      await assert.rejects(it.next(), CircuitBreakerError)
      assert.equal(breaker.snapshot().rejected, 1)
      assert.deepEqual(await it.next(), { done: true, value: undefined })
    })

    it('is rejected if it was called before the circuit opened; one that had started is late', async () => {
      const { breaker } = make()
      const [begun, waiting] = [wrap(breaker, letters)(), wrap(breaker, letters)()]
      await begun.next()
      breaker.open()
      await assert.rejects(waiting.next(), CircuitBreakerError)
      assert.equal((await begun.next()).value, 'b')
      assert.equal((await begun.next()).value, 'end')
      assert.equal(breaker.snapshot().late, 1)
      assert.equal(breaker.state, 'open')
    })

    it('is ignored and cleans up when its consumer calls return()', async () => {
      const { breaker } = make()
      const events = eventsOf(breaker)
      let cleaned = false
      const it = wrap(breaker, function* () {
        try {
          yield 1
          yield 2
        } finally {
          cleaned = true
        }
      })()
      await it.next()
      assert.deepEqual(await it.return('enough'), { done: true, value: 'enough' })
      assert.ok(cleaned)
      assert.deepEqual(events, ['beforeCall', 'ignored'])
      assert.equal(inFlight(breaker), 0)
    })

    it('is ignored also when its clean-up fails after return()', async () => {
      const { breaker } = make()
      const it = wrap(breaker, function* () {
        try {
          yield 1
        } finally {
          boom()
        }
      })()
      await it.next()
      await assert.rejects(it.return(), is(down))
      assert.equal(breaker.snapshot().ignored, 1)
      assert.equal(breaker.state, 'closed')
    })

    it('is ignored when an error that its consumer throws into it ends it', async () => {
      const { breaker } = make()
      const mine = new Error('mine')
      const it = wrap(breaker, letters)()
      await it.next()
      await assert.rejects(it.throw(mine), is(mine))
      assert.equal(breaker.snapshot().ignored, 1)
      assert.equal(breaker.state, 'closed')

      const quiet = wrap(breaker, function* () {
        try {
          yield 1
        } catch {
          return 'stopped'
        }
        return 'done'
      })()
      await quiet.next()
      assert.deepEqual(await quiet.throw(mine), { done: true, value: 'stopped' })
      assert.equal(breaker.snapshot().ignored, 2)
      assert.equal(breaker.snapshot().counts.calls, 0)
    })

    it('continues if it catches what its consumer throws into it, and is settled at its end', async () => {
      const { breaker } = make()
      const it = wrap(breaker, function* () {
        try {
          yield 1
        } catch {
          yield 'recovered'
        }
        throw down
      })()
      await it.next()
      assert.equal((await it.throw(new Error('message'))).value, 'recovered')
      assert.equal(breaker.snapshot().ignored, 0)
      await assert.rejects(it.next(), is(down))
      assert.equal(breaker.state, 'open')
    })

    it('takes no permit when it is ended before it has started', async () => {
      const { breaker } = make()
      const events = eventsOf(breaker)
      const it = wrap(breaker, letters)()
      assert.deepEqual(await it.return('never mind'), { done: true, value: 'never mind' })
      assert.deepEqual(events, [])
      await assert.rejects(wrap(breaker, letters)().throw(down), is(down))
      assert.deepEqual(events, [])
    })

    it('has its result and its error classified like those of a call', async () => {
      const { breaker } = make({
        exclude: [RangeError],
        classifyResult: (value) => (value === 'end' ? 'failure' : undefined),
      })
      const excluded = wrap(breaker, function* () {
        yield 1
        throw new RangeError('excluded')
      })()
      await excluded.next()
      await assert.rejects(excluded.next(), RangeError)
      assert.equal(breaker.snapshot().ignored, 1)
      const it = wrap(breaker, letters)()
      for (let i = 0; i < 3; i++) await it.next()
      assert.equal(breaker.state, 'open')
    })

    it('is never slow, whatever its pace', async () => {
      const { breaker, clock } = make({
        failMax: undefined,
        trip: slowCallRate({ threshold: 0.1, minCalls: 1, slowerThan: 10, lastCalls: 10 }),
      })
      const it = wrap(breaker, letters)()
      for (let i = 0; i < 3; i++, clock.advance(60_000)) await it.next()
      assert.equal(breaker.state, 'closed')
      assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 1, failures: 0, slow: 0 })
    })

    it('has no callTimeout', async () => {
      const { breaker } = make({ callTimeout: 1 })
      const it = wrap(breaker, letters)()
      await it.next()
      await new Promise((resolve) => void setTimeout(resolve, 5))
      assert.equal((await it.next()).value, 'b')
      assert.equal((await it.next()).done, true)
      assert.equal(breaker.failCounter, 0)
    })

    it('as a probe renews its lease at each value, and closes the circuit at its end', async () => {
      const { breaker, clock } = make({ probeTimeout: 100 })
      breaker.halfOpen()
      const it = wrap(breaker, letters)()
      await it.next()
      clock.advance(99)
      await it.next()
      assert.equal(breaker.retryAfter, 100)
      clock.advance(99)
      assert.equal(breaker.state, 'half-open')
      await it.next()
      assert.equal(breaker.state, 'closed')
    })

    it('as a probe gives its place back when its consumer takes longer than the lease', async () => {
      const { breaker, clock } = make({ probeTimeout: 100 })
      breaker.halfOpen()
      const it = wrap(breaker, letters)()
      await it.next()
      clock.advance(100)
      assert.equal(breaker.state, 'half-open')
      assert.equal(breaker.retryAfter, 0)
      assert.equal((await it.next()).value, 'b')
      assert.equal((await it.next()).value, 'end')
      assert.equal(breaker.state, 'half-open')
      assert.equal(breaker.snapshot().late, 1)
    })

    it('counts once when it is guarded twice by one breaker', async () => {
      const { breaker } = make()
      breaker.halfOpen()
      const fn =
        tag === 'GeneratorFunction'
          ? (letters as () => Generator<string>)
          : (async function* () {
              yield* letters()
            } as unknown as () => Generator<string>)
      const it = breaker.wrap(breaker.wrap(fn))()
      for (let i = 0; i < 3; i++) await Promise.resolve(it.next())
      assert.equal(breaker.state, 'closed')
    })

    it('passes in mode off without being recorded', async () => {
      const { breaker } = make({ mode: 'off' })
      const it = wrap(breaker, breaks)()
      await it.next()
      await assert.rejects(it.next(), is(down))
      assert.equal(breaker.failCounter, 0)
      assert.equal(inFlight(breaker), 0)
    })
  })
}

function boom(): never {
  throw down
}
