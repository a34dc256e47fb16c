import { check, isObject, nonNegativeInteger, readOptions } from '../base/validate.ts'
import { concurrencyCases } from './storage-kit/concurrency.ts'
import { differentialCases } from './storage-kit/differential.ts'
import { faultCases } from './storage-kit/faults.ts'
import { tableCases } from './storage-kit/tables.ts'
import type { StorageCase, StorageTarget } from './storage-kit/target.ts'

export type { StorageCase, StorageTarget } from './storage-kit/target.ts'

/** The options of {@link storageCases}. */
export interface StorageKitOptions {
  /**
   * The number of random command sequences to compare with the specification. 0 leaves that case out.
   *
   * @default 100
   */
  readonly sequences?: number | undefined
  /**
   * The seed of the first sequence. Each further sequence adds one, and a failure names the seed of its sequence.
   *
   * @default 1
   */
  readonly seed?: number | undefined
}

/**
 * Returns the conformance kit for storages, as cases for any test runner: scenarios with their expected replies, random
 * commands whose replies must match `reduce`, races over several connections, invalid commands, unusable records and
 * missed deadlines. Each case clears the store, so run them one at a time, and never on a store that is in use.
 *
 * @throws {TypeError | RangeError} when the target lacks `connect` or `clear`, or an option is invalid.
 *
 * @example
 * ```ts
 * import { it } from 'node:test'
 * import { MemoryStorage } from 'recloser/storage'
 * import { storageCases } from 'recloser/testing'
 *
 * const storage = new MemoryStorage() // your storage goes here
 * const cases = storageCases({ connect: () => storage, clear: () => storage.clear() })
 * for (const { name, run } of cases) it(name, run)
 * ```
 */
export function storageCases(target: StorageTarget, options: StorageKitOptions = {}): StorageCase[] {
  const isTarget =
    isObject(target) && typeof target.connect === 'function' && typeof target.clear === 'function'
  check(isTarget, 'target', 'an object with methods `connect` and `clear`', target)
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
