import { check, isObject, type Check } from '../base/validate.ts'
import { readCircuitOptions } from '../options.ts'
import { CircuitBreakerRegistry } from '../registry.ts'

// The checks of the options by which an integration gets its breakers.

/** The options of each breaker, or a function that makes them. */
export const eachBreaker: Check = (value, name) => {
  if (typeof value === 'function') return undefined
  check(isObject(value), name, 'an object or a function', value)
  return readCircuitOptions(value)
}

export const aRegistry: Check = (value, name) =>
  check(value instanceof CircuitBreakerRegistry, name, 'a CircuitBreakerRegistry', value)

/** The breakers of a registry that is given have their options already. */
export function checkSource(given: { readonly registry?: unknown; readonly breaker?: unknown }): void {
  const isOne = given.registry === undefined || given.breaker === undefined
  check(isOne, 'breaker', 'left out where `registry` is given', given.breaker)
}
