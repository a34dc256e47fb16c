import { check, isObject, type Check } from '../base/validate.ts'
import { readCircuitOptions } from '../options.ts'
import { CircuitBreakerRegistry } from '../registry.ts'

// Checks for the options that tell an integration where its breakers come from.

/** Checks a `breaker` option: the options of each breaker, which are validated now, or a function that returns them. */
export const eachBreaker: Check = (value, name) => {
  if (typeof value === 'function') return undefined
  check(isObject(value), name, 'an object or a function', value)
  return readCircuitOptions(value, name, `${name}.`)
}

export const aRegistry: Check = (value, name) =>
  check(value instanceof CircuitBreakerRegistry, name, 'a CircuitBreakerRegistry', value)

/** Rejects `breaker` next to `registry`: the breakers of that registry already have their options. */
export function checkSource(given: { readonly registry?: unknown; readonly breaker?: unknown }): void {
  const isExclusive = given.registry === undefined || given.breaker === undefined
  check(isExclusive, 'breaker', 'left out where `registry` is given', given.breaker)
}
