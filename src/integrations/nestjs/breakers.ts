import type { CircuitBreaker } from '../../breaker.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from '../../options.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import type { Outcome } from '../../base/state.ts'
import { aString, check, isObject, readOptions } from '../../base/validate.ts'
import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { aMonitor, eachBreaker, UNBOUNDED } from '../server/options.ts'

/** The options of `CircuitBreakerModule.forRoot`. */
export interface CircuitBreakerModuleOptions {
  /**
   * The options of every breaker, or a function that returns the options for a name. Options in `forFeature` override
   * them.
   *
   * @default {}
   */
  readonly breaker?: CircuitBreakerOptions | ((name: string) => CircuitBreakerOptions) | undefined
  /**
   * The monitor that watches the breakers.
   *
   * @default a new monitor
   */
  readonly monitor?: CircuitBreakerMonitor | undefined
}

/** A breaker in `CircuitBreakerModule.forFeature`: its name, or its name and the options that differ from `forRoot`. */
export type CircuitBreakerFeature = string | (CircuitBreakerOptions & { readonly name: string })

/** The breakers of one application, by name. */
export class NestBreakers {
  readonly registry: CircuitBreakerRegistry
  readonly monitor: CircuitBreakerMonitor | undefined
  readonly #features = new Map<string, CircuitBreakerOptions>()

  constructor(options: CircuitBreakerModuleOptions) {
    const { breaker = {}, monitor } = readOptions<CircuitBreakerModuleOptions>(
      options,
      { breaker: eachBreaker, monitor: aMonitor },
      'CircuitBreakerModule options',
    )
    this.monitor = monitor
    this.registry = new CircuitBreakerRegistry({
      options: (name) => {
        const common = typeof breaker === 'function' ? readCircuitOptions(breaker(name)) : breaker
        return withHttpExceptions(merge(common, this.#features.get(name)))
      },
      max: UNBOUNDED,
    })
  }

  /**
   * Returns the breaker of a feature.
   *
   * @throws {Error} when its options come after the first use of the breaker, or were already given elsewhere.
   */
  define(feature: CircuitBreakerFeature): CircuitBreaker {
    if (typeof feature === 'string') return this.registry.get(feature)
    const { name } = feature
    const previous = this.#features.get(name)
    if (previous === undefined && this.registry.has(name)) {
      throw new Error(
        `Expected the options of the circuit breaker "${name}" to be given before its first use: ` +
          'inject it where it is used, or give its options in CircuitBreakerModule.forRoot',
      )
    }
    if (previous !== undefined && previous !== feature) {
      throw new Error(
        `Expected the options of the circuit breaker "${name}" to be given once: ` +
          'other modules just name it, forFeature([name])',
      )
    }
    this.#features.set(name, feature)
    return this.registry.get(name)
  }
}

export function checkFeatures(features: unknown): asserts features is readonly CircuitBreakerFeature[] {
  check(Array.isArray(features), 'features', 'an array of names and options', features)
  for (const [index, feature] of (features as unknown[]).entries()) {
    const label = `features[${index}]`
    if (typeof feature === 'string') continue
    check(isObject(feature), label, 'a name, or options with a name', feature)
    aString(feature['name'], `${label}.name`)
    readCircuitOptions(feature, label, `${label}.`)
  }
}

/**
 * Merges the options; `own` overrides `common`. A trip rule in `own` replaces the common one, as `trip` or as
 * `failMax`.
 */
function merge(
  common: CircuitBreakerOptions,
  feature: CircuitBreakerOptions | undefined,
): CircuitBreakerOptions {
  if (!feature) return common
  const own = readCircuitOptions(feature)
  const hasRule = own.trip !== undefined || own.failMax !== undefined
  const rule = hasRule ? { trip: undefined, failMax: undefined } : {}
  return { ...common, ...rule, ...own }
}

/**
 * Adds a default to `classifyError`: an HTTP exception of Nest with a status below 500, such as 404, is the client's
 * fault, so the call counts as a success.
 */
function withHttpExceptions(options: CircuitBreakerOptions): CircuitBreakerOptions {
  const { classifyError } = options
  return {
    ...options,
    classifyError: (error) => classifyError?.(error) ?? classifyHttpException(error),
  }
}

function classifyHttpException(error: unknown): Outcome | undefined {
  const { getStatus } = (error ?? {}) as { getStatus?: unknown }
  if (typeof getStatus !== 'function') return undefined
  const status: unknown = Reflect.apply(getStatus, error, [])
  return typeof status === 'number' && status < 500 ? 'success' : undefined
}
