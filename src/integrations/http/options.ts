import type { CircuitBreaker } from '../../breaker.ts'
import { honorRetryAfter } from '../../base/backoff.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from '../../options.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import type { Outcome } from '../../base/state.ts'
import { check, checkFunction, positive, readOptions } from '../../base/validate.ts'
import { aRegistry, checkSource, eachBreaker } from '../options.ts'

/** The options that the integrations for HTTP clients share. `R` is what the client knows of a request. */
export interface HttpBreakerOptions<R> {
  /**
   * Which breaker a request goes through. Default: one per origin, such as `https://api.example.com`. A request for which
   * it returns `undefined` is not guarded; nor is one without an origin, such as a `data:` URL.
   */
  readonly key?: ((request: R) => string | undefined) | undefined
  /**
   * The options of each breaker, or a function that makes them for a key. `Retry-After` is honoured, up to an hour, if
   * `timeoutDuration` is a number or left out; a function decides by itself, see `honorRetryAfter`. `callTimeout` limits
   * the time until the headers are there.
   */
  readonly breaker?: CircuitBreakerOptions | ((key: string) => CircuitBreakerOptions) | undefined
  /** A registry of yours or of another integration to take the breakers from, instead of `breaker`. */
  readonly registry?: CircuitBreakerRegistry | undefined
  /**
   * What a status says about the server; `undefined` leaves it to the default: 5xx, 429 and 408 are failures, all others
   * successes.
   */
  readonly classifyStatus?: ((status: number) => Outcome | undefined) | undefined
  /**
   * Milliseconds for which a body may be left unread before the call is judged without it, by its status. Default 5,000.
   */
  readonly releaseAfter?: number | undefined
}

/** What the integration has, for a monitor to watch or another integration to share. */
export interface WithRegistry {
  /** The breakers, by their keys. */
  readonly registry: CircuitBreakerRegistry
}

/** A call that waits for the end of a body. */
export interface Waiting {
  /** When to look whether the wait is worth it, by `performance.now()`. */
  readonly checkAt: number
  check(): void
}

/** How the requests of one client are guarded. */
export interface HttpSettings<R> {
  readonly registry: CircuitBreakerRegistry
  readonly classifyStatus: ((status: number) => Outcome | undefined) | undefined
  readonly releaseAfter: number
  /** Those who wait for the end of a body, the longest first. */
  readonly waiting: Set<Waiting>
  /** The breaker for a request; `undefined` if it is not to be guarded. */
  breakerFor(request: R, origin: () => string | undefined): CircuitBreaker | undefined
}

export function readHttpOptions<R>(options: HttpBreakerOptions<R>, what: string): HttpSettings<R> {
  const given = readOptions<HttpBreakerOptions<R>>(
    options,
    {
      key: checkFunction,
      breaker: eachBreaker,
      registry: aRegistry,
      classifyStatus: checkFunction,
      releaseAfter: positive,
    },
    what,
  )
  const { key, breaker = {}, classifyStatus, releaseAfter = 5_000 } = given
  checkSource(given)
  const registry =
    given.registry ??
    new CircuitBreakerRegistry({
      options: (name) => withRetryAfter(typeof breaker === 'function' ? breaker(name) : breaker),
    })
  let warned = false

  function keyFor(request: R, origin: () => string | undefined): string | undefined {
    if (!key) return origin()
    try {
      const answer: unknown = key(request)
      check(
        answer === undefined || typeof answer === 'string',
        'the answer of `key`',
        'a string or undefined',
        answer,
      )
      return answer
    } catch (error) {
      // A request must not fail because of it, nor share a breaker that it may have nothing to do with.
      if (!warned) warn(`A request is not guarded: ${renderError(error)}`)
      warned = true
      return undefined
    }
  }

  return {
    registry,
    classifyStatus,
    releaseAfter,
    waiting: new Set(),
    breakerFor(request, origin) {
      const name = keyFor(request, origin)
      return name === undefined ? undefined : registry.get(name)
    },
  }
}

function withRetryAfter(options: CircuitBreakerOptions): CircuitBreakerOptions {
  const given = readCircuitOptions(options)
  const { timeoutDuration = 60_000 } = given
  if (typeof timeoutDuration === 'function') return given
  return { ...given, timeoutDuration: honorRetryAfter(timeoutDuration) }
}

/** The origin of a URL, where it has one that says which server is meant. */
export function originOf(url: string | URL, base?: string): string | undefined {
  let origin: string
  try {
    ;({ origin } = new URL(url, base ?? (globalThis as { location?: { href?: string } }).location?.href))
  } catch {
    return undefined // relative to nothing; the client says so
  }
  return origin === 'null' ? undefined : origin
}
