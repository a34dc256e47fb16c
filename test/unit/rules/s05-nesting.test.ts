import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  isCallTimeoutError,
  isCircuitBreakerError,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { nextTick, stateOf } from '../../helpers/next-tick.ts'
import { rejectionOf } from '../../helpers/rejection.ts'
import { WAYS } from '../../helpers/ways.ts'

const down = new Error('down')
const failing = (): Promise<never> => Promise.reject(down)
const throwing = (): never => {
  throw down
}

const ENFORCING = WAYS.filter(({ options }) => options.mode !== 'observe')

/** Guards two levels by one breaker. What `fn` does is the inner call. */
const CHAINS: Record<string, (breaker: CircuitBreaker, fn: () => unknown) => unknown> = {
  'callSync in callSync': (breaker, fn) => breaker.callSync(() => breaker.callSync(fn)),
  'callSync in call': (breaker, fn) => breaker.call(() => breaker.callSync(fn)),
  'wrapSync in wrapSync': (breaker, fn) => {
    const query = breaker.wrapSync(fn)
    return breaker.wrapSync(() => query())()
  },
  'wrap in wrap': (breaker, fn) => {
    const query = breaker.wrap(async () => fn())
    return breaker.wrap(async () => query())()
  },
  'wrap with a fallback in wrap with a fallback': (breaker, fn) => {
    const fallback = (error: unknown): never => {
      throw error
    }
    const query = breaker.wrap(async () => fn(), { fallback })
    return breaker.wrap(async () => query(), { fallback })()
  },
  'three levels': (breaker, fn) => breaker.run(() => breaker.call(() => breaker.wrap(async () => fn())())),
  'after an await': (breaker, fn) =>
    breaker.call(async () => {
      await nextTick()
      return breaker.call(async () => {
        await nextTick()
        return fn()
      })
    }),
  'in a timer that the task awaits': (breaker, fn) =>
    breaker.call(
      () => new Promise((resolve) => void setTimeout(() => resolve(breaker.call(async () => fn())), 0)),
    ),
  'in what a thenable does in its `then`': (breaker, fn) =>
    breaker.run(
      () =>
        ({
          // oxlint-disable-next-line unicorn/no-thenable -- a query builder does its work here
          then(resolve: (value: unknown) => void) {
            resolve(breaker.call(async () => fn()))
          },
        }) as PromiseLike<unknown>,
    ),
  'a permit in a call': (breaker, fn) =>
    breaker.call(async () => {
      const permit = breaker.acquire()
      try {
        const value = await fn()
        assert.equal(permit.success(value), true)
        return value
      } catch (error) {
        permit.failure(error)
        throw error
      }
    }),
  'a generator in a call': (breaker, fn) =>
    breaker.call(async () => {
      const generator = breaker.wrap(function* () {
        yield 1
        return fn()
      })()
      assert.deepEqual(generator.next(), { done: false, value: 1 })
      return generator.next().value
    }),
  'an async generator in a call': (breaker, fn) =>
    breaker.call(async () => {
      const generator = breaker.wrap(async function* () {
        yield 1
        return await fn()
      })()
      assert.deepEqual(await generator.next(), { done: false, value: 1 })
      return (await generator.next()).value
    }),
  'a call in an async generator': async (breaker, fn) => {
    const generator = breaker.wrap(async function* () {
      yield 1
      yield await Promise.resolve(2)
      return await breaker.call(async () => fn())
    })()
    await generator.next()
    await generator.next()
    return (await generator.next()).value
  },
  'a synchronous call in a generator': (breaker, fn) => {
    const generator = breaker.wrap(function* () {
      yield 1
      return breaker.callSync(fn)
    })()
    generator.next()
    return generator.next().value
  },
  'a call in the parameters of a generator function': (breaker, fn) => {
    const generator = breaker.wrap(function* (value = breaker.callSync(fn)) {
      yield 1
      return value
    })()
    generator.next()
    return generator.next().value
  },
  'a generator in a generator': (breaker, fn) => {
    const query = breaker.wrap(function* () {
      yield 1
      return fn()
    })
    const generator = breaker.wrap(function* () {
      return yield* query()
    })()
    generator.next()
    return generator.next().value
  },
  'an async generator in an async generator': async (breaker, fn) => {
    const query = breaker.wrap(async function* () {
      yield 1
      return await fn()
    })
    const generator = breaker.wrap(async function* () {
      return yield* query()
    })()
    await generator.next()
    return (await generator.next()).value
  },
}

/** Makes the calls of a chain, and returns how they end. */
const endOf = (
  chain: (typeof CHAINS)[string],
  breaker: CircuitBreaker,
  fn: () => unknown,
): Promise<unknown> => Promise.resolve().then(() => chain(breaker, fn))

async function recovers(chain: (typeof CHAINS)[string], options: CircuitBreakerOptions = {}): Promise<void> {
  const { breaker, clock } = halfOpen({ failMax: 1, ...options })
  breaker.close()
  await assert.rejects(endOf(chain, breaker, throwing))
  assert.equal(breaker.state, 'open')
  clock.advance(1_000)
  const before = breaker.snapshot()
  const events = eventsOf(breaker)
  assert.equal(await endOf(chain, breaker, () => 'well'), 'well')
  assert.deepEqual(events, ['open > half-open', 'beforeCall', 'success', 'half-open > closed'])
  const { inFlight, late, ignored, rejected } = breaker.snapshot()
  assert.deepEqual(
    { inFlight, late, ignored, rejected },
    { inFlight: 0, late: before.late, ignored: before.ignored, rejected: 0 },
  )
}

async function failsOnce(chain: (typeof CHAINS)[string], options: CircuitBreakerOptions = {}): Promise<void> {
  const { breaker } = halfOpen(options)
  const events = eventsOf(breaker)
  await assert.rejects(endOf(chain, breaker, throwing))
  const own = events.filter((event) => event !== 'fallback')
  assert.deepEqual(own, ['beforeCall', 'failure', 'half-open > open'])
  assert.equal((rejectionOf(breaker).cause as Error).message, 'down')
  const { inFlight, late, ignored, attempt } = breaker.snapshot()
  assert.deepEqual({ inFlight, late, ignored, attempt }, { inFlight: 0, late: 0, ignored: 0, attempt: 1 })
}

describe('S5: the same breaker twice in one chain', () => {
  for (const [title, chain] of Object.entries(CHAINS)) {
    it(`S5: recovers after one outage: ${title}`, () => recovers(chain))
    it(`S5: fails once if the dependency is still down: ${title}`, () => failsOnce(chain))
  }

  for (const outer of ENFORCING) {
    it(`S5: recovers and fails once by ${outer.name}, with every other way inside of it`, async () => {
      for (const inner of ENFORCING) {
        const chain = (breaker: CircuitBreaker, fn: () => unknown): Promise<unknown> =>
          outer.call(breaker, () => inner.call(breaker, async () => fn()))
        const options = { ...inner.options, ...outer.options, listeners: [] }
        await recovers(chain, options)
        await failsOnce(chain, options)
      }
    })
  }

  it('S5: two protected methods of one class, one of which calls the other', async () => {
    const { breaker } = halfOpen()
    class Client {
      async load(): Promise<string> {
        return this.query()
      }
      async query(): Promise<string> {
        return 'row'
      }
    }
    for (const name of ['load', 'query'] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, name)!
      breaker.protect(Client.prototype, name, descriptor)
      Object.defineProperty(Client.prototype, name, descriptor)
    }
    assert.equal(await new Client().load(), 'row')
    assert.equal(breaker.state, 'closed')
  })

  it('S5: a thousand calls of which each makes nested ones are as many successes', async () => {
    const { breaker, clock } = halfOpen({ failMax: 1 })
    const query = breaker.wrap(async () => 1)
    const load = breaker.wrap(async () => query())
    for (let i = 0; i < 1_000; i++, clock.advance(60_000)) assert.equal(await load(), 1)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().ignored, 0)
  })

  it('S5: while closed each level counts as a call of its own', async () => {
    const breaker = new CircuitBreaker()
    await breaker.call(() => breaker.call(() => 1))
    assert.equal(breaker.snapshot().counts.successes, 2)
    await assert.rejects(breaker.call(() => breaker.call(failing)))
    assert.equal(breaker.failCounter, 2)
  })
})

describe('S5: a part of a probe', () => {
  it('S5: takes no place, however many there are at once', async () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 2, successes: 2, concurrent: 1 } })
    const gate = deferred()
    const parts = (): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 10 }, () => breaker.call(() => gate.promise)))
    const call = breaker.call(parts)
    await nextTick()
    assert.equal(breaker.snapshot().inFlight, 1)
    assert.equal(breaker.tryAcquire(), undefined, 'from outside the place is taken')
    gate.resolve(1)
    await call
    assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 1, failures: 0, slow: 0 })
    assert.equal(breaker.state, 'half-open')
    await breaker.call(() => breaker.call(() => 1))
    assert.equal(breaker.state, 'closed')
  })

  it('S5: is not timed, so a slow part of a fast probe does not exist', async () => {
    const { breaker, clock } = halfOpen()
    await breaker.call(() => breaker.call(() => clock.advance(4_999)))
    assert.equal(breaker.state, 'closed')
  })

  it('S5: is ignored if it is excluded, and the probe decides', async () => {
    const { breaker } = halfOpen({ exclude: [(error) => error === 'not found'] })
    const found = await breaker.call(() =>
      breaker.call(() => Promise.reject('not found')).catch(() => 'none'),
    )
    assert.equal(found, 'none')
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().ignored, 0)
  })

  it('S5: fails the probe by its result, too', async () => {
    const { breaker } = halfOpen({ classifyResult: (value) => (value === 503 ? 'failure' : undefined) })
    assert.equal(await breaker.call(() => breaker.call(() => 503).then(() => 200)), 200)
    assert.equal(breaker.state, 'open')
  })

  for (const { name, call } of ENFORCING) {
    it(`S5: that fails fails the probe, though the outer call catches it, by ${name}`, async () => {
      const { breaker } = halfOpen()
      const events = eventsOf(breaker)
      const value = await call(breaker, () => call(breaker, failing).catch(() => 'saved'))
      assert.equal(value, 'saved')
      assert.deepEqual(events, ['beforeCall', 'failure', 'half-open > open'])
      const { tripReason, late, inFlight, counts } = breaker.snapshot()
      assert.deepEqual({ tripReason, late, inFlight }, { tripReason: 'probeFailed', late: 0, inFlight: 0 })
      assert.equal(counts.failures, 0, 'those of the new period')
    })
  }

  it('S5: that fails while other parts run fails the probe at once and once', async () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 3, successes: 2 } })
    const gates = [deferred(), deferred(), deferred()]
    const call = breaker.call(() =>
      Promise.allSettled(gates.map(({ promise }) => breaker.call(() => promise))),
    )
    gates[0]!.reject(down)
    await nextTick()
    assert.equal(breaker.snapshot().counts.failures, 1)
    gates[1]!.reject(down)
    gates[2]!.resolve('fine')
    await call
    const { counts, late, inFlight } = breaker.snapshot()
    assert.deepEqual(
      { ...counts, late, inFlight },
      { calls: 1, successes: 0, failures: 1, slow: 0, late: 0, inFlight: 0 },
    )
  })

  it('S5: a call after the part that failed is no part: the probe is settled', async () => {
    const { breaker } = halfOpen()
    const second = await breaker.call(async () => {
      await breaker.call(failing).catch(() => {})
      return stateOf(breaker.call(() => 'second try'))
    })
    assert.ok(typeof second === 'object' && 'error' in second && isCircuitBreakerError(second.error))
    assert.equal(second.error.reason, 'open')
  })

  it('S5: that outlives the probe has no effect: it is neither counted nor late', async () => {
    const { breaker } = halfOpen({ failMax: 1 })
    const gate = deferred()
    let part: Promise<unknown> | undefined
    await breaker.call(() => void (part = breaker.call(() => gate.promise)))
    assert.equal(breaker.state, 'closed')
    gate.reject(down)
    await assert.rejects(part!, (error) => error === down)
    const { late, failCounter, inFlight } = breaker.snapshot()
    assert.deepEqual([breaker.state, late, failCounter, inFlight], ['closed', 0, 0, 0])
  })

  it('S5: that times out fails the probe', async () => {
    const { breaker, clock } = halfOpen()
    const outer = breaker.call(() => {
      breaker.configure({ callTimeout: 1_000 })
      return breaker
        .call(() => new Promise(() => {}))
        .catch((error: unknown) => (isCallTimeoutError(error) ? 'saved' : error))
    })
    clock.advance(1_000)
    assert.equal(await outer, 'saved')
    assert.equal(breaker.state, 'open')
  })

  it('S5: whose caller aborts is ignored', async () => {
    const { breaker } = halfOpen()
    const caller = new AbortController()
    const outer = breaker.call(() =>
      breaker.run(() => new Promise(() => {}), { signal: caller.signal }).catch(() => 'gave up'),
    )
    caller.abort()
    assert.equal(await outer, 'gave up')
    assert.equal(breaker.state, 'closed')
  })

  it('S5: is a permit of which each end says what was applied', async () => {
    for (const [end, applied, state] of [
      ['success', true, 'closed'],
      ['ignore', true, 'closed'],
      ['failure', true, 'open'],
    ] as const) {
      const { breaker } = halfOpen()
      await breaker.call(() => {
        const permit = breaker.acquire()
        assert.equal(permit[end](), applied)
        assert.equal(permit[end](), false, 'a permit settles once')
      })
      assert.equal(breaker.state, state)
    }
  })

  it('S5: a permit has no function that could contain calls, so they are calls of their own', async () => {
    const { breaker } = halfOpen()
    const probe = breaker.acquire()
    await assert.rejects(
      breaker.call(() => 1),
      { reason: 'half-open' },
    )
    assert.equal(probe.success(), true)
  })

  it('S5, S9: a stream that is part of a probe renews its lease at each value', async () => {
    const { breaker, clock } = halfOpen()
    const stream = breaker.wrap(async function* () {
      for (let i = 0; i < 5; i++) yield await Promise.resolve(i)
    })
    const total = await breaker.call(async () => {
      let sum = 0
      for await (const each of stream()) {
        sum += each
        clock.advance(4_000)
      }
      return sum
    })
    assert.equal(total, 10)
    assert.equal(breaker.state, 'closed')
  })

  it('S5: a part that its consumer ends early is ignored', async () => {
    const { breaker } = halfOpen()
    const stream = breaker.wrap(function* () {
      for (let i = 0; ; i++) yield i
    })
    const first = await breaker.call(() => {
      for (const each of stream()) return each
      return undefined
    })
    assert.equal(first, 0)
    assert.equal(breaker.state, 'closed')
  })
})

describe('S5: what the callers of a probe whose part fails get', () => {
  it('S5: with errorOnTrip the outer one gets the CircuitBreakerError, with the part’s own error as its cause', async () => {
    const { breaker } = halfOpen({ errorOnTrip: true })
    let innerError: unknown
    const outer = breaker.call(async () => {
      try {
        return await breaker.call(failing)
      } catch (error) {
        innerError = error
        throw error
      }
    })
    const error: unknown = await outer.catch((it: unknown) => it)
    assert.equal(innerError, down)
    assert.ok(isCircuitBreakerError(error))
    assert.equal(error.cause, down)
  })

  it('S5: with errorOnTrip the outer one that catches the error gets its own value', async () => {
    const { breaker } = halfOpen({ errorOnTrip: true })
    assert.equal(await breaker.call(() => breaker.call(failing).catch(() => 'saved')), 'saved')
    assert.equal(breaker.state, 'open')
  })

  it('S5: synchronously as well', () => {
    const { breaker } = halfOpen({ errorOnTrip: true })
    let innerError: unknown
    assert.throws(
      () =>
        breaker.callSync(() => {
          try {
            return breaker.callSync(throwing)
          } catch (error) {
            innerError = error
            throw error
          }
        }),
      (error) => isCircuitBreakerError(error) && error.cause === down,
    )
    assert.equal(innerError, down)
  })

  it('S5: a fallback of the part gives its value, and the probe has failed', async () => {
    const { breaker } = halfOpen()
    const seen: unknown[] = []
    const value = await breaker.run(
      () => breaker.run(failing, { fallback: (error) => (seen.push(error), 'cached') }),
      { fallback: () => assert.fail('the outer call did not fail') },
    )
    assert.equal(value, 'cached')
    assert.deepEqual(seen, [down])
    assert.equal(breaker.state, 'open')
  })

  it('S5: a fallback of the outer call gets the error that the task ends with', async () => {
    const { breaker } = halfOpen()
    const seen: unknown[] = []
    const value = await breaker.run(() => breaker.call(failing), {
      fallback: (error) => (seen.push(error), 'cached'),
    })
    assert.equal(value, 'cached')
    assert.deepEqual(seen, [down])
  })

  it('S5: a fallback of the outer call does not run if the task ends with an ignored error', async () => {
    const { breaker } = halfOpen({ exclude: [RangeError] })
    const notFound = new RangeError('not found')
    const outer = breaker.run(
      () =>
        breaker.call(failing).catch(() => {
          throw notFound
        }),
      { fallback: () => assert.fail('ran for an ignored call') },
    )
    await assert.rejects(outer, (error) => error === notFound)
    assert.equal(breaker.state, 'open')
  })

  it('S5: a fallback of both runs once for each level that fails', async () => {
    const { breaker } = halfOpen()
    const rethrow = (error: unknown): never => {
      throw error
    }
    const seen: unknown[] = []
    const value = await breaker.run(() => breaker.run(failing, { fallback: rethrow }), {
      fallback: (error) => (seen.push(error), 'cached'),
    })
    assert.equal(value, 'cached')
    assert.deepEqual(seen, [down])
    assert.equal(breaker.state, 'open')
  })
})

describe('S5: the context of a probe that is over', () => {
  /** Runs a probe that leaves a function behind, which calls through the breaker from its context. */
  function contextOf(breaker: CircuitBreaker): {
    readonly task: ReturnType<typeof deferred>
    readonly call: Promise<unknown>
    /** Lets the context make its call. Returns how it ended. */
    nested(fn?: () => unknown): ReturnType<typeof stateOf>
  } {
    const task = deferred()
    const gate = deferred<() => unknown>()
    let nested: Promise<unknown> | undefined
    const call = breaker.call(() => {
      nested = gate.promise.then((fn) => breaker.call(fn))
      nested.catch(() => {})
      return task.promise
    })
    call.catch(() => {})
    return {
      task,
      call,
      async nested(fn = () => 'nested') {
        gate.resolve(fn)
        return stateOf(nested!)
      },
    }
  }

  const isRejected = (end: Awaited<ReturnType<typeof stateOf>>, reason: string): void => {
    assert.ok(typeof end === 'object' && 'error' in end && isCircuitBreakerError(end.error), 'was admitted')
    assert.equal(end.error.reason, reason)
  }

  it('S5: is part of the probe until then', async () => {
    const { breaker } = halfOpen()
    const context = contextOf(breaker)
    assert.deepEqual(await context.nested(), { value: 'nested' })
    assert.equal(breaker.state, 'half-open')
    context.task.resolve('own')
    assert.equal(await context.call, 'own')
    assert.equal(breaker.state, 'closed')
  })

  it('S5: says nothing once the probe has succeeded: the next period rejects it', async () => {
    const { breaker } = halfOpen()
    const context = contextOf(breaker)
    context.task.resolve(1)
    await context.call
    breaker.halfOpen()
    const other = breaker.acquire()
    isRejected(await context.nested(), 'half-open')
    assert.equal(other.success(), true)
  })

  it('S5: says nothing once the probe is settled in the same period, be it as ignored', async () => {
    const { breaker } = halfOpen({ exclude: [() => true] })
    const context = contextOf(breaker)
    context.task.reject('not found')
    await context.call.catch(() => {})
    assert.equal(breaker.state, 'half-open')
    const other = breaker.acquire()
    isRejected(await context.nested(), 'half-open')
    other.ignore()
    assert.equal(breaker.retryAfter, 0)
  })

  it('S5: says nothing once the lease has expired, and the late probe neither fails nor recovers anything', async () => {
    const { breaker, clock } = halfOpen()
    const context = contextOf(breaker)
    clock.advance(6_000)
    const other = breaker.acquire()
    isRejected(await context.nested(() => Promise.reject(down)), 'half-open')
    assert.equal(other.success(), true)
    context.task.resolve(1)
    await context.call
    assert.equal(breaker.snapshot().late, 1)
    assert.equal(breaker.state, 'closed')
  })

  it('S5: says nothing once the lease has expired while the period goes on', async () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 3, successes: 2, concurrent: 1 } })
    const context = contextOf(breaker)
    clock.advance(5_000)
    const other = breaker.acquire()
    isRejected(await context.nested(), 'half-open')
    assert.equal(other.success(), true)
    assert.equal(breaker.state, 'half-open')
  })

  it('S5: says nothing when the call inside of it is the first to notice that the lease has expired', async () => {
    const { breaker, clock } = halfOpen()
    const context = contextOf(breaker)
    clock.advance(5_000)
    isRejected(await context.nested(), 'open')
    const next = contextOf(breaker)
    isRejected(await stateOf(next.call), 'open')
    clock.advance(1_000)
    const later = contextOf(breaker)
    clock.advance(6_000)
    assert.deepEqual(await later.nested(), { value: 'nested' })
    assert.equal(breaker.state, 'closed', 'it was a probe of its own')
  })

  const ENDS: Record<string, (breaker: CircuitBreaker) => unknown> = {
    'closed by hand': (breaker) => breaker.close(),
    'opened by hand': (breaker) => breaker.open(),
    isolated: (breaker) => breaker.isolate(),
    'switched to observe and back': (breaker) => {
      breaker.mode = 'observe'
      breaker.mode = 'enforce'
    },
    're-opened by other probes': (breaker) => {
      for (let i = 0; i < 2; i++) breaker.acquire().failure()
    },
    'closed by other probes': (breaker) => {
      for (let i = 0; i < 2; i++) breaker.acquire().success()
    },
  }
  for (const [title, end] of Object.entries(ENDS)) {
    it(`S5: says nothing once the period has been ${title}`, async () => {
      const { breaker } = halfOpen({ halfOpen: { calls: 3, successes: 2, concurrent: 3 } })
      const context = contextOf(breaker)
      end(breaker)
      breaker.halfOpen()
      const others = [breaker.acquire(), breaker.acquire(), breaker.acquire()]
      isRejected(await context.nested(), 'half-open')
      context.task.reject(down)
      await context.call.catch(() => {})
      for (const other of others.slice(1)) assert.equal(other.success(), true)
      assert.equal(breaker.state, 'closed')
    })
  }

  it('S5: while closed, calls in it count as usual', async () => {
    const { breaker } = halfOpen({ failMax: 2 })
    const context = contextOf(breaker)
    breaker.close()
    await context.nested(() => Promise.reject(down))
    assert.equal(breaker.failCounter, 1)
  })

  it('S5: a timer that was created in a probe belongs to no later one', async () => {
    const { breaker } = halfOpen()
    let tick = (): void => {}
    const ended = new Promise<unknown>((resolve) => {
      tick = () => void setImmediate(() => resolve(stateOf(breaker.call(() => 1))))
    })
    await breaker.call(() => tick())
    breaker.halfOpen()
    const probe = breaker.acquire()
    isRejected((await ended) as Awaited<ReturnType<typeof stateOf>>, 'half-open')
    probe.success()
  })

  it('S5: a connection that was opened in a probe of one request does not tie later requests to it', async () => {
    const { breaker } = halfOpen()
    // A pool that runs each query in the context in which its worker started.
    const jobs: (() => void)[] = []
    let wake = deferred<void>()
    const worker = async (): Promise<void> => {
      for (;;) {
        await wake.promise
        wake = deferred()
        for (const job of jobs.splice(0)) job()
      }
    }
    const submit = <T>(job: () => T): Promise<T> =>
      new Promise((resolve) => {
        jobs.push(() => resolve(job()))
        wake.resolve()
      })
    await breaker.call(() => void worker())
    assert.equal(breaker.state, 'closed')
    breaker.halfOpen()
    const first = breaker.call(() => submit(() => stateOf(breaker.call(failing))))
    isRejected(await first, 'half-open')
    assert.equal(breaker.state, 'closed', 'the request itself has succeeded')
  })

  for (const kind of ['sync', 'async'] as const) {
    const make = (
      breaker: CircuitBreaker,
      step: () => unknown,
    ): Iterator<unknown> | AsyncIterator<unknown> =>
      kind === 'sync'
        ? breaker.wrap(function* () {
            for (;;) yield step()
          })()
        : breaker.wrap(async function* () {
            for (;;) yield await step()
          })()

    it(`S5: a generator whose probe is settled goes on outside of it, ${kind}`, async () => {
      const { breaker } = halfOpen()
      let first = true
      const tryCall = (): string => {
        try {
          breaker.callSync(first ? throwing : () => 1)
          return 'admitted'
        } catch (error) {
          first = false
          return isCircuitBreakerError(error) ? error.reason : 'failed'
        }
      }
      const steps = make(breaker, tryCall)
      assert.deepEqual((await steps.next()).value, 'failed')
      assert.equal(breaker.state, 'open')
      assert.deepEqual((await steps.next()).value, 'open')
      breaker.halfOpen()
      const other = breaker.acquire()
      assert.deepEqual((await steps.next()).value, 'half-open')
      assert.equal(other.success(), true)
      await steps.return?.()
      breaker.halfOpen()
      const another = breaker.acquire()
      assert.equal(breaker.tryAcquire(), undefined)
      another.success()
    })

    it(`S5: a generator whose lease has expired goes on outside of the probe, ${kind}`, async () => {
      const { breaker, clock } = halfOpen()
      const steps = make(breaker, () => {
        try {
          return breaker.callSync(() => 'admitted')
        } catch (error) {
          return (error as { reason?: unknown }).reason
        }
      })
      assert.deepEqual((await steps.next()).value, 'admitted')
      clock.advance(5_000)
      const other = breaker.acquire()
      assert.deepEqual((await steps.next()).value, 'half-open')
      assert.equal(other.success(), true)
    })
  }

  it('S5: a call whose `beforeCall` listener ends the period is no probe', async () => {
    const { breaker } = halfOpen()
    let once = true
    breaker.addListener({
      beforeCall() {
        if (!once) return
        once = false
        breaker.close()
        breaker.halfOpen()
      },
    })
    const gate = deferred()
    const outer = breaker.call(async () => {
      await gate.promise
      return breaker.call(() => 'own probe')
    })
    const other = breaker.acquire()
    gate.resolve(1)
    await assert.rejects(outer, { reason: 'half-open' })
    assert.equal(other.success(), true)
  })
})

describe('S5: probes beside each other', () => {
  it('S5: the parts of two concurrent probes do not mix', async () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 3, successes: 2, concurrent: 2 } })
    const events = eventsOf(breaker)
    const request = (fails: boolean): Promise<unknown> =>
      breaker.call(async () => {
        for (let i = 0; i < 5; i++) {
          await nextTick()
          await breaker.call(() => (fails && i === 2 ? failing() : i))
        }
      })
    const ends = [request(true), request(false)]
    ends[0]!.catch(() => {})
    await nextTick()
    assert.equal(breaker.tryAcquire(), undefined)
    await ends[1]
    const { counts } = breaker.snapshot()
    assert.deepEqual([counts.successes, counts.failures], [1, 1])
    await assert.rejects(ends[0]!, (error) => error === down)
    await breaker.call(() => breaker.call(() => 1))
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(events.filter((event) => event === 'success' || event === 'failure').toSorted(), [
      'failure',
      'success',
      'success',
    ])
  })

  it('S5: two breakers crosswise recover together, and fail together', async () => {
    const ends: [() => Promise<unknown>, string][] = [
      [async () => 'well', 'closed'],
      [failing, 'open'],
    ]
    for (const [fn, state] of ends) {
      const [a, b] = [halfOpen().breaker, halfOpen().breaker]
      const chain = a.call(() => b.call(() => a.call(() => b.call(fn))))
      await chain.catch(() => {})
      assert.deepEqual([a.state, b.state], [state, state])
      assert.equal(a.snapshot().ignored + b.snapshot().ignored, 0)
    }
  })

  it('S5: a probe of one breaker is no probe of another, whatever their names', async () => {
    const [a, b] = [halfOpen({ name: 'same' }).breaker, halfOpen({ name: 'same' }).breaker]
    const other = b.acquire()
    await assert.rejects(
      a.call(() => b.call(() => 1)),
      { reason: 'half-open' },
    )
    other.success()
  })

  it('S5: a probe within a probe of another breaker ends without ending the outer one', async () => {
    const [a, b] = [halfOpen().breaker, halfOpen().breaker]
    const value = await a.call(async () => {
      await b.call(() => 1)
      await b.call(() => 2)
      return a.call(() => 'still part')
    })
    assert.equal(value, 'still part')
    assert.deepEqual([a.state, b.state], ['closed', 'closed'])
  })
})
