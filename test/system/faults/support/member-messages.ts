import type { CircuitBreakerOptions } from '../../../../src/options.ts'
import type { CircuitBreakerState, Scope } from '../../../../src/base/state.ts'
import type { RedisStorageOptions } from '../../../../src/storage/redis/index.ts'

/** Where the store is. */
export type Store =
  | { readonly url: string }
  | { readonly sentinels: readonly number[]; readonly master: string }
  | { readonly cluster: readonly number[] }

/** What a member process is told when it starts. */
export interface MemberSettings {
  /** Its place in the fleet. */
  readonly index: number
  /** The client library, as `familyOf` calls it. */
  readonly client: string
  readonly store: Store
  /** The URL of the dependency. */
  readonly dependency: string
  /** A breaker for each; the same name several times, each time with a storage of its own. Default `payments`. */
  readonly names?: readonly string[] | undefined
  readonly breaker?: Omit<CircuitBreakerOptions, 'name' | 'storage' | 'trip' | 'listeners'> | undefined
  /** A failure rate over so many milliseconds, in place of `failMax`. */
  readonly failureRateOver?: number | undefined
  readonly storage?: Pick<RedisStorageOptions, 'deadline' | 'connectDeadline'> | undefined
}

/** What one of its breakers looks like, and since when. */
export interface View {
  readonly state: CircuitBreakerState
  readonly scope: Scope
  /** Of the record, as last heard. */
  readonly fleet: CircuitBreakerState | null
  readonly epoch: number
  readonly link: string
  /** By the wall clock, which all processes of a machine share. */
  readonly at: number
}

/** How calls have ended, and what else is to be known of a member. */
export interface Tally {
  /** Calls by their end: `answered`, `failed`, or the state that rejected them. */
  readonly ends: Readonly<Record<string, number>>
  /** Errors that no call should ever see. */
  readonly foreign: readonly string[]
  /** Epochs that went back. */
  readonly backward: readonly string[]
  /** Why links went down. */
  readonly linkErrors: readonly string[]
  /** The longest time, in milliseconds, from a call to the start of its task or its rejection. */
  readonly longestWait: number
  /** The longest time, in milliseconds, for which the event loop was busy with something else. */
  readonly longestLag: number
}

/** A question, and the name of what is to be done. */
export type Command =
  /** Calls so many times per second and breaker, until told otherwise. */
  | { readonly do: 'rate'; readonly perSecond: number }
  /** Calls once, by breaker, and waits for the end. */
  | { readonly do: 'call'; readonly breaker: number }
  | { readonly do: 'tally' }
  | { readonly do: 'open'; readonly breaker: number; readonly for: number }
  | { readonly do: 'isolate' | 'close'; readonly breaker: number }
  /** Ends: `tidily`, with flush and dispose, else by having nothing more to do. */
  | { readonly do: 'end'; readonly tidily: boolean }

export type Question = Command & { readonly id: number }

export type Message =
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'view'; readonly breaker: number; readonly view: View }
