import {
  CircuitBreaker,
  exponentialBackoff,
  failureRate,
  slowCallRate,
  type CircuitBreakerOptions,
} from 'recloser'

/** The fake time of a test runner. */
export interface FakeTime {
  install(): unknown
  advance(ms: number): unknown
  uninstall(): unknown
}

/** What a breaker does in faked time: what it has observed, and what is expected. */
type Scenario = (
  make: (options?: CircuitBreakerOptions) => CircuitBreaker,
  advance: (ms: number) => unknown,
) => Promise<[observed: readonly unknown[], expected: readonly unknown[]]>

const fail = (breaker: CircuitBreaker): void => {
  breaker.acquire().failure(new Error('down'))
}
const forever = (): Promise<never> => new Promise(() => {})

const scenarios: Readonly<Record<string, Scenario>> = {
  'an opening': async (make, advance) => {
    const breaker = make({ failMax: 1 })
    fail(breaker)
    const seen: unknown[] = [breaker.state, breaker.retryAfter]
    await advance(59_999)
    seen.push(breaker.state, breaker.retryAfter, breaker.tryAcquire())
    await advance(1)
    seen.push(breaker.state, breaker.retryAfter)
    return [seen, ['open', 60_000, 'open', 1, undefined, 'half-open', 0]]
  },
  backoff: async (make, advance) => {
    const timeoutDuration = exponentialBackoff({ initial: 1_000, jitter: 'none' })
    const breaker = make({ failMax: 1, timeoutDuration })
    fail(breaker)
    await advance(1_000)
    fail(breaker)
    await advance(1_999)
    const before = breaker.state
    await advance(1)
    return [
      [before, breaker.state],
      ['open', 'half-open'],
    ]
  },
  'a window': async (make, advance) => {
    // Of one bucket per millisecond, so that it is exact to the millisecond.
    const breaker = make({ trip: failureRate({ threshold: 1, minCalls: 9, window: 1_000, buckets: 1_000 }) })
    fail(breaker)
    await advance(999)
    const before = breaker.snapshot().counts.failures
    await advance(1)
    return [
      [before, breaker.snapshot().counts.failures],
      [1, 0],
    ]
  },
  'a lease': async (make, advance) => {
    const breaker = make({ probeTimeout: 2_000 })
    breaker.halfOpen()
    breaker.acquire()
    await advance(1_999)
    const before = breaker.snapshot()
    await advance(1)
    const { state, tripReason } = breaker.snapshot()
    return [
      [before.state, before.retryAfter, state, tripReason],
      ['half-open', 1, 'open', 'probeTimeout'],
    ]
  },
  'a duration': async (make, advance) => {
    const durations: unknown[] = []
    const breaker = make({ listeners: [{ success: ({ duration }) => durations.push(duration) }] })
    const permit = breaker.acquire()
    await advance(250)
    permit.success()
    return [durations, [250]]
  },
  'a slow call': async (make, advance) => {
    const breaker = make({ trip: slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 100, lastCalls: 1 }) })
    const [first, second] = [breaker.acquire(), breaker.acquire()]
    await advance(100)
    first.success()
    const before = breaker.state
    await advance(1)
    second.success()
    return [
      [before, breaker.state],
      ['closed', 'open'],
    ]
  },
  'a timeout': async (make, advance) => {
    const breaker = make({ callTimeout: 500 })
    let code: unknown = 'pending'
    breaker.call(forever).catch((error) => (code = error.code))
    await advance(499)
    const before = code
    await advance(1)
    return [
      [before, code],
      ['pending', 'CALL_TIMEOUT'],
    ]
  },
  'a caller that waits': async (make, advance) => {
    const breaker = make()
    breaker.open({ for: 5_000 })
    let isReady = false
    void breaker.ready().then(() => (isReady = true))
    await advance(4_999)
    const before = isReady
    await advance(1)
    return [
      [before, isReady],
      [false, true],
    ]
  },
  'a caller that waits for a circuit which is closed': async (make) => {
    const breaker = make()
    breaker.isolate()
    const answer = breaker.ready().then(() => breaker.call(() => 'done'))
    breaker.close()
    return [[await answer], ['done']]
  },
  'the escalation': async (make, advance) => {
    const breaker = make({ attemptDecay: 1_000, timeoutDuration: 0, failMax: 1 })
    fail(breaker)
    breaker.acquire().success()
    await advance(999)
    const before = breaker.snapshot().attempt
    await advance(1)
    return [
      [before, breaker.snapshot().attempt],
      [1, 0],
    ]
  },
}

/** A breaker that exists, and has read the clock, before the time is faked. */
function used(options?: CircuitBreakerOptions): CircuitBreaker {
  const breaker = new CircuitBreaker(options)
  breaker.open()
  breaker.close()
  return breaker
}

/** Tests that a runner's fake time moves everything. Each returns what it observed and what is expected. */
export function fakeTimeCases(time: FakeTime): [name: string, run: () => ReturnType<Scenario>][] {
  const faked = Object.entries(scenarios).map(([name, scenario]): [string, () => ReturnType<Scenario>] => [
    `moves ${name}`,
    async () => {
      await time.install()
      try {
        return await scenario((options) => new CircuitBreaker(options), time.advance)
      } finally {
        await time.uninstall()
      }
    },
  ])
  const earlier = Object.entries(scenarios).map(([name, scenario]): [string, () => ReturnType<Scenario>] => [
    `moves ${name} of a breaker that is older than the fake time`,
    async () => {
      let installed = false
      const make = (options?: CircuitBreakerOptions): CircuitBreaker => {
        const breaker = used(options)
        void time.install()
        installed = true
        return breaker
      }
      try {
        return await scenario(make, time.advance)
      } finally {
        if (installed) await time.uninstall()
      }
    },
  ])
  return [
    ...faked,
    ...earlier,
    [
      'counts what was faked before the first look',
      async () => {
        const breaker = new CircuitBreaker({ probeTimeout: 3_600_000 })
        breaker.halfOpen()
        breaker.acquire()
        await time.install()
        try {
          await time.advance(3_600_000)
          return [[breaker.state], ['open']]
        } finally {
          await time.uninstall()
        }
      },
    ],
    [
      'goes on at normal speed when the time is real again',
      async () => {
        const breaker = new CircuitBreaker()
        await time.install()
        breaker.open({ for: 3_600_000 })
        await time.advance(10)
        const faked = breaker.retryAfter
        await time.uninstall()
        // Real time has passed since the process began: a clock that did not notice the change would jump by that.
        const jump = faked - breaker.retryAfter
        return [
          [faked, jump >= 0, jump < performance.now() / 2],
          [3_599_990, true, true],
        ]
      },
    ],
  ]
}
