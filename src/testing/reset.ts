import { CircuitBreaker } from '../breaker.ts'
import { check, isObject } from '../base/validate.ts'

/** What {@link resetBreakers} resets: a breaker, a registry, or an iterable, map or list of lists of breakers. */
export type Resettable =
  | CircuitBreaker
  | Iterable<CircuitBreaker | readonly CircuitBreaker[] | readonly [key: unknown, breaker: CircuitBreaker]>

/**
 * Returns breakers to the state in which they were created, for tests that share breakers of a module. Each is closed,
 * with its initial options and mode, and all its counts are at 0; a breaker that was created from a snapshot is closed
 * too. Calls in flight become late: what they do in a later test changes nothing. Listeners and the statistics of
 * monitors stay. A fleet is closed for all of its members.
 *
 * @throws {TypeError} when a target is neither a breaker of this copy of the package nor an iterable of them; then no
 * breaker is reset.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, CircuitBreakerRegistry } from 'recloser'
 * import { resetBreakers } from 'recloser/testing'
 *
 * const payments = new CircuitBreaker({ name: 'payments' })
 * const hosts = new CircuitBreakerRegistry()
 * hosts.get('example.com').isolate()
 * payments.mode = 'off'
 *
 * resetBreakers(payments, hosts) // in `afterEach` of any test runner
 * console.log(hosts.get('example.com').state, payments.mode) // closed enforce
 * ```
 */
export function resetBreakers(...targets: readonly Resettable[]): void {
  for (const breaker of new Set(targets.flatMap(breakersOf))) {
    CircuitBreaker.circuitOf(breaker)?.reset()
    breaker.close()
  }
}

function breakersOf(target: Resettable): CircuitBreaker[] {
  if (isBreaker(target)) return [target]
  check(isObject(target) && Symbol.iterator in target, 'target', EXPECTED, target)
  return Array.from(target).flatMap((entry: unknown) => {
    // An entry of a map, or a list: nothing tells `[key, breaker]` from two breakers.
    const entries: unknown[] = Array.isArray(entry) ? entry : [entry]
    const found = entries.filter(isBreaker)
    check(found.length > 0 || entries.length === 0, 'target', EXPECTED, entry)
    return found
  })
}

const EXPECTED =
  'a CircuitBreaker, a CircuitBreakerRegistry or an iterable of breakers, of this copy of the package'

function isBreaker(value: unknown): value is CircuitBreaker {
  return isObject(value) && CircuitBreaker.circuitOf(value) !== undefined
}
