import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  CircuitBreakerError,
  type CircuitBreakerOptions,
  type TaskContext,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { THENABLES } from '../../helpers/thenables.ts'

const down = new Error('down')
const failing = (): Promise<never> => Promise.reject(down)
const is = (error: unknown) => (thrown: unknown) => thrown === error

/** A plain breaker, and one whose calls each need state: two paths through the code. */
const kinds: Record<string, CircuitBreakerOptions> = {
  'a plain breaker': {},
  'a breaker with a listener': { listeners: [{ success() {}, failure() {} }] },
}

for (const [kind, options] of Object.entries(kinds)) {
  const make = (more: CircuitBreakerOptions = {}): CircuitBreaker =>
    new CircuitBreaker({ clock: new ManualClock(), ...options, ...more })

  describe(`wrap, on ${kind}`, () => {
    it('passes arguments, this and result through', async () => {
      const breaker = make()
      const account = {
        cents: 100,
        charge: breaker.wrap(function (this: { cents: number }, cents: number, why?: string) {
          return [this.cents - cents, why, arguments.length]
        }),
      }
      assert.deepEqual(await account.charge(30, 'tea'), [70, 'tea', 2])
      assert.deepEqual(await account.charge(30), [70, undefined, 1])
      assert.deepEqual(await account.charge.call({ cents: 5 }, 1), [4, undefined, 1])
    })

    it('passes any number of arguments', async () => {
      const many = make().wrap((...args: number[]) => args.length)
      for (const count of [0, 1, 2, 10, 1_000])
        assert.equal(await many(...Array<number>(count).fill(1)), count)
    })

    it('passes a this that is a primitive, null or undefined as an ordinary call does', async () => {
      const self = make().wrap(function (this: unknown) {
        return this
      })
      for (const value of [undefined, null, 0, '', false]) assert.equal(await self.call(value), value)
    })

    it('keeps name and length, also of functions that have none', () => {
      const breaker = make()
      function named(_a: number, _b: number): void {}
      const { computed } = { computed: (_a: number): void => {} }
      const bound = named.bind(null)
      for (const fn of [named, computed, bound, (..._rest: number[]) => {}, (_a = 1) => {}, async () => {}]) {
        for (const wrapped of [breaker.wrap(fn), breaker.wrap(fn, { fallback: () => {} })]) {
          assert.equal(wrapped.name, fn.name)
          assert.equal(wrapped.length, fn.length)
        }
      }
      assert.equal(breaker.wrapSync(named).name, 'named')
      assert.equal(breaker.wrapSync(named).length, 2)
    })

    it('always returns a promise of the function’s result', async () => {
      const breaker = make({ failMax: 99 })
      const thenable = THENABLES['a thenable that resolves'] as () => unknown
      for (const fn of [() => 'value', async () => 'value', thenable] as (() => unknown)[]) {
        const result = breaker.wrap(fn)()
        assert.ok(result instanceof Promise)
        assert.equal(await result, 'value')
      }
      const thrown = breaker.wrap((): number => {
        throw down
      })()
      assert.ok(thrown instanceof Promise)
      await assert.rejects(thrown, is(down))
    })

    it('leaves the function itself unguarded and unchanged', async () => {
      const breaker = make({ failMax: 1 })
      const fn = Object.assign(() => failing(), { extra: 1 })
      const wrapped = breaker.wrap(fn)
      assert.notEqual(wrapped, fn)
      await assert.rejects(wrapped(), is(down))
      await assert.rejects(fn(), is(down))
      await assert.rejects(wrapped(), CircuitBreakerError)
      assert.deepEqual(
        Reflect.ownKeys(fn).filter((key) => typeof key === 'symbol'),
        [],
      )
    })

    it('shares one breaker among many functions', async () => {
      const breaker = make({ failMax: 2 })
      const [one, two] = [breaker.wrap(failing), breaker.wrap(async () => failing())]
      await assert.rejects(one(), is(down))
      await assert.rejects(two(), is(down))
      await assert.rejects(one(), CircuitBreakerError)
    })

    it('guards an overloaded function like any other', async () => {
      function parse(text: string): number
      function parse(text: string, radix: number): number
      function parse(text: string, radix = 10): number {
        return Number.parseInt(text, radix)
      }
      const wrapped = make().wrap(parse)
      assert.equal(await wrapped('ff', 16), 255)
      assert.equal(await (wrapped as unknown as (text: string) => Promise<number>)('12'), 12)
    })
  })

  describe(`the fallback of wrap, on ${kind}`, () => {
    it('runs for failures and rejections, with this, the error and the arguments', async () => {
      const breaker = make({ failMax: 1 })
      const seen: unknown[] = []
      const client = {
        get: breaker.wrap((_id: number, _deep: boolean): Promise<string> => failing(), {
          fallback(error, id, deep) {
            seen.push([this, error, id, deep])
            return 'cached'
          },
        }),
      }
      assert.equal(await client.get(1, true), 'cached')
      assert.equal(await client.get(2, false), 'cached')
      assert.equal(seen.length, 2)
      const [[self, error, ...args], [, rejection]] = seen as [unknown[], unknown[]]
      assert.equal(self, client)
      assert.equal(error, down)
      assert.deepEqual(args, [1, true])
      assert.ok(rejection instanceof CircuitBreakerError)
    })

    it('does not run for a success or an ignored error', async () => {
      const breaker = make({ exclude: [RangeError] })
      const fallback = (): never => assert.fail('ran')
      assert.equal(await breaker.wrap(() => 1, { fallback })(), 1)
      await assert.rejects(breaker.wrap(() => Promise.reject(new RangeError()), { fallback })(), RangeError)
    })

    it('may be asynchronous, and its own error reaches the caller', async () => {
      const breaker = make({ failMax: 99 })
      const error = new Error('of the fallback')
      assert.equal(await breaker.wrap(failing, { fallback: async () => 5 })(), 5)
      await assert.rejects(breaker.wrap(failing, { fallback: () => Promise.reject(error) })(), is(error))
      await assert.rejects(
        breaker.wrap(failing, {
          fallback: () => {
            throw error
          },
        })(),
        is(error),
      )
      assert.equal(breaker.failCounter, 3)
    })
  })

  describe(`a function that the same breaker has wrapped, on ${kind}`, () => {
    type Use = (breaker: CircuitBreaker, wrapped: () => Promise<number>) => Promise<unknown>
    const uses: Record<string, Use> = {
      call: (breaker, wrapped) => breaker.call(wrapped),
      run: (breaker, wrapped) => breaker.run(wrapped),
      'run with a signal': (breaker, wrapped) =>
        breaker.run(wrapped, { signal: new AbortController().signal }),
      'run with a fallback': (breaker, wrapped) =>
        breaker.run(wrapped, { fallback: () => assert.fail('ran') }),
      wrap: (breaker, wrapped) => breaker.wrap(wrapped)(),
      'wrap with a fallback': (breaker, wrapped) =>
        breaker.wrap(wrapped, { fallback: () => assert.fail('ran') })(),
      'wrap, twice more': (breaker, wrapped) => breaker.call(breaker.wrap(breaker.wrap(wrapped))),
    }
    for (const [how, use] of Object.entries(uses)) {
      it(`counts once when given to ${how}`, async () => {
        const breaker = make()
        assert.equal(
          await use(
            breaker,
            breaker.wrap(async () => 7),
          ),
          7,
        )
        assert.equal(breaker.snapshot().counts.calls, 1)
      })

      it(`takes one permit when given to ${how}, and so can close a half-open circuit`, async () => {
        const breaker = make()
        breaker.halfOpen()
        assert.equal(
          await use(
            breaker,
            breaker.wrap(async () => 7),
          ),
          7,
        )
        assert.equal(breaker.state, 'closed')
      })

      if (how.endsWith('fallback')) continue
      it(`keeps its fallback when given to ${how}`, async () => {
        const breaker = make({ failMax: 99 })
        const wrapped = breaker.wrap((): Promise<number> => failing(), { fallback: () => 42 })
        assert.equal(await use(breaker, wrapped), 42)
        assert.equal(breaker.failCounter, 1)
      })
    }

    it('gets the context of a task, and so does its fallback', async () => {
      for (const more of [{}, { callTimeout: 1_000 }, { errorOnTrip: true }]) {
        const breaker = make({ failMax: 2, ...more })
        const signals: unknown[] = []
        const wrapped = breaker.wrap(
          ({ signal }: TaskContext): Promise<number> => {
            signals.push(signal)
            return failing()
          },
          { fallback: (_error, { signal }) => signals.push(signal) && 42 },
        )
        const controller = new AbortController()
        assert.equal(await breaker.run(wrapped), 42)
        assert.equal(await breaker.run(wrapped, { signal: controller.signal }), 42)
        assert.equal(breaker.state, 'open')
        assert.equal(await breaker.run(wrapped), 42)
        assert.equal(signals.length, 5)
        assert.ok(signals.every((signal) => signal instanceof AbortSignal))
        assert.deepEqual([signals[0], signals[2]], [signals[1], signals[3]])
      }
    })

    it('is refused by run if it is for synchronous use and returns a promise, as when called directly', async () => {
      const breaker = make()
      const sync = breaker.wrapSync((): unknown => Promise.resolve(1))
      await assert.rejects(breaker.run(sync), /Expected a synchronous function/)
      assert.equal(breaker.snapshot().ignored, 1)
    })

    it('call(w, ...args) does the same as w(...args)', async () => {
      const breaker = make()
      const wrapped = breaker.wrap((a: number, b: number) => a - b)
      assert.equal(await breaker.call(wrapped, 5, 3), 2)
      assert.equal(breaker.snapshot().counts.calls, 1)
    })

    it('still returns a promise when it is wrapped for synchronous use first', async () => {
      const breaker = make({ failMax: 99 })
      const sync = breaker.wrapSync((ok: boolean) => {
        if (!ok) throw down
        return 1
      })
      const wrapped = breaker.wrap(sync)
      assert.ok(wrapped(true) instanceof Promise)
      await assert.rejects(wrapped(false), is(down))
      await assert.rejects(breaker.call(sync, false), is(down))
      assert.equal(breaker.callSync(sync, true), 1)
      assert.equal(breaker.wrapSync(sync)(true), 1)
      assert.equal(breaker.snapshot().counts.calls, 5)
    })

    it('counts once for each of two breakers', async () => {
      const [inner, outer] = [make(), make()]
      const wrapped = outer.wrap(inner.wrap(failing))
      await assert.rejects(wrapped(), is(down))
      assert.deepEqual([inner.failCounter, outer.failCounter], [1, 1])
    })

    it('is not mistaken for a function of another breaker that wraps it later', async () => {
      const [inner, outer] = [make(), make()]
      const wrapped = outer.wrap(inner.wrap(async () => 1))
      await inner.call(wrapped)
      assert.equal(outer.snapshot().counts.calls, 1)
    })

    it('a function that merely calls it counts for itself, too', async () => {
      const breaker = make()
      const wrapped = breaker.wrap(async () => 1)
      await breaker.call(() => wrapped())
      assert.equal(breaker.snapshot().counts.calls, 2)
    })
  })

  describe(`wrapSync and callSync, on ${kind}`, () => {
    it('return and throw at once', () => {
      const breaker = make()
      const wrapped = breaker.wrapSync(function (this: { factor: number }, n: number) {
        if (n < 0) throw down
        return this.factor * n
      })
      assert.equal(wrapped.call({ factor: 3 }, 2), 6)
      assert.throws(() => wrapped.call({ factor: 3 }, -1), is(down))
      assert.equal(breaker.failCounter, 1)
      assert.equal(
        breaker.callSync((a: number, b: number) => a + b, 1, 2),
        3,
      )
      breaker.open()
      assert.throws(() => wrapped.call({ factor: 3 }, 2), CircuitBreakerError)
      assert.throws(() => breaker.callSync(() => assert.fail('ran')), CircuitBreakerError)
    })

    it('refuse a function that returns a promise, and count nothing', () => {
      const breaker = make()
      const async = (() => failing()) as unknown as () => number
      assert.throws(() => breaker.callSync(async), { name: 'TypeError', message: /call.*wrap|wrap.*call/ })
      assert.throws(() => breaker.wrapSync(async)(), TypeError)
      const { counts, ignored, inFlight } = breaker.snapshot()
      assert.deepEqual({ calls: counts.calls, ignored, inFlight }, { calls: 0, ignored: 2, inFlight: 0 })
    })

    it('refuse a thenable and a generator object', () => {
      const breaker = make()
      const thenable = THENABLES['a thenable that never answers'] as () => number
      const generator = function* (): Generator<number> {
        yield 1
      } as unknown as () => number
      for (const fn of [thenable, generator]) {
        assert.throws(() => breaker.callSync(fn), TypeError)
        assert.throws(() => breaker.wrapSync(fn)(), TypeError)
      }
      assert.equal(breaker.snapshot().ignored, 4)
    })
  })
}
