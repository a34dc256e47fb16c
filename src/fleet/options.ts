import type { CircuitBreakerOptions, Share } from '../options.ts'
import type { CircuitBreakerStorage } from '../storage/storage.ts'
import type { TripRule } from '../trip/rule.ts'
import { check } from '../validate.ts'
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

/**
 * Fills in the defaults.
 *
 * @throws {RangeError | TypeError} for a fleet that could never open, or that the record has no room for.
 */
export function resolveFleetOptions(
  storage: CircuitBreakerStorage,
  given: CircuitBreakerOptions,
  trip: TripRule,
): FleetOptions {
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
