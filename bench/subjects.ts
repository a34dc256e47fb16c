import { cockatiel, monitor, Opossum, recloser, storage } from './libraries.ts'

const { CircuitBreaker, CircuitBreakerRegistry, failureRate } = recloser
const { CircuitBreakerMonitor } = monitor
const { MemoryStorage } = storage
const { circuitBreaker, ConsecutiveBreaker, CountBreaker, handleAll, SamplingBreaker } = cockatiel

/** A thing to measure. `make` builds a new one for each round, so that no round inherits the state of another. */
export interface Subject {
  readonly title: string
  readonly make: () => Made | Promise<Made>
  /** Whether `run` is synchronous: its result then has to be kept from being optimized away. */
  readonly sync?: true
  /** Calls per sample and number of samples, for subjects that slow down the more often they run. */
  readonly few?: { readonly batch: number; readonly samples: number }
}

export interface Made {
  readonly run: () => unknown
  readonly dispose?: () => void
}

// The work behind every breaker: the cheapest asynchronous call possible.
const work = async (): Promise<number> => 42
const workSync = (): number => 42
const failure = new Error('the dependency failed')
const failing = (): Promise<never> => Promise.reject(failure)
const swallow = (): void => {}
const passOn = <T>(value: T): T => value
const rethrow = (error: unknown): never => {
  throw error
}
const MINUTE = 60_000

function viaOpossum(options?: ConstructorParameters<typeof Opossum>[1], action = work): Made {
  const breaker = new Opossum(action, options)
  return { run: () => breaker.fire(), dispose: () => breaker.shutdown() }
}

export const subjects = {
  bare: { title: 'the bare awaited call', make: () => ({ run: work }) },
  floor: {
    title: 'the least that a guard can do: then(f, g)',
    make: () => ({ run: () => work().then(passOn, rethrow) }),
  },
  call: {
    title: 'recloser, call',
    make() {
      const breaker = new CircuitBreaker()
      return { run: () => breaker.call(work) }
    },
  },
  wrap: {
    title: 'recloser, wrap',
    make() {
      const guarded = new CircuitBreaker().wrap(work)
      return { run: () => guarded() }
    },
  },
  watched: {
    title: 'recloser, call, watched by a monitor',
    make() {
      const breaker = new CircuitBreaker()
      const watch = new CircuitBreakerMonitor().watch(breaker)
      return { run: () => breaker.call(work), dispose: () => watch[Symbol.dispose]() }
    },
  },
  shared: {
    title: 'recloser, call, with a storage',
    async make() {
      const breaker = new CircuitBreaker({ name: 'payments', storage: new MemoryStorage() })
      await breaker.call(work)
      await breaker.flush()
      return { run: () => breaker.call(work) }
    },
  },
  clock: { title: 'reading the clock', sync: true, make: () => ({ run: () => performance.now() }) },
  cockatielConsecutive: {
    title: 'cockatiel, ConsecutiveBreaker',
    make() {
      const breaker = circuitBreaker(handleAll, { halfOpenAfter: MINUTE, breaker: new ConsecutiveBreaker(5) })
      return { run: () => breaker.execute(work) }
    },
  },
  opossumDefaults: { title: 'opossum, defaults', make: () => viaOpossum() },
  opossumNoTimeout: { title: 'opossum, timeout: false', make: () => viaOpossum({ timeout: false }) },
  timeWindow: {
    title: 'recloser, failureRate over 10 s',
    make() {
      const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, window: 10_000 }) })
      return { run: () => breaker.call(work) }
    },
  },
  cockatielSampling: {
    title: 'cockatiel, SamplingBreaker over 10 s',
    make() {
      const breaker = circuitBreaker(handleAll, {
        halfOpenAfter: MINUTE,
        breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
      })
      return { run: () => breaker.execute(work) }
    },
  },
  countWindow: {
    title: 'recloser, failureRate over 100 calls',
    make() {
      const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, lastCalls: 100 }) })
      return { run: () => breaker.call(work) }
    },
  },
  cockatielCount: {
    title: 'cockatiel, CountBreaker over 100 calls',
    make() {
      const breaker = circuitBreaker(handleAll, {
        halfOpenAfter: MINUTE,
        breaker: new CountBreaker({ threshold: 0.5, size: 100 }),
      })
      return { run: () => breaker.execute(work) }
    },
  },
  rejection: {
    title: 'recloser, open',
    async make() {
      const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration: 60 * MINUTE })
      await breaker.call(failing).catch(swallow)
      return { run: () => breaker.call(work).catch(swallow) }
    },
  },
  cockatielRejection: {
    title: 'cockatiel, open',
    async make() {
      const breaker = circuitBreaker(handleAll, {
        halfOpenAfter: 60 * MINUTE,
        breaker: new ConsecutiveBreaker(1),
      })
      await breaker.execute(failing).catch(swallow)
      return { run: () => breaker.execute(work).catch(swallow) }
    },
  },
  opossumRejection: {
    title: 'opossum, open',
    async make() {
      const breaker = new Opossum(failing, { resetTimeout: 60 * MINUTE })
      await breaker.fire().catch(swallow)
      return { run: () => breaker.fire().catch(swallow), dispose: () => breaker.shutdown() }
    },
  },
  bareFailure: { title: 'the bare failing call', make: () => ({ run: () => failing().catch(swallow) }) },
  failureFloor: {
    title: 'the least that a guard can do for it',
    make: () => ({ run: () => failing().then(passOn, rethrow).catch(swallow) }),
  },
  failure: {
    title: 'recloser, failing call',
    make() {
      const breaker = new CircuitBreaker({ failMax: Number.MAX_SAFE_INTEGER })
      return { run: () => breaker.call(failing).catch(swallow) }
    },
  },
  cockatielFailure: {
    title: 'cockatiel, failing call',
    make() {
      const breaker = circuitBreaker(handleAll, {
        halfOpenAfter: MINUTE,
        breaker: new ConsecutiveBreaker(Infinity),
      })
      return { run: () => breaker.execute(failing).catch(swallow) }
    },
  },
  opossumFailure: {
    title: 'opossum, failing call, up to 1,000 calls in its window',
    few: { batch: 64, samples: 14 },
    make() {
      const breaker = new Opossum(failing, { errorThresholdPercentage: 100 })
      return { run: () => breaker.fire().catch(swallow), dispose: () => breaker.shutdown() }
    },
  },
  bareSync: { title: 'the bare synchronous call', sync: true, make: () => ({ run: workSync }) },
  callSync: {
    title: 'recloser, callSync',
    sync: true,
    make() {
      const breaker = new CircuitBreaker()
      return { run: () => breaker.callSync(workSync) }
    },
  },
  permit: {
    title: 'recloser, acquire() and success()',
    sync: true,
    make() {
      const breaker = new CircuitBreaker()
      return { run: () => breaker.acquire().success() }
    },
  },
  registry: {
    title: 'recloser, registry.get() among 1,000 keys',
    sync: true,
    make() {
      const registry = new CircuitBreakerRegistry({ options: () => ({}), max: 1_000 })
      const keys = Array.from({ length: 1_000 }, (_, n) => `host-${n}.example.com`)
      for (const key of keys) registry.get(key)
      let next = 0
      return { run: () => registry.get(keys[next++ % 1_000] ?? '') }
    },
  },
} satisfies Record<string, Subject>

export type SubjectName = keyof typeof subjects
