import assert from 'node:assert/strict'
import { it } from 'node:test'
import * as cockatiel from 'cockatiel'
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  ExponentialBackoff,
  handleAll,
  handleType,
  handleWhenResult,
  IterableBackoff,
  noJitterGenerator,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  usePolicy,
  type CircuitBreakerPolicy,
  type ICircuitBreakerOptions,
} from 'cockatiel'
import {
  CircuitBreaker,
  consecutiveFailures,
  exponentialBackoff,
  failureRate,
  type OpenTimeContext,
} from '../../../src/index.ts'
import { seeded } from '../../../src/testing/storage-kit/random.ts'
import { deferred } from '../../helpers/deferred.ts'
import { stateOf } from '../../helpers/next-tick.ts'
import {
  errorOf,
  fails,
  hangs,
  opensAt,
  ours,
  pass,
  setWallClock,
  testClaims,
  times,
  works,
} from './claims.ts'

function theirs(options: Partial<ICircuitBreakerOptions> = {}, policy = handleAll): CircuitBreakerPolicy {
  return circuitBreaker(policy, {
    halfOpenAfter: 60_000,
    breaker: new ConsecutiveBreaker(1),
    ...options,
  })
}

/** Opens both circuits with one failure, and lets the open time pass. */
async function halfOpenBoth(
  mine = ours({ failMax: 1 }),
  other = theirs(),
): Promise<[mine: CircuitBreaker, other: CircuitBreakerPolicy]> {
  await times(1, () => mine.call(fails))
  await times(1, () => other.execute(fails))
  await pass(60_000)
  return [mine, other]
}

type Call = (task: () => unknown) => Promise<unknown>

const both = (mine: CircuitBreaker, other: CircuitBreakerPolicy): readonly Call[] => [
  (task) => mine.call(task),
  (task) => other.execute(task),
]

const broken = (): never => {
  throw new Error('broken listener')
}

testClaims('cockatiel', {
  // The breaker

  "A call whose caller cancels is ignored, if `run` gets the caller's `signal`; with `handleAll` it counts as a failure.":
    async () => {
      const mine = ours({ failMax: 1 })
      const other = theirs()
      const user = new AbortController()
      const untilAborted = ({ signal }: { signal: AbortSignal }): Promise<never> =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
      const calls = [
        mine.run(untilAborted, { signal: user.signal }),
        other.execute(untilAborted, user.signal),
      ]
      user.abort()
      await Promise.allSettled(calls)
      assert.equal(mine.state, 'closed')
      assert.equal(other.state, CircuitState.Open)
    },
  'An error that is not handled leaves a half-open circuit half-open; in cockatiel it closes it.':
    async () => {
      const mine = ours({
        failMax: 1,
        classifyError: (e) => (e instanceof RangeError ? 'failure' : 'ignored'),
      })
      const other = theirs({}, handleType(RangeError))
      const outOfRange = (): Promise<never> => Promise.reject(new RangeError())
      await times(1, () => mine.call(outOfRange))
      await times(1, () => other.execute(outOfRange))
      await pass(60_000)
      await times(1, () => mine.call(fails))
      await times(1, () => other.execute(fails))
      assert.equal(mine.state, 'half-open')
      assert.equal(other.state, CircuitState.Closed)
    },
  "Errors count as failures too, unless `classifyError` returns `'ignored'`; `handleWhenResult` alone handles none.":
    async () => {
      const classifyResult = (result: unknown): 'failure' | undefined =>
        result === 'bad' ? 'failure' : undefined
      const mine = ours({ failMax: 1, classifyResult })
      const strict = ours({ failMax: 1, classifyResult, classifyError: () => 'ignored' })
      const other = theirs(
        {},
        handleWhenResult((result) => result === 'bad'),
      )
      await times(1, () => mine.call(fails))
      await times(1, () => strict.call(fails))
      await times(1, () => other.execute(fails))
      assert.equal(mine.state, 'open')
      assert.equal(strict.state, 'closed')
      assert.equal(other.state, CircuitState.Closed)
      assert.equal(await other.execute(() => 'bad'), 'bad')
      assert.equal(await strict.call(() => 'bad'), 'bad')
      assert.equal(strict.state, 'open')
      assert.equal(other.state, CircuitState.Open)
    },
  "The rule holds no counts, so breakers may share it; cockatiel's breakers that share one share its counts.":
    async () => {
      const trip = consecutiveFailures(2)
      const breaker = new ConsecutiveBreaker(2)
      const mine = [ours({ trip }), ours({ trip })] as const
      const other = [theirs({ breaker }), theirs({ breaker })] as const
      for (const each of mine) await times(1, () => each.call(fails))
      for (const each of other) await times(1, () => each.execute(fails))
      assert.deepEqual(
        mine.map(({ state }) => state),
        ['closed', 'closed'],
      )
      assert.equal(other[1].state, CircuitState.Open)
    },
  "Setting the wall clock has no effect; cockatiel's circuit stays open for longer if it is set back.":
    async () => {
      const mine = ours({ failMax: 1 })
      const other = theirs()
      await times(1, () => mine.call(fails))
      await times(1, () => other.execute(fails))
      setWallClock(-3_600_000)
      await pass(60_000)
      assert.equal(await mine.call(works), 'fine')
      assert.equal(cockatiel.isBrokenCircuitError(await errorOf(other.execute(works))), true)
    },
  'The circuit closes with the last success that it needs; cockatiel waits for all its calls.': async () => {
    const [mine, other] = await halfOpenBoth(
      ours({ failMax: 1, halfOpen: { calls: 4, successes: 2 } }),
      theirs({ halfOpenSampling: { calls: 4, threshold: 0.5 } }),
    )
    await times(2, () => mine.call(works))
    await times(2, () => other.execute(works))
    assert.equal(mine.state, 'closed')
    assert.equal(other.state, CircuitState.HalfOpen)
    await times(2, () => other.execute(works))
    assert.equal(other.state, CircuitState.Closed)
  },
  'Other calls are rejected meanwhile; cockatiel queues them.': async () => {
    const [mine, other] = await halfOpenBoth(
      ours({ failMax: 1, halfOpen: { calls: 2 } }),
      theirs({ halfOpenSampling: { calls: 2, threshold: 0 } }),
    )
    for (let n = 0; n < 2; n++) {
      void mine.call(hangs)
      void other.execute(hangs)
    }
    assert.equal((await errorOf(mine.call(works)))['reason'], 'half-open')
    assert.equal(await stateOf(other.execute(works)), 'pending')
  },
  'The result of a call that began before the opening does not count after the recovery; in cockatiel it does.':
    async () => {
      const mine = ours({ failMax: 1 })
      const other = theirs()
      const late = deferred<string>()
      const calls = [mine.call(() => late.promise), other.execute(() => late.promise)]
      await halfOpenBoth(mine, other)
      await mine.call(works)
      await other.execute(works)
      late.reject(new Error('late'))
      await Promise.allSettled(calls)
      assert.equal(mine.state, 'closed')
      assert.equal(other.state, CircuitState.Open)
    },
  'The circuit opens at `threshold`; cockatiel opens above it.': async () => {
    const mine = ours({ trip: failureRate({ threshold: 0.5, lastCalls: 10, minCalls: 10 }) })
    const other = theirs({ breaker: new CountBreaker({ threshold: 0.5, size: 10 }) })
    for (const call of both(mine, other)) {
      await times(5, () => call(works))
      await times(5, () => call(fails))
    }
    assert.equal(mine.state, 'open')
    assert.equal(other.state, CircuitState.Closed)
    await times(1, () => other.execute(fails))
    assert.equal(other.state, CircuitState.Open)
  },
  'A `threshold` of 1 is legal; cockatiel refuses it.': () => {
    assert.doesNotThrow(() => failureRate({ threshold: 1, lastCalls: 10 }))
    assert.throws(() => new CountBreaker({ threshold: 1, size: 10 }), RangeError)
  },
  "The default is 20, or `lastCalls` if that is less; cockatiel's is `size`.": async () => {
    const mine = ours({ trip: failureRate({ threshold: 0.5, lastCalls: 100 }) })
    const short = ours({ trip: failureRate({ threshold: 0.5, lastCalls: 10 }) })
    const other = theirs({ breaker: new CountBreaker({ threshold: 0.5, size: 100 }) })
    const until = async (call: () => Promise<unknown>, isOpen: () => boolean): Promise<number> => {
      for (let n = 1; ; n++) {
        await call().catch(() => {})
        if (isOpen()) return n
      }
    }
    assert.equal(
      await until(
        () => mine.call(fails),
        () => mine.state === 'open',
      ),
      20,
    )
    assert.equal(
      await until(
        () => short.call(fails),
        () => short.state === 'open',
      ),
      10,
    )
    assert.equal(
      await until(
        () => other.execute(fails),
        () => other.state === CircuitState.Open,
      ),
      100,
    )
  },
  'The circuit opens at `threshold`; a `SamplingBreaker` opens above it.': async () => {
    const mine = ours({ trip: failureRate({ threshold: 0.5, window: 10_000, minCalls: 100 }) })
    const other = theirs({ breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }) })
    for (const call of both(mine, other)) {
      await times(50, () => call(works))
      await times(50, () => call(fails))
    }
    assert.equal(mine.state, 'open')
    assert.equal(other.state, CircuitState.Closed)
    await times(1, () => other.execute(fails))
    assert.equal(other.state, CircuitState.Open)
  },
  'Failures that are older than `window` are forgotten; cockatiel keeps them while there are no calls.':
    async () => {
      const mine = ours({ trip: failureRate({ threshold: 0.5, window: 10_000, minCalls: 10 }) })
      const other = theirs({
        breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 }),
      })
      await times(9, () => mine.call(fails))
      await times(9, () => other.execute(fails))
      await pass(3_600_000)
      await times(1, () => mine.call(fails))
      await times(1, () => other.execute(fails))
      assert.equal(mine.state, 'closed')
      assert.equal(other.state, CircuitState.Open)
    },
  "The default is 20 calls, however long the `window` is; cockatiel's is `5 / threshold` a second, 100 calls in this row.":
    async () => {
      const mine = ours({ trip: failureRate({ threshold: 0.5, window: 10_000 }) })
      const other = theirs({ breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }) })
      await times(20, () => mine.call(fails))
      assert.equal(mine.state, 'open')
      await times(99, () => other.execute(fails))
      assert.equal(other.state, CircuitState.Closed)
      await times(1, () => other.execute(fails))
      assert.equal(other.state, CircuitState.Open)
    },
  'While a probe is in flight, other calls are rejected at once; cockatiel queues them.': async () => {
    const [mine, other] = await halfOpenBoth()
    void mine.call(hangs)
    void other.execute(hangs)
    assert.equal((await errorOf(mine.call(works)))['code'], 'CIRCUIT_OPEN')
    assert.equal(await stateOf(other.execute(works)), 'pending')
  },
  'When the caller aborts, the promise rejects at once; cockatiel waits for `fn`.': async () => {
    const user = new AbortController()
    const call = ours().run(hangs, { signal: user.signal })
    const theirCall = theirs().execute(hangs, user.signal)
    user.abort()
    assert.equal((await errorOf(call)).name, 'AbortError')
    assert.equal(await stateOf(theirCall), 'pending')
  },
  'A signal that has aborted already runs nothing; cockatiel runs `fn`.': async () => {
    let runs = 0
    const count = async (): Promise<number> => ++runs
    await errorOf(ours().run(count, { signal: AbortSignal.abort() }))
    assert.equal(runs, 0)
    assert.equal(await theirs().execute(count, AbortSignal.abort()), 1)
  },
  'One `close()` ends any number of `isolate()`; in cockatiel every handle must be disposed.': async () => {
    const mine = ours()
    const other = theirs()
    mine.isolate()
    mine.isolate()
    const handles = [other.isolate(), other.isolate()]
    mine.close()
    handles[0]?.dispose()
    assert.equal(mine.state, 'closed')
    assert.equal(other.state, CircuitState.Isolated)
    handles[1]?.dispose()
    assert.equal(other.state, CircuitState.Closed)
  },
  "It is `'half-open'` as soon as the open time is over; in cockatiel it is `Open` until the next call.":
    async () => {
      const [mine, other] = await halfOpenBoth()
      assert.equal(mine.state, 'half-open')
      assert.equal(other.state, CircuitState.Open)
      void other.execute(hangs)
      assert.equal(other.state, CircuitState.HalfOpen)
    },
  "The values are strings; cockatiel's are numbers.": () => {
    assert.equal(ours().state, 'closed')
    assert.equal(theirs().state, 0)
  },
  "It has the name and the message; cockatiel's has the error itself.": async () => {
    const error = new RangeError('down')
    const mine = ours()
    const other = theirs()
    await times(1, () => mine.call(() => Promise.reject(error)))
    await times(1, () => other.execute(() => Promise.reject(error)))
    assert.deepEqual(mine.snapshot().lastFailure, { name: 'RangeError', message: 'down' })
    assert.deepEqual(other.lastFailure, { error })
  },
  'Counts in a window are not restored; cockatiel restores them.': async () => {
    const trip = failureRate({ threshold: 0.5, lastCalls: 10 })
    const breaker = (): CountBreaker => new CountBreaker({ threshold: 0.5, size: 10 })
    const mine = ours({ trip })
    const other = theirs({ breaker: breaker() })
    await times(9, () => mine.call(fails))
    await times(9, () => other.execute(fails))
    const mineAgain = ours({ trip, restore: mine.snapshot() })
    const otherAgain = theirs({ breaker: breaker(), initialState: other.toJSON() })
    await times(1, () => mineAgain.call(fails))
    await times(1, () => otherAgain.execute(fails))
    assert.equal(mineAgain.state, 'closed')
    assert.equal(otherAgain.state, CircuitState.Open)
  },
  "The error has `retryAfter`, `reason` and, in `cause`, what opened the circuit; cockatiel's has none of these.":
    async () => {
      const mine = ours({ failMax: 1 })
      const other = theirs()
      await times(1, () => mine.call(fails))
      await times(1, () => other.execute(fails))
      const rejection = await errorOf(mine.call(works))
      assert.equal(rejection['retryAfter'], 60_000)
      assert.equal(rejection['reason'], 'open')
      assert.match(String(rejection.cause), /down/)
      const theirRejection = await errorOf(other.execute(works))
      assert.equal(cockatiel.isBrokenCircuitError(theirRejection), true)
      for (const field of ['retryAfter', 'reason', 'cause']) assert.equal(field in theirRejection, false)
    },
  "A restored breaker has no `lastFailure`; cockatiel's has a `HydratingCircuitError`.": async () => {
    const mine = ours({ failMax: 1 })
    const other = theirs()
    await times(1, () => mine.call(fails))
    await times(1, () => other.execute(fails))
    assert.equal(ours({ restore: mine.snapshot() }).snapshot().lastFailure, null)
    const { lastFailure } = theirs({ initialState: other.toJSON() })
    assert.equal(
      lastFailure && 'error' in lastFailure && cockatiel.isHydratingCircuitError(lastFailure.error),
      true,
    )
  },

  // Open times

  '`error` and `result` are two fields; cockatiel has `result.error` and `result.value`.': async () => {
    const error = new Error('down')
    const contexts: OpenTimeContext[] = []
    const theirContexts: cockatiel.IHalfOpenAfterBackoffContext[] = []
    const timeoutDuration = (context: OpenTimeContext): number => contexts.push(context) * 1_000
    const halfOpenAfter = new cockatiel.DelegateBackoff<cockatiel.IHalfOpenAfterBackoffContext>(
      (context) => theirContexts.push(context) * 1_000,
    )
    const isBad = (result: unknown): boolean => result === 'bad'
    const mine = ours({
      failMax: 1,
      timeoutDuration,
      classifyResult: (result) => (isBad(result) ? 'failure' : undefined),
    })
    const other = theirs({ halfOpenAfter }, handleAll.orWhenResult(isBad))
    for (const call of both(mine, other)) {
      await times(1, () => call(() => Promise.reject(error)))
    }
    await pass(1_000)
    for (const call of both(mine, other)) {
      await times(1, () => call(async () => 'bad'))
    }
    assert.deepEqual(
      contexts.map(({ attempt, error: cause, result }) => ({ attempt, cause, result })),
      [
        { attempt: 1, cause: error, result: undefined },
        { attempt: 2, cause: undefined, result: 'bad' },
      ],
    )
    assert.deepEqual(
      theirContexts.map(({ attempt, result }) => ({ attempt, result })),
      [
        { attempt: 1, result: { error } },
        { attempt: 2, result: { value: 'bad' } },
      ],
    )
  },
  "`initial` is required; cockatiel's default is 128 ms.": () => {
    // @ts-expect-error without `initial`
    assert.throws(() => exponentialBackoff({}), TypeError)
    assert.equal(new ExponentialBackoff({ generator: noJitterGenerator }).next().duration, 128)
  },
  "The default of `max` is an hour; cockatiel's is 30 s.": () => {
    const time = exponentialBackoff({ initial: 1_000, jitter: 'none' })
    assert.equal(time({ attempt: 100, reason: 'failureRate', random: Math.random }), 3_600_000)
    assert.equal(durations(new ExponentialBackoff({ generator: noJitterGenerator }), 100).at(-1), 30_000)
  },
  '`factor` applies with every kind of jitter; in cockatiel `exponent` applies only with the default one.':
    () => {
      const time = exponentialBackoff({ initial: 100, factor: 3, jitter: 'none' })
      const mine = [1, 2, 3].map((attempt) => time({ attempt, reason: 'failureRate', random: Math.random }))
      assert.deepEqual(mine, [100, 300, 900])
      const generator = noJitterGenerator
      const other = new ExponentialBackoff({ initialDelay: 100, exponent: 3, generator })
      assert.deepEqual(durations(other, 3), [100, 200, 400])
    },
  "The first open time is at least half of `initial`; with cockatiel's default it can be zero.": (): void => {
    const time = exponentialBackoff({ initial: 100 })
    assert.equal(time({ attempt: 1, reason: 'failureRate', random: () => 0 }), 50)
    const { random } = Math
    Math.random = () => 0
    try {
      assert.equal(new ExponentialBackoff({ initialDelay: 100 }).next().duration, 0)
    } finally {
      Math.random = random
    }
  },

  // Events

  'A listener that throws does not affect the call; in cockatiel its error replaces that of the call.':
    async () => {
      const mine = ours({ failMax: 1, listeners: [{ stateChange: broken }], onListenerError: () => {} })
      const other = theirs()
      other.onBreak(broken)
      assert.equal((await errorOf(mine.call(fails))).message, 'down')
      assert.equal((await errorOf(other.execute(fails))).message, 'broken listener')
    },
  'A listener that throws does not affect the call; in cockatiel a successful call rejects.': async () => {
    const mine = ours({ listeners: [{ success: broken }], onListenerError: () => {} })
    const other = theirs()
    other.onSuccess(broken)
    assert.equal(await mine.call(works), 'fine')
    assert.equal((await errorOf(other.execute(works))).message, 'broken listener')
  },
  'An error that is not handled is reported to `ignored`; cockatiel calls `onFailure` with `handled: false`.':
    async () => {
      const events: string[] = []
      const mine = ours({ classifyError: () => 'ignored' })
      mine.addListener({ failure: () => events.push('failure'), ignored: () => events.push('ignored') })
      const other = theirs({}, handleType(RangeError))
      other.onFailure(({ handled }) => events.push(`handled: ${handled}`))
      await errorOf(mine.call(fails))
      await errorOf(other.execute(fails))
      assert.deepEqual(events, ['ignored', 'handled: false'])
    },

  // Other policies

  'The signal does not abort when the call succeeds; cockatiel aborts it unless `abortOnReturn` is `false`.':
    async () => {
      const keep = async ({ signal }: { signal: AbortSignal }): Promise<AbortSignal> => signal
      const signal = await ours({ callTimeout: 1_000 }).run(keep)
      const theirSignal = await timeout(1_000, TimeoutStrategy.Aggressive).execute(keep)
      await pass(10_000)
      assert.equal(signal.aborted, false)
      assert.equal(theirSignal.aborted, true)
    },
  "`callTimeout` does not wait for the function to react to its signal; cockatiel's cooperative timeout does.":
    async () => {
      const mine = errorOf(ours({ callTimeout: 1_000 }).run(hangs))
      const other = timeout(1_000, TimeoutStrategy.Cooperative).execute(hangs)
      await pass(1_000)
      assert.equal((await mine)['code'], 'CALL_TIMEOUT')
      assert.equal(await stateOf(other), 'pending')
    },
  "The fallback gets the error; cockatiel's gets nothing.": async () => {
    const count = (...args: unknown[]): number => args.length
    assert.equal(await ours().run(fails, { fallback: count }), 1)
    assert.equal(await cockatiel.fallback(handleAll, count).execute(fails), 0)
  },
  'The method gets its arguments unchanged; cockatiel appends a context.': async () => {
    const count = async (...args: unknown[]): Promise<number> => args.length
    const descriptor = { value: count }
    usePolicy(theirs())({}, 'count', descriptor)
    const guarded = { value: count }
    ours().protect({}, 'count', guarded)
    assert.equal(await guarded.value(1, 2), 2)
    assert.equal(await descriptor.value(1, 2), 3)
  },
})

function durations(backoff: ExponentialBackoff<number>, count: number): number[] {
  const found: number[] = []
  for (let each = backoff.next(); found.length < count; each = each.next(undefined)) found.push(each.duration)
  return found
}

/** Each rule of cockatiel, and what docs/migration.md says is the same. */
const replacements = [
  {
    name: 'ConsecutiveBreaker',
    theirs: () => new ConsecutiveBreaker(5),
    ours: () => ({ failMax: 5 }),
  },
  {
    name: 'CountBreaker',
    theirs: () => new CountBreaker({ threshold: 0.5, size: 100 }),
    ours: () => ({ trip: failureRate({ threshold: 0.501, lastCalls: 100, minCalls: 100 }) }),
  },
  {
    name: 'SamplingBreaker',
    theirs: () => new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
    ours: () => ({ trip: failureRate({ threshold: 0.501, window: 10_000, minCalls: 100 }) }),
  },
] as const

for (const { name, theirs: breaker, ours: options } of replacements) {
  it(`the replacement for ${name} in docs/migration.md opens after the same call`, async () => {
    let opened = 0
    for (let seed = 1; seed <= 100; seed++) {
      const mine = new CircuitBreaker(options())
      const other = theirs({ breaker: breaker() })
      const expected = await opensAt(
        200,
        seeded(seed),
        (task) => other.execute(task),
        () => other.state === CircuitState.Open,
      )
      const call = (task: () => Promise<unknown>): Promise<unknown> => mine.call(task)
      assert.equal(await opensAt(200, seeded(seed), call, () => mine.state === 'open'), expected)
      if (expected !== undefined) opened++
    }
    assert.ok(opened > 50, `${opened} of 100 opened`)
  })
}

it('the replacements for the backoffs in docs/migration.md return the same open times', () => {
  const list = [1_000, 5_000, 10_000]
  const iterable = ({ attempt }: { attempt: number }): number | undefined =>
    list[Math.min(attempt, list.length) - 1]
  const theirList = new IterableBackoff(list)
  const exponential = exponentialBackoff({ initial: 128, max: 30_000, jitter: 'none' })
  const theirExponential = durations(new ExponentialBackoff({ generator: noJitterGenerator }), 12)
  let each = theirList.next(undefined)
  for (let attempt = 1; attempt <= 12; attempt++) {
    assert.equal(iterable({ attempt }), each.duration)
    assert.equal(
      exponential({ attempt, reason: 'manual', random: Math.random }),
      theirExponential[attempt - 1],
    )
    each = each.next(undefined)
  }
})
