import { exponentialBackoff } from '../../base/backoff.ts'
import { CircuitBreaker } from '../../breaker.ts'
import { isCircuitBreakerError } from '../../base/errors.ts'
import type { CircuitBreakerOptions } from '../../options.ts'
import { anyOf } from '../../trip/combine.ts'
import { consecutiveFailures } from '../../trip/consecutive-failures.ts'
import { failureRate } from '../../trip/failure-rate.ts'
import { slowCallRate } from '../../trip/slow-call-rate.ts'
import type { Service } from './service.ts'

/** The dependencies of the shop, each behind a breaker with other options. The page shows `about`. */
export const DEPENDENCIES: readonly {
  readonly about: string
  readonly options: CircuitBreakerOptions & { name: string }
}[] = [
  {
    about: 'opens after 5 failures in a row, for 5 s',
    options: { name: 'prices', failMax: 5, timeoutDuration: 5_000, callTimeout: 1_000 },
  },
  {
    about: 'opens after 10 failures in a row or at half of the calls of 10 s, for 5 s',
    options: {
      name: 'stock',
      trip: anyOf(consecutiveFailures(10), failureRate({ threshold: 0.5, window: 10_000 })),
      timeoutDuration: 5_000,
      callTimeout: 1_000,
    },
  },
  {
    about: 'opens after 3 failures in a row, ever longer; closes after 3 good probes',
    options: {
      name: 'payments',
      failMax: 3,
      timeoutDuration: exponentialBackoff({ initial: 2_000, max: 30_000 }),
      halfOpen: { successes: 3, concurrent: 1 },
      callTimeout: 1_000,
    },
  },
  {
    about: 'opens when half of the last 20 calls fail or take longer than 300 ms, for 5 s',
    options: {
      name: 'search',
      trip: anyOf(
        slowCallRate({ threshold: 0.5, slowerThan: 300, lastCalls: 20 }),
        failureRate({ threshold: 0.5, lastCalls: 20 }),
      ),
      timeoutDuration: 5_000,
      callTimeout: 1_000,
    },
  },
  {
    about: 'only observes: reports what it would do and rejects nothing',
    options: { name: 'reviews', failMax: 5, timeoutDuration: 5_000, callTimeout: 1_000, mode: 'observe' },
  },
]

/** Counts the calls to one dependency by how they have ended. */
export interface Tally {
  answered: number
  /** Errors and timeouts. */
  failed: number
  /** Calls that the breaker did not admit. */
  rejected: number
}

/** A dependency: calls one part of the service through a breaker. */
export class Dependency {
  readonly about: string
  readonly breaker: CircuitBreaker
  readonly tally: Tally = { answered: 0, failed: 0, rejected: 0 }
  readonly #url: string

  constructor(about: string, options: CircuitBreakerOptions & { name: string }, service: Service) {
    this.about = about
    this.breaker = new CircuitBreaker(options)
    this.#url = service.urlOf(options.name)
  }

  get name(): string {
    return this.breaker.name
  }

  /** Makes a call, and counts how it ends. Never rejects. A call that `signal` ends early is not counted. */
  async call(signal: AbortSignal): Promise<void> {
    try {
      await this.breaker.run((context) => this.#request(context.signal), { signal })
      this.tally.answered++
    } catch (error) {
      if (signal.aborted) return
      if (isCircuitBreakerError(error)) this.tally.rejected++
      else this.tally.failed++
    }
  }

  async #request(signal: AbortSignal): Promise<string> {
    const response = await fetch(this.#url, { signal })
    const text = await response.text()
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return text
  }
}
