// What counts as one call while the circuit is closed: a request, and the calls that it makes synchronously.
import assert from 'node:assert/strict'
import { tracingChannel } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { superviseCall } from '../../../src/integrations/adapter.ts'
import {
  CircuitBreaker,
  isCallTimeoutError,
  never,
  slowCallRate,
  type CircuitBreakerOptions,
  type Permit,
  type TaskContext,
} from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'

const down = new Error('down')
const failing = (): Promise<never> => Promise.reject(down)
const throwing = (): never => {
  throw down
}

type Fn = () => unknown

/** Returns `fn` as a method that `breaker` protects. */
function protect<F extends Fn>(breaker: CircuitBreaker, fn: F): () => Promise<unknown> {
  const descriptor = { value: fn as unknown as () => Promise<unknown> }
  breaker.protect({}, 'method', descriptor)
  return descriptor.value
}

/** Makes a call as an adapter does. */
const supervised =
  (how: 'send' | 'within') =>
  async (breaker: CircuitBreaker, fn: Fn): Promise<unknown> => {
    const call = superviseCall(breaker)
    try {
      const value = await call[how](fn)
      call.succeed(value)
      return value
    } catch (error) {
      throw call.fail(error)
    }
  }

async function drain(generator: AsyncGenerator): Promise<unknown> {
  for (;;) {
    const { done, value } = await generator.next()
    if (done) return value
  }
}

/** The ways to make a request, which knows what it calls. */
const REQUESTS: Record<string, (breaker: CircuitBreaker, fn: Fn) => Promise<unknown>> = {
  'a protected method': (breaker, fn) => protect(breaker, fn)(),
  'a protected method by the standard decorator': (breaker, fn) => {
    const decorate = breaker.protect as unknown as (method: Fn, context: object) => () => Promise<unknown>
    return decorate(fn, { kind: 'method' })()
  },
  'a protected method that is wrapped once more': (breaker, fn) => breaker.wrap(protect(breaker, fn))(),
  'a protected method that is called through the breaker': (breaker, fn) =>
    breaker.call(protect(breaker, fn)),
  'a protected method as a task': (breaker, fn) => breaker.run(protect(breaker, fn)),
  'a protected method as a task with a signal': (breaker, fn) =>
    breaker.run(protect(breaker, fn), { signal: new AbortController().signal }),
  'a protected method with a fallback': (breaker, fn) =>
    breaker.wrap(protect(breaker, fn), {
      fallback(error: unknown) {
        throw error
      },
    })(),
  'a protected async generator': (breaker, fn) =>
    drain(
      protect(breaker, async function* () {
        yield await Promise.resolve(1)
        return await fn()
      })() as unknown as AsyncGenerator,
    ),
  'a call of an adapter': supervised('send'),
  'a call of an adapter, within': supervised('within'),
}

/** What one breaker may need of each call: each kind takes a path of its own through the code. */
const KINDS: Record<string, CircuitBreakerOptions> = {
  plain: {},
  timed: { trip: slowCallRate({ threshold: 1, slowerThan: 1_000, minCalls: 1e6, window: 1e6 }) },
  'with a timeout': { callTimeout: 1_000 },
  'with listeners': { listeners: [{ beforeCall() {}, success() {}, failure() {} }] },
  'with classifiers': { classifyResult: () => undefined, classifyError: () => undefined },
  'with errorOnTrip': { errorOnTrip: true },
  'in mode observe': { mode: 'observe' },
}

const counted = (breaker: CircuitBreaker): object => {
  const { counts, ignored, late, inFlight } = breaker.snapshot()
  return { successes: counts.successes, failures: counts.failures, ignored, late, inFlight }
}
const NONE = { successes: 0, failures: 0, ignored: 0, late: 0, inFlight: 0 }

describe('S5: a request counts once with the first call that it makes through the same breaker', () => {
  for (const [title, request] of Object.entries(REQUESTS)) {
    it(`S5: ${title}, with each way to call inside of it`, async () => {
      for (const [kind, options] of Object.entries(KINDS)) {
        for (const way of WAYS) {
          const where = `${kind}, ${way.name}`
          const make = (): CircuitBreaker =>
            breakerFor(way, { clock: new ManualClock(), trip: never(), ...options })

          const well = make()
          assert.equal(await request(well, () => way.call(well, async () => 'well')), 'well', where)
          assert.deepEqual(counted(well), { ...NONE, successes: 1 }, where)
          assert.equal(await well.call(() => 1), 1)
          assert.deepEqual(counted(well), { ...NONE, successes: 2 }, `${where}: the next call`)

          const failed = make()
          await assert.rejects(
            request(failed, () => way.call(failed, failing)),
            (error) => error === down,
            where,
          )
          assert.deepEqual(counted(failed), { ...NONE, failures: 1 }, where)

          const caught = make()
          const saved = request(caught, () => way.call(caught, failing).catch(() => 'saved'))
          assert.equal(await saved, 'saved', where)
          assert.deepEqual(counted(caught), { ...NONE, failures: 1 }, `${where}: a part fails the whole`)

          const own = make()
          await assert.rejects(
            request(own, async () => {
              await way.call(own, async () => 1)
              throw down
            }),
            (error) => error === down,
            where,
          )
          assert.deepEqual(counted(own), { ...NONE, failures: 1 }, `${where}: fails by itself`)
          await assert.rejects(own.call(failing))
          assert.equal(own.failCounter, 2, where)
        }
      }
    })

    it(`S5: ${title}, with a synchronous call or a permit inside of it`, async () => {
      for (const options of Object.values(KINDS)) {
        const breaker = new CircuitBreaker({ clock: new ManualClock(), trip: never(), ...options })
        await request(breaker, async () => breaker.callSync(() => 1))
        await request(breaker, async () => void breaker.acquire().success())
        assert.deepEqual(counted(breaker), { ...NONE, successes: 2 })
        await request(breaker, async () => void breaker.acquire().failure(down))
        assert.deepEqual(counted(breaker), { ...NONE, successes: 2, failures: 1 })
        await assert.rejects(
          request(breaker, () => breaker.callSync(throwing)),
          (error) => error === down,
        )
        assert.deepEqual(counted(breaker), { ...NONE, successes: 2, failures: 2 })
      }
    })

    it(`S5: ${title} counts with the first of several calls, and the others count by themselves`, async () => {
      for (const options of Object.values(KINDS)) {
        const breaker = new CircuitBreaker({ clock: new ManualClock(), trip: never(), ...options })
        const all = (failed: number): Promise<unknown> =>
          request(breaker, () =>
            Promise.allSettled(
              Array.from({ length: 10 }, (_, i) => breaker.call(i === failed ? failing : async () => i)),
            ),
          )
        await all(7)
        assert.deepEqual(counted(breaker), { ...NONE, successes: 9, failures: 1 })
        await all(0)
        assert.deepEqual(counted(breaker), { ...NONE, successes: 18, failures: 2 })
        await all(NaN)
        assert.deepEqual(counted(breaker), { ...NONE, successes: 28, failures: 2 })
      }
    })

    it(`S5: ${title} opens the circuit after failMax requests, and not after half of them`, async () => {
      const { breaker } = halfOpen({ failMax: 5 })
      breaker.close()
      for (let requests = 1; requests <= 5; requests++) {
        await assert.rejects(request(breaker, () => request(breaker, failing)))
        assert.equal(breaker.state, requests < 5 ? 'closed' : 'open')
      }
    })
  }

  it('S5: emits one event for the request and none for its parts', async () => {
    const breaker = new CircuitBreaker({ trip: never() })
    const events = eventsOf(breaker)
    await protect(breaker, () => breaker.call(() => 1))()
    await protect(breaker, () => breaker.call(failing).catch(() => {}))()
    assert.deepEqual(events, ['beforeCall', 'success', 'beforeCall', 'failure'])
  })

  it('S5: a part is not timed, and the request lasts until its own end', async () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, slowerThan: 1_000, minCalls: 1e6, window: 1e6 })
    const breaker = new CircuitBreaker({ clock, trip })
    await protect(breaker, async () => {
      await breaker.call(() => 1)
      clock.advance(2_000)
    })()
    assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 1, failures: 0, slow: 1 })
  })

  it('S5: calls of other breakers count', async () => {
    const [one, other] = [new CircuitBreaker(), new CircuitBreaker()]
    await protect(one, () => other.call(() => one.call(() => 1)))()
    assert.deepEqual(
      [counted(one), counted(other)],
      [
        { ...NONE, successes: 1 },
        { ...NONE, successes: 1 },
      ],
    )
  })

  it('S5: what is called after an await counts by itself, and so does what others call meanwhile', async () => {
    const breaker = new CircuitBreaker()
    const gate = deferred()
    const load = protect(breaker, async () => {
      await gate.promise
      return breaker.call(() => 1)
    })()
    await breaker.call(() => 1)
    assert.deepEqual(counted(breaker), { ...NONE, successes: 1, inFlight: 1 })
    gate.resolve(1)
    await load
    assert.deepEqual(counted(breaker), { ...NONE, successes: 3 })
  })

  it('S5: a request that calls again after a failure counts each attempt once', async () => {
    for (const request of Object.values(REQUESTS)) {
      const breaker = new CircuitBreaker({ trip: never() })
      let attempts = 0
      const value = await request(breaker, async () => {
        for (;;) {
          try {
            return await breaker.call(() => (++attempts < 3 ? failing() : 'third time'))
          } catch {}
        }
      })
      assert.equal(value, 'third time')
      const { successes, failures } = breaker.snapshot().counts
      assert.deepEqual({ successes, failures }, { successes: 1, failures: 2 })
    }
  })

  it('S5: a generator that polls a failing dependency opens the circuit', async () => {
    for (const sync of [true, false]) {
      const breaker = new CircuitBreaker({ failMax: 5 })
      const failed = (): void => void breaker.acquire().failure(down)
      const poll = protect(
        breaker,
        sync
          ? function* () {
              for (;;) yield failed()
            }
          : async function* () {
              for (;;) yield await breaker.call(failing).catch(() => {})
            },
      )() as unknown as Generator | AsyncGenerator
      for (let polls = 1; polls <= 5; polls++) {
        await poll.next()
        assert.equal(breaker.state, polls < 5 ? 'closed' : 'open')
      }
    }
  })

  it('S5: a step of a generator knows what it calls, synchronously or not', async () => {
    for (const options of Object.values(KINDS)) {
      const breaker = new CircuitBreaker({ clock: new ManualClock(), trip: never(), ...options })
      const rows = protect(breaker, function* () {
        yield 1
        return breaker.callSync(() => 2)
      })() as unknown as Generator
      assert.deepEqual([...rows], [1])
      assert.deepEqual(counted(breaker), { ...NONE, successes: 1 })
      const failed = protect(breaker, function* () {
        yield 1
        return breaker.callSync(throwing)
      })() as unknown as Generator
      assert.throws(
        () => [...failed],
        (error) => error === down,
      )
      assert.deepEqual(counted(breaker), { ...NONE, successes: 1, failures: 1 })
    }
  })

  it('S5: a call that is made after the request was settled counts by itself', async () => {
    for (const end of ['succeed', 'ignore', 'fail'] as const) {
      const breaker = new CircuitBreaker({ trip: never() })
      const call = superviseCall(breaker)
      await call.within(() => {
        call[end](down)
        return breaker.call(failing).catch(() => {})
      })
      const { successes, failures } = breaker.snapshot().counts
      assert.deepEqual([successes, failures], [end === 'succeed' ? 1 : 0, end === 'fail' ? 2 : 1], end)
    }
  })

  it('S5: a request that succeeds before the call that counts with it leaves the count to that call', async () => {
    for (const options of Object.values(KINDS)) {
      for (const fails of [true, false]) {
        const breaker = new CircuitBreaker({ clock: new ManualClock(), trip: never(), ...options })
        const gate = deferred()
        const parts: Promise<unknown>[] = []
        await protect(breaker, async () => {
          parts.push(breaker.call(() => gate.promise).catch(() => {}))
        })()
        assert.deepEqual(counted(breaker), { ...NONE, inFlight: 1 })
        if (fails) gate.reject(down)
        else gate.resolve(1)
        await parts[0]
        assert.deepEqual(counted(breaker), { ...NONE, [fails ? 'failures' : 'successes']: 1 })
      }
    }
  })

  it('S5: what a part of a request leaves behind counts with that request, in any order', async () => {
    const both = [true, false]
    for (const innerFails of both) {
      for (const outerFails of both) {
        for (const innerFirst of both) {
          const breaker = new CircuitBreaker({ trip: never() })
          const [inner, outer] = [deferred(), deferred()]
          const query = (): void => void breaker.call(() => inner.promise).catch(() => {})
          const load = protect(breaker, async () => {
            await protect(breaker, async () => query())()
            return outer.promise
          })()
          load.catch(() => {})
          await nextTick()
          assert.deepEqual(counted(breaker), { ...NONE, inFlight: 2 })
          const ends = [
            () => (innerFails ? inner.reject(down) : inner.resolve(1)),
            () => (outerFails ? outer.reject(down) : outer.resolve(1)),
          ]
          for (const end of innerFirst ? ends : ends.toReversed()) {
            end()
            await nextTick()
          }
          const failures = innerFails || outerFails ? 1 : 0
          assert.deepEqual(counted(breaker), { ...NONE, successes: 1 - failures, failures })
        }
      }
    }
  })

  it('S5: a dependency whose answers break off after the request has returned opens the circuit', async () => {
    const breaker = new CircuitBreaker({ failMax: 5 })
    for (let requests = 1; requests <= 5; requests++) {
      const body = deferred()
      const answer = await protect(breaker, async () => ({ body: breaker.call(() => body.promise) }))()
      body.reject(down)
      await assert.rejects((answer as { body: Promise<unknown> }).body)
      assert.equal(breaker.state, requests < 5 ? 'closed' : 'open')
    }
  })

  it('S5: a request that its caller aborts is ignored, with what that does to its part', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const load = protect(breaker, ((context: TaskContext) =>
      breaker.call(
        () =>
          new Promise((_resolve, reject) => {
            context.signal.addEventListener('abort', () => reject(context.signal.reason as Error))
          }),
      )) as Fn)
    const caller = new AbortController()
    const outer = breaker.run(load, { signal: caller.signal })
    caller.abort()
    await assert.rejects(outer, { name: 'AbortError' })
    await nextTick()
    assert.deepEqual(counted(breaker), { ...NONE, ignored: 1 })
  })

  it('S5: events of a call within a request show the same arguments as outside of it', async () => {
    const seen: (readonly unknown[])[] = []
    const breaker = new CircuitBreaker({ listeners: [{ beforeCall: ({ args }) => void seen.push(args) }] })
    const task = async (): Promise<number> => 1
    await breaker.run(task)
    await protect(breaker, () => Promise.all([breaker.run(task), breaker.run(task)]))()
    assert.deepEqual(seen, [[], [], []])
  })

  it('S2: a permit that is part of a request says whether its result was in time', () => {
    for (const end of ['success', 'failure', 'ignore'] as const) {
      const breaker = new CircuitBreaker({ trip: never() })
      const permits: Permit[] = []
      superviseCall(breaker).within(() => permits.push(breaker.acquire()))
      superviseCall(breaker).within(() => permits.push(breaker.acquire()))
      assert.equal(permits[0]![end](), true)
      breaker.open()
      breaker.close()
      // A part that fails ends its request, too.
      assert.equal(breaker.snapshot().inFlight, end === 'failure' ? 2 : 3)
      assert.equal(permits[1]![end](), false, end)
      assert.equal(breaker.snapshot().inFlight, end === 'failure' ? 0 : 2)
    }
  })

  it('S5: a part that ends after its request has failed does not count', async () => {
    const { breaker, clock } = halfOpen({ callTimeout: 1_000, trip: never() })
    breaker.close()
    const gate = deferred()
    const outer = protect(breaker, () => {
      clock.advance(500)
      return breaker.call(() => gate.promise)
    })()
    outer.catch(() => {})
    clock.advance(500)
    await assert.rejects(outer, isCallTimeoutError)
    assert.deepEqual(counted(breaker), { ...NONE, failures: 1, inFlight: 1 })
    clock.advance(500)
    await nextTick()
    assert.deepEqual(counted(breaker), { ...NONE, failures: 1 })
  })

  it('S6: the signal of a task aborts at callTimeout, within a request and of a guarded function, too', async () => {
    const plainly = (_breaker: CircuitBreaker, fn: Fn): Promise<unknown> => fn() as Promise<unknown>
    for (const request of [plainly, ...Object.values(REQUESTS)]) {
      for (const isGuarded of [true, false]) {
        const clock = new ManualClock()
        const breaker = new CircuitBreaker({ clock, callTimeout: 1_000 })
        let signal: AbortSignal | undefined
        const task = (context: TaskContext): Promise<unknown> => {
          signal = context.signal
          return new Promise(() => {})
        }
        const outer = request(breaker, () => breaker.run(isGuarded ? breaker.wrap(task) : task))
        outer.catch(() => {})
        await nextTick()
        clock.advance(1_000)
        await assert.rejects(outer, isCallTimeoutError)
        assert.ok(isCallTimeoutError(signal!.reason))
      }
    }
  })

  it('S5: a request that changes the state contains nothing more', async () => {
    for (const options of Object.values(KINDS).filter(({ mode }) => !mode)) {
      for (const change of ['open', 'isolate', 'halfOpen'] as const) {
        const breaker = new CircuitBreaker({ clock: new ManualClock(), ...options })
        const events = eventsOf(breaker)
        await protect(breaker, async () => {
          breaker[change]()
          await breaker.call(() => 1).catch(() => {})
        })()
        const isRejected = change !== 'halfOpen'
        assert.ok(events.includes(isRejected ? 'rejected' : 'success'), `${change}: ${events.join()}`)
        assert.ok(events.includes('late'), 'the request belongs to the period before')
        assert.equal(breaker.snapshot().inFlight, 0)
        const next = await breaker.call(() => 'admitted').catch(() => 'rejected')
        assert.equal(next, isRejected ? 'rejected' : 'admitted', 'what the request began with is over')
      }
    }
  })

  it('S5: changes of options, listeners and statistics inside of a request hold, and it still knows its calls', async () => {
    const heard: unknown[] = []
    const changes: Record<string, (breaker: CircuitBreaker) => void> = {
      'a listener is added': (breaker) =>
        void breaker.addListener({ success: ({ value }) => void heard.push(value) }),
      'a monitor begins to watch': (breaker) => void new CircuitBreakerMonitor().watch(breaker),
      'the timeout changes': (breaker) => breaker.configure({ callTimeout: 5 }),
      'the rule changes': (breaker) => breaker.configure({ trip: never() }),
    }
    for (const [what, change] of Object.entries(changes)) {
      const breaker = new CircuitBreaker()
      await protect(breaker, async () => {
        await protect(breaker, async () => {
          change(breaker)
          await breaker.call(() => 'inside')
        })()
      })()
      assert.deepEqual(counted(breaker), { ...NONE, successes: 1 }, what)
    }
    const breaker = new CircuitBreaker()
    await protect(breaker, async () => changes['a listener is added']!(breaker))()
    heard.length = 0
    await breaker.call(() => 'next')
    assert.deepEqual(heard, ['next'])
    await protect(breaker, async () => breaker.configure({ callTimeout: 5 }))()
    await assert.rejects(
      breaker.call(() => new Promise(() => {})),
      isCallTimeoutError,
    )
  })

  it('S5: what a listener calls counts by itself', async () => {
    const breaker = new CircuitBreaker({ trip: never() })
    const reports: Promise<unknown>[] = []
    breaker.addListener({
      failure: ({ error }) =>
        void (error === down && reports.push(breaker.call(() => Promise.reject('other')))),
    })
    await protect(breaker, async () => void breaker.acquire().failure(down))()
    await assert.rejects(reports[0]!)
    assert.deepEqual(counted(breaker), { ...NONE, failures: 2 })
  })

  it('S5: counts the same while something listens to the diagnostics channel', async () => {
    const channel = tracingChannel('recloser:call')
    let starts = 0
    const subscriber = { start: () => void starts++ } as unknown as Parameters<typeof channel.subscribe>[0]
    channel.subscribe(subscriber)
    try {
      const breaker = new CircuitBreaker()
      await protect(breaker, () => protect(breaker, async () => 1)())()
      assert.deepEqual(counted(breaker), { ...NONE, successes: 1 })
      assert.equal(starts, 2, 'it hears of both')
    } finally {
      channel.unsubscribe(subscriber)
    }
  })

  it('S5: in a half-open circuit every call of a request is part of the probe', async () => {
    for (const [title, request] of Object.entries(REQUESTS)) {
      const { breaker } = halfOpen()
      const calls = Array.from({ length: 3 }, (_, i) => () => breaker.call(async () => i))
      const values = await request(breaker, () => Promise.all(calls.map((call) => call())))
      assert.deepEqual(values, [0, 1, 2], title)
      assert.equal(breaker.state, 'closed')
      breaker.halfOpen()
      await request(breaker, () => Promise.allSettled([breaker.call(failing), breaker.call(() => 1)]))
      assert.equal(breaker.state, 'open')
      assert.deepEqual([breaker.snapshot().inFlight, breaker.snapshot().rejected], [0, 0])
    }
  })

  it('S5: a protected method keeps its `this`, its arguments and its synchronous throw as a rejection', async () => {
    const breaker = new CircuitBreaker()
    class Client {
      prefix = 'row '
      async load(id: number): Promise<string> {
        return this.query(id)
      }
      query(id: number): Promise<string> {
        if (id < 0) throw down
        return Promise.resolve(this.prefix + id)
      }
    }
    for (const name of ['load', 'query'] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, name)!
      breaker.protect(Client.prototype, name, descriptor)
      Object.defineProperty(Client.prototype, name, descriptor)
    }
    assert.equal(await new Client().load(7), 'row 7')
    await assert.rejects(new Client().query(-1), (error) => error === down)
    await assert.rejects(new Client().load(-1), (error) => error === down)
    assert.deepEqual(counted(breaker), { ...NONE, successes: 1, failures: 2 })
  })
})

/** One call of a random program: what it does first, which calls it makes, and how it ends. */
interface Step {
  readonly breaker: 0 | 1
  readonly request: boolean
  readonly way: number
  readonly waits: boolean
  readonly parallel: boolean
  readonly catches: boolean
  readonly fails: boolean
  readonly steps: readonly Step[]
}

const { program } = fc.letrec<{ program: Step }>((tie) => ({
  program: fc.record({
    breaker: fc.constantFrom(0 as const, 1 as const),
    request: fc.boolean(),
    way: fc.nat(1_000),
    waits: fc.boolean(),
    parallel: fc.boolean(),
    catches: fc.boolean(),
    fails: fc.boolean(),
    steps: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'program' },
      fc.constant([]),
      fc.array(tie('program'), { maxLength: 3 }),
    ),
  }),
}))

const OUTERS = Object.values(REQUESTS)
const INNERS = WAYS.filter(({ name }) => name !== 'protect')

/** Runs a step on real breakers. Returns whether it failed. */
async function perform(breakers: readonly CircuitBreaker[], step: Step): Promise<unknown> {
  const breaker = breakers[step.breaker]!
  const body = async (): Promise<void> => {
    if (step.waits) await nextTick()
    const run = (each: Step): Promise<unknown> => {
      const result = perform(breakers, each)
      return step.catches ? result.catch(() => {}) : result
    }
    if (step.parallel) {
      const ends = await Promise.allSettled(step.steps.map(run))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    } else for (const each of step.steps) await run(each)
    if (step.fails) throw down
  }
  return step.request
    ? OUTERS[step.way % OUTERS.length]!(breaker, body)
    : INNERS[step.way % INNERS.length]!.call(breaker, body)
}

/** A call, as the rule sees it. */
interface Call {
  readonly whole: Call | undefined
  failed: boolean
  absorbs: boolean
}

/**
 * Predicts by the words of the rule which calls count, and how. `within` is the request of each breaker whose
 * synchronous part is running.
 */
function predict(
  root: Step,
  isGenerator: (step: Step) => boolean,
): { readonly successes: number[]; readonly failures: number[] } {
  const calls: [Call[], Call[]] = [[], []]
  const visit = (step: Step, within: readonly (Call | undefined)[]): boolean => {
    const request = within[step.breaker]
    const whole = request?.absorbs ? request : undefined
    if (whole) whole.absorbs = false
    const call: Call = { whole, failed: false, absorbs: step.request }
    calls[step.breaker].push(call)
    const own = step.request ? call : request
    const only = [0, 1].map((breaker) => (breaker === step.breaker ? call : undefined))
    // The second step of an async generator runs in a later microtask, where only its own call is known.
    const around = isGenerator(step) ? only : within.map((each, i) => (i === step.breaker ? own : each))
    let failed = false
    let isSynchronous = !step.waits
    for (const each of step.steps) {
      if (failed && !step.parallel) break
      if (visit(each, isSynchronous ? around : [undefined, undefined]) && !step.catches) failed = true
      if (!step.parallel) isSynchronous = false
    }
    failed ||= step.fails
    if (failed) for (let each: Call | undefined = call; each; each = each.whole) each.failed = true
    return failed
  }
  visit(root, [undefined, undefined])
  const roots = calls.map((all) => all.filter(({ whole }) => !whole))
  return {
    successes: roots.map((all) => all.filter(({ failed }) => !failed).length),
    failures: roots.map((all) => all.filter(({ failed }) => failed).length),
  }
}

describe('S5: random programs of nested calls', () => {
  it('S5: count as the rule says', async () => {
    const generator = REQUESTS['a protected async generator']
    const isGenerator = (step: Step): boolean =>
      step.request && OUTERS[step.way % OUTERS.length] === generator
    let parts = 0
    await fc.assert(
      fc.asyncProperty(program, fc.constantFrom(...Object.values(KINDS)), async (root, options) => {
        const breakers = [0, 1].map(
          () => new CircuitBreaker({ clock: new ManualClock(), trip: never(), ...options }),
        )
        await perform(breakers, root).catch(() => {})
        const actual = breakers.map((breaker) => breaker.snapshot())
        const expected = predict(root, isGenerator)
        assert.deepEqual(
          {
            successes: actual.map((each) => each.counts.successes),
            failures: actual.map((each) => each.counts.failures),
          },
          expected,
        )
        for (const { inFlight, late, ignored } of actual)
          assert.deepEqual([inFlight, late, ignored], [0, 0, 0])
        if (root.request && root.steps.length > 0) parts++
      }),
      { numRuns: 3_000 },
    )
    assert.ok(parts > 100, `only ${parts} programs had a request that makes calls`)
  })
})
