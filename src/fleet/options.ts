import { anyBoolean, type CircuitBreakerOptions, type Share } from '../options.ts'
import type { CircuitBreakerStorage } from '../storage/storage.ts'
import type { TripRule } from '../trip/rule.ts'
import { check, oneOf, positive, type Check } from '../base/validate.ts'
import { ownHost, ownInstance, toReporter } from './identity.ts'
import { Pool } from './pool.ts'

/** What concerns the fleet in the options of a breaker, with the defaults filled in. */
export interface FleetOptions {
  readonly storage: CircuitBreakerStorage
  readonly share: Share
  readonly minReporters: number
  /** As it stands in the record. */
  readonly reporter: string
  readonly probeDeadline: number
  readonly ephemeral: boolean
}

const checks: Readonly<Partial<Record<keyof CircuitBreakerOptions, Check>>> = {
  share: oneOf('pooled', 'first-trip', 'observe'),
  minReporters: (value, name) =>
    check(
      Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 8,
      name,
      'an integer from 1 to 8',
      value,
    ),
  reporter: (value, name) => check(typeof value === 'string' && value !== '', name, 'a string', value),
  probeDeadline: positive,
  ephemeral: anyBoolean,
}

/**
 * Checks what is given, and fills in the defaults.
 *
 * @throws {RangeError | TypeError} for a bad option, for a fleet that could never open, or that the record has no room for.
 */
export function resolveFleetOptions(
  storage: CircuitBreakerStorage,
  given: CircuitBreakerOptions,
  trip: TripRule,
): FleetOptions {
  for (const [option, checkOption] of Object.entries(checks)) {
    const value = given[option as keyof CircuitBreakerOptions]
    if (value !== undefined) checkOption(value, option)
  }
  const { name, share = 'pooled', minReporters = 2, probeDeadline = 100, ephemeral = false } = given
  check(name !== undefined, 'name', 'given where there is a `storage`: it names the record', name)
  if (share === 'pooled' && trip.canTrip && !trip.canTripPool) {
    throw new RangeError(
      'Expected `trip` to be a rule that a fleet can pool, got only rules over `lastCalls`: ' +
        "give one a `window` in milliseconds, or set `share: 'first-trip'`",
    )
  }
  void new Pool(trip) // says so if the record has no room for its windows
  const own = ephemeral ? ownInstance() : ownHost()
  const reporter = given.reporter === undefined ? own : toReporter(given.reporter)
  return { storage, share, minReporters, reporter, probeDeadline, ephemeral }
}
