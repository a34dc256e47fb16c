import type { CircuitBreaker } from '../../breaker.ts'
import { honorRetryAfter } from '../../base/backoff.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from '../../options.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import type { Outcome } from '../../base/state.ts'
import { check, checkFunction, positive, readOptions } from '../../base/validate.ts'
import { aRegistry, checkSource, eachBreaker } from '../options.ts'

/** The options that the HTTP client integrations share. `R` is the request as `key` receives it. */
export interface HttpBreakerOptions<R> {
  /**
   * Returns the key of the breaker that guards a request, or `undefined` to leave the request unguarded. If it throws
   * or returns anything else, the request is unguarded too, and the process is warned once.
   *
   * @default the origin of the request, such as `https://api.example.com`; a request without one, such as for a `data:`
   *   URL, is unguarded
   */
  readonly key?: ((request: R) => string | undefined) | undefined
  /**
   * The options of each breaker, or a function that returns them for a key. If `timeoutDuration` is a number or left
   * out, a `Retry-After` header extends it, up to an hour; if it is a function, wrap it in `honorRetryAfter` for the
   * same. `callTimeout` limits the time until the response headers arrive.
   *
   * @default {}
   */
  readonly breaker?: CircuitBreakerOptions | ((key: string) => CircuitBreakerOptions) | undefined
  /**
   * The registry to take the breakers from, instead of `breaker`: your own, or that of another integration. Its
   * breakers honor `Retry-After` only if their own options do.
   *
   * @default a new registry for this client
   */
  readonly registry?: CircuitBreakerRegistry | undefined
  /**
   * Returns the outcome of a call whose response has this status, or `undefined` for the default.
   *
   * @default 5xx, 429 and 408 are failures, all other statuses are successes
   */
  readonly classifyStatus?: ((status: number) => Outcome | undefined) | undefined
  /**
   * Milliseconds that a response body may stay unread before the call is settled by its status alone. Half of
   * `probeTimeout` applies if that is shorter. The body of a probe is limited even while it is read, so that an endless
   * stream does not keep the circuit half-open.
   *
   * @default 5_000
   */
  readonly releaseAfter?: number | undefined
}

/** Gives access to the breakers of a guarded client, for a monitor to watch or for another integration to share. */
export interface WithRegistry {
  /** The breakers by key. */
  readonly registry: CircuitBreakerRegistry
}

/** A call that waits for the end of a response body. */
export interface Waiting {
  /** When the next check is due, in milliseconds on the default clock. */
  readonly checkAt: number
  /** Settles the call if there is no point in waiting longer. */
  check(): void
}

/** The validated options of one client, and the state that its calls share. */
export interface HttpSettings<R> {
  readonly registry: CircuitBreakerRegistry
  readonly classifyStatus: ((status: number) => Outcome | undefined) | undefined
  readonly releaseAfter: number
  /** The calls that wait for the end of a body, the least recently checked first. */
  readonly waiting: Set<Waiting>
  /** Returns the breaker for a request, or `undefined` if the request is unguarded. */
  breakerFor(request: R, origin: () => string | undefined): CircuitBreaker | undefined
}

/** Validates the options of a client. `optionsName` names them in error messages. */
export function readHttpOptions<R>(options: HttpBreakerOptions<R>, optionsName: string): HttpSettings<R> {
  const given = readOptions<HttpBreakerOptions<R>>(
    options,
    {
      key: checkFunction,
      breaker: eachBreaker,
      registry: aRegistry,
      classifyStatus: checkFunction,
      releaseAfter: positive,
    },
    optionsName,
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
      const result: unknown = key(request)
      check(
        result === undefined || typeof result === 'string',
        'the answer of `key`',
        'a string or undefined',
        result,
      )
      return result
    } catch (error) {
      // A broken `key` must neither fail the request nor make it share a breaker with unrelated requests.
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

/** Makes the open time honor `Retry-After`, unless the user computes it with a function. */
function withRetryAfter(options: CircuitBreakerOptions): CircuitBreakerOptions {
  const given = readCircuitOptions(options)
  const { timeoutDuration = 60_000 } = given
  if (typeof timeoutDuration === 'function') return given
  return { ...given, timeoutDuration: honorRetryAfter(timeoutDuration) }
}

/** Returns the origin of a URL, or `undefined` if it has none that identifies a server. */
export function originOf(url: string | URL, base?: string): string | undefined {
  let origin: string
  try {
    ;({ origin } = new URL(url, base ?? (globalThis as { location?: { href?: string } }).location?.href))
  } catch {
    return undefined // invalid, or relative without a base: the client reports it
  }
  return origin === 'null' ? undefined : origin
}
