import {
  bulkhead,
  BulkheadRejectedError,
  ConstantBackoff,
  DelegateBackoff,
  handleWhen,
  noop,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
  type IPolicy,
} from 'cockatiel'
import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import pLimit from 'p-limit'
import pRetry from 'p-retry'
import { CircuitBreaker, CircuitBreakerError, isCircuitBreakerError } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { countsOf, delay, errorOf } from './support/breakers.ts'

/** A dependency that fails until `healthy` is set, and records the times of its calls. */
function dependency(healthy = false): { (): Promise<string>; healthy: boolean; readonly calls: number[] } {
  const calls: number[] = []
  const call = async (): Promise<string> => {
    calls.push(performance.now())
    if (!self.healthy) throw new Error('down')
    return 'healthy'
  }
  const self = Object.assign(call, { healthy, calls })
  return self
}

/** The recipe from the README: a breaker as a cockatiel policy. */
function asPolicy(breaker: CircuitBreaker): IPolicy {
  const execute: IPolicy['execute'] = (fn, signal) => breaker.run((context) => fn(context), { signal })
  return Object.assign({}, noop, { execute })
}

describe('retries around a breaker, with p-retry', () => {
  it('count every attempt, and end when the circuit opens', async () => {
    const breaker = new CircuitBreaker({ failMax: 3 })
    const call = dependency()
    const error = await errorOf(
      pRetry(() => breaker.call(call), {
        retries: 10,
        minTimeout: 1,
        shouldRetry: ({ error }) => !isCircuitBreakerError(error),
      }),
    )
    assert.ok(isCircuitBreakerError(error))
    assert.equal(call.calls.length, 3)
    assert.equal(breaker.snapshot().rejected, 1)
  })

  it('wait for the circuit, and never call before it admits them', async () => {
    const breaker = new CircuitBreaker({ failMax: 2, timeoutDuration: 60 })
    const call = dependency()
    const rejections: number[] = []
    breaker.addListener({
      stateChange: ({ to }) => void (to === 'open' && (call.healthy = call.calls.length > 2)),
      rejected: ({ error }) => void rejections.push(error.retryAfter),
    })
    const answer = await pRetry(() => breaker.call(call), {
      retries: 10,
      minTimeout: 1,
      factor: 1,
      onFailedAttempt: ({ error }) => (isCircuitBreakerError(error) ? breaker.ready() : undefined),
    })
    assert.equal(answer, 'healthy')
    // Two failures, a failed probe and a successful probe.
    assert.equal(call.calls.length, 4)
    const [, second = NaN, third = NaN, fourth = NaN] = call.calls
    assert.ok(third - second >= 59, `${third - second} ms`)
    assert.ok(fourth - third >= 59, `${fourth - third} ms`)
    assert.equal(rejections.length, 2)
  })

  it('can be aborted while they wait', async () => {
    const breaker = new CircuitBreaker()
    breaker.isolate()
    const controller = new AbortController()
    const { signal } = controller
    const waiting = errorOf(
      pRetry(() => breaker.run(dependency(), { signal }), {
        signal,
        onFailedAttempt: ({ error }) =>
          isCircuitBreakerError(error) ? breaker.ready({ signal }) : undefined,
      }),
    )
    await delay(5)
    controller.abort(new Error('enough'))
    assert.equal((await waiting).message, 'enough')
  })

  it('inside a breaker are one call, and hide the failed attempts from it', async () => {
    const breaker = new CircuitBreaker({ failMax: 3 })
    const call = dependency()
    await errorOf(breaker.call(() => pRetry(call, { retries: 4, minTimeout: 1, factor: 1 })))
    assert.equal(call.calls.length, 5)
    assert.equal(breaker.failCounter, 1)
    assert.equal(breaker.state, 'closed')
  })
})

describe('a bulkhead around a breaker, with p-limit', () => {
  it('does not count the time in the queue as time of the call', async () => {
    const durations = async (
      compose: (breaker: CircuitBreaker, work: () => Promise<void>) => Promise<unknown>,
    ): Promise<(number | undefined)[]> => {
      const clock = new ManualClock()
      const breaker = new CircuitBreaker({ clock })
      const seen: (number | undefined)[] = []
      breaker.addListener({ success: ({ duration }) => void seen.push(duration) })
      const work = async (): Promise<void> => {
        await delay(1)
        clock.advance(25)
      }
      await Promise.all([1, 2, 3].map(() => compose(breaker, work)))
      return seen
    }
    const [outside, inside] = [pLimit(1), pLimit(1)]
    assert.deepEqual(await durations((breaker, work) => outside(() => breaker.call(work))), [25, 25, 25])
    assert.deepEqual(await durations((breaker, work) => breaker.call(() => inside(work))), [25, 50, 75])
  })

  it('rejects the queued calls at once when the circuit opens', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const call = dependency()
    const limit = pLimit(1)
    const errors = await Promise.all([1, 2, 3].map(() => errorOf(limit(() => breaker.call(call)))))
    assert.deepEqual(errors.map(isCircuitBreakerError), [false, true, true])
    assert.equal(call.calls.length, 1)
  })
})

describe('a breaker as a policy of cockatiel', () => {
  it('passes results and errors through unchanged', async () => {
    const breaker = new CircuitBreaker({ failMax: 2 })
    const policy = wrap(noop, asPolicy(breaker))
    assert.equal(await policy.execute(() => 42), 42)
    const error = new Error('mine')
    assert.equal(await errorOf(policy.execute(() => Promise.reject(error))), error)
    assert.equal(
      await errorOf(
        policy.execute(() => {
          throw error
        }),
      ),
      error,
    )
    assert.equal(breaker.state, 'open')
    assert.ok((await errorOf(policy.execute(() => 42))) instanceof CircuitBreakerError)
  })

  it('passes the signal on, and ignores a caller that aborts', async () => {
    const breaker = new CircuitBreaker()
    const policy = wrap(asPolicy(breaker), timeout(1_000, TimeoutStrategy.Cooperative))
    const controller = new AbortController()
    let seen: AbortSignal | undefined
    const call = policy.execute(({ signal }) => {
      seen = signal
      return new Promise(() => {})
    }, controller.signal)
    controller.abort()
    await errorOf(call)
    assert.equal(seen?.aborted, true)
    assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
  })

  it('counts a timeout inside the breaker', async () => {
    const breaker = new CircuitBreaker()
    const policy = wrap(asPolicy(breaker), timeout(10, TimeoutStrategy.Aggressive))
    await errorOf(policy.execute(() => delay(500)))
    assert.equal(breaker.failCounter, 1)
  })

  it('does not count rejections of a bulkhead outside the breaker', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const policy = wrap(bulkhead(1, 0), asPolicy(breaker))
    const results = await Promise.allSettled([1, 2, 3].map(() => policy.execute(() => delay(5))))
    const errors = results.map((result) =>
      result.status === 'rejected' ? (result.reason as unknown) : undefined,
    )
    assert.equal(errors.filter((error) => error instanceof BulkheadRejectedError).length, 2)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('is not retried while it is open', async () => {
    const breaker = new CircuitBreaker({ failMax: 2 })
    const call = dependency()
    const policy = wrap(
      retry(
        handleWhen((error) => !isCircuitBreakerError(error)),
        { maxAttempts: 10, backoff: new ConstantBackoff(1) },
      ),
      asPolicy(breaker),
    )
    assert.ok(isCircuitBreakerError(await errorOf(policy.execute(call))))
    assert.equal(call.calls.length, 2)
    assert.equal(breaker.snapshot().rejected, 1)
  })

  it('is retried after its open time, and never while isolated', async () => {
    const breaker = new CircuitBreaker({ failMax: 2, timeoutDuration: 60 })
    const call = dependency()
    const policy = wrap(
      retry(
        handleWhen((error) => !isCircuitBreakerError(error) || error.retryAfter < Infinity),
        {
          maxAttempts: 10,
          backoff: new DelegateBackoff(({ result }) =>
            'error' in result && isCircuitBreakerError(result.error) ? result.error.retryAfter : 1,
          ),
        },
      ),
      asPolicy(breaker),
    )
    breaker.addListener({ rejected: () => void (call.healthy = true) })
    assert.equal(await policy.execute(call), 'healthy')
    const [, second = NaN, third = NaN] = call.calls
    assert.ok(third - second >= 59, `${third - second} ms`)

    breaker.isolate()
    assert.ok(isCircuitBreakerError(await errorOf(policy.execute(call))))
    assert.equal(call.calls.length, 3)
  })
})

describe('a call that throws at once, in a composition', () => {
  it('fails each attempt with the original error, and gives the permits back', async () => {
    const mistake = new Error('at once')
    const raise = (): never => {
      throw mistake
    }
    const breaker = new CircuitBreaker()
    const limit = pLimit(1)
    const retried = pRetry(() => limit(() => breaker.call(raise)), { retries: 2, minTimeout: 1, factor: 1 })
    assert.equal(await errorOf(retried), mistake)
    assert.equal(countsOf(breaker), '0 succeeded, 3 failed, 0 ignored, 0 rejected')
    assert.deepEqual([breaker.snapshot().inFlight, limit.activeCount], [0, 0])
  })
})

describe('a stream in a composition', () => {
  /** A stream that breaks off in the middle the first `failures` times, with a function that reads all of it. */
  function source(failures: number): { started: number; read(): AsyncGenerator<string> } {
    return {
      started: 0,
      async *read() {
        yield 'first part'
        if (++this.started <= failures) throw new Error('it broke off')
        yield 'second part'
      },
    }
  }
  async function readAll(stream: AsyncIterable<string>): Promise<string> {
    let text = ''
    for await (const part of stream) text += part
    return text
  }
  const giveUp = {
    minTimeout: 1,
    factor: 1,
    shouldRetry: ({ error }: { error: Error }) => !isCircuitBreakerError(error),
  }

  it('is restarted by retries around its consumption, each attempt a call that settles at its end', async () => {
    const breaker = new CircuitBreaker({ failMax: 3 })
    const limit = pLimit(1)
    const healthy = source(2)
    const read = breaker.wrap(healthy.read.bind(healthy))
    const text = await pRetry(() => limit(() => readAll(read())), giveUp)
    assert.equal(text, 'first partsecond part')
    assert.equal(countsOf(breaker), '1 succeeded, 2 failed, 0 ignored, 0 rejected')
    assert.deepEqual([breaker.snapshot().inFlight, limit.activeCount], [0, 0])
  })

  it('is not restarted once its circuit opens', async () => {
    const breaker = new CircuitBreaker({ failMax: 2 })
    const unhealthy = source(Infinity)
    const read = breaker.wrap(unhealthy.read.bind(unhealthy))
    assert.ok(isCircuitBreakerError(await errorOf(pRetry(() => readAll(read()), giveUp))))
    assert.equal(unhealthy.started, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('is read within a cockatiel policy, so that its outcome covers the whole stream', async () => {
    const breaker = new CircuitBreaker({ failMax: 2 })
    const unhealthy = source(Infinity)
    const policy = wrap(
      retry(
        handleWhen((error) => !isCircuitBreakerError(error)),
        { maxAttempts: 10, backoff: new ConstantBackoff(1) },
      ),
      asPolicy(breaker),
    )
    assert.ok(isCircuitBreakerError(await errorOf(policy.execute(() => readAll(unhealthy.read())))))
    assert.equal(unhealthy.started, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})

describe('the permits of a composition', () => {
  type Fate = 'healthy' | 'fails' | 'throws' | 'hangs'
  const fates: Record<Fate, () => unknown> = {
    healthy: () => 1,
    fails: () => Promise.reject(new Error('down')),
    throws: () => {
      throw new Error('at once')
    },
    hangs: () => new Promise(() => {}),
  }

  it('all come back from p-retry and p-limit, whatever happens in them', async () => {
    const call = fc.record({
      fate: fc.constantFrom<Fate>('healthy', 'fails', 'throws', 'hangs'),
      waits: fc.boolean(),
      aborts: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 10 }), async (calls) => {
        const breaker = new CircuitBreaker({ failMax: 2, timeoutDuration: 3, callTimeout: 2 })
        const limit = pLimit(2)
        const begun = calls.map(({ fate, waits, aborts }) => {
          const controller = new AbortController()
          const { signal } = controller
          if (aborts) setTimeout(() => controller.abort(), 2)
          return pRetry(() => limit(() => breaker.run(fates[fate], { signal })), {
            signal,
            retries: 2,
            minTimeout: 0,
            factor: 1,
            shouldRetry: ({ error }) => waits || !isCircuitBreakerError(error),
            onFailedAttempt: ({ error }) =>
              waits && isCircuitBreakerError(error) ? breaker.ready({ signal }) : undefined,
          })
        })
        await Promise.allSettled(begun)
        assert.equal(breaker.snapshot().inFlight, 0)
      }),
      { numRuns: 60 },
    )
  })

  it('all come back from cockatiel, whatever happens in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom<Fate>('healthy', 'fails', 'throws', 'hangs'), fc.boolean()), {
          minLength: 1,
          maxLength: 10,
        }),
        async (calls) => {
          const clock = new ManualClock()
          const breaker = new CircuitBreaker({ clock, failMax: 2, timeoutDuration: 5 })
          const policy = wrap(
            retry(
              handleWhen((error) => !isCircuitBreakerError(error)),
              { maxAttempts: 2, backoff: new ConstantBackoff(0) },
            ),
            bulkhead(2, 2),
            asPolicy(breaker),
            timeout(2, TimeoutStrategy.Aggressive),
          )
          const begun = calls.map(([fate, aborts]) => {
            clock.advance(3)
            const controller = new AbortController()
            if (aborts) setTimeout(() => controller.abort(), 1)
            return policy.execute(fates[fate], controller.signal)
          })
          await Promise.allSettled(begun)
          assert.equal(breaker.snapshot().inFlight, 0)
        },
      ),
      { numRuns: 60 },
    )
  })
})
