import type { Share } from '../base/state.ts'
import type { Circuit } from '../core/circuit.ts'
import type { CircuitOptions } from '../core/options.ts'
import type { TripRule } from '../trip/rule.ts'
import { aBoolean, check, oneOf, positive, type Check } from '../base/validate.ts'
import { ownHost, ownInstance, toReporter } from './identity.ts'
import { toRings } from './pool.ts'

/** The options that concern the fleet, as the user passes them. */
export interface SharingOptions {
  readonly name?: string | undefined
  readonly share?: Share | undefined
  readonly minReporters?: number | undefined
  readonly reporter?: string | undefined
  readonly probeDeadline?: number | undefined
  readonly ephemeral?: boolean | undefined
}

/** The options that concern the fleet, with the defaults filled in. */
export interface MemberOptions {
  /** When this breaker opens its fleet. */
  readonly share: Share
  /** The number of hosts that must have seen failures before pooled counts can open the fleet. */
  readonly minReporters: number
  /** The reporter in the record: at most 32 characters of `A-Z a-z 0-9 _ -`. */
  readonly reporter: string
  /** The maximum number of milliseconds that a call waits for a lease. */
  readonly probeDeadline: number
  /** Whether the process may be frozen between requests. */
  readonly ephemeral: boolean
}

/** The circuit of a breaker that has a storage. */
export type SharedCircuit = Circuit<CircuitOptions & Partial<MemberOptions>>

const checks: Readonly<Partial<Record<keyof SharingOptions, Check>>> = {
  share: oneOf(['pooled', 'first-trip', 'observe']),
  minReporters: (value, name) =>
    check(
      Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 8,
      name,
      'an integer from 1 to 8',
      value,
    ),
  reporter: (value, name) => check(typeof value === 'string' && value !== '', name, 'a string', value),
  probeDeadline: positive,
  ephemeral: aBoolean,
}

/**
 * Validates the options and fills in the defaults.
 *
 * @throws {TypeError | RangeError} when an option is invalid, or the trip rule cannot be pooled or has more windows
 *   than a record holds.
 */
export function resolveMemberOptions(given: SharingOptions, trip: TripRule): MemberOptions {
  for (const [option, checkOption] of Object.entries(checks)) {
    const value = given[option as keyof SharingOptions]
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
  void toRings(trip) // throws if the rule has more windows than a record holds
  const own = ephemeral ? ownInstance() : ownHost()
  const reporter = given.reporter === undefined ? own : toReporter(given.reporter)
  return { share, minReporters, reporter, probeDeadline, ephemeral }
}
