import { check, isObject, nonNegativeInteger, readOptions } from '../base/validate.ts'
import { concurrencyCases } from './storage-kit/concurrency.ts'
import { differentialCases } from './storage-kit/differential.ts'
import { faultCases } from './storage-kit/faults.ts'
import { tableCases } from './storage-kit/tables.ts'
import type { StorageCase, StorageTarget } from './storage-kit/target.ts'

export type { StorageCase, StorageTarget } from './storage-kit/target.ts'

/** How much is tried. */
export interface StorageKitOptions {
  /** How many random sequences of commands are compared with the specification. Default 100. */
  readonly sequences?: number | undefined
  /** What the sequences grow from; a failure names its own. Default 1. */
  readonly seed?: number | undefined
}

/**
 * The conformance kit: what every storage must do, as cases for any test runner. Scenes with their answers, random
 * commands whose answers must be those of the specification, races over several connections, wrong input, foreign data
 * and lost answers. A case empties the store, so run them one after the other, and never on a store that is in use.
 *
 * @throws {TypeError | RangeError} for a target without `connect` or `clear`, and for a bad option.
 */
export function storageCases(target: StorageTarget, options: StorageKitOptions = {}): StorageCase[] {
  const known = isObject(target) && typeof target.connect === 'function' && typeof target.clear === 'function'
  check(known, 'target', 'an object with methods `connect` and `clear`', target)
  const { sequences = 100, seed = 1 } = readOptions<StorageKitOptions>(
    options,
    { sequences: nonNegativeInteger, seed: nonNegativeInteger },
    'options of storageCases',
  )
  return [
    ...tableCases(target),
    ...concurrencyCases(target),
    ...faultCases(target),
    ...differentialCases(target, sequences, seed),
  ]
}
