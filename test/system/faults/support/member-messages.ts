import type { CircuitBreakerOptions } from '../../../../src/options.ts'
import type { Overtaken } from '../../../../src/events/events.ts'
import type { CircuitBreakerState, Scope } from '../../../../src/base/state.ts'
import type { RedisStorageOptions } from '../../../../src/storage/redis/index.ts'

/** The address of the store. */
export type Store =
  | { readonly url: string }
  | { readonly sentinels: readonly number[]; readonly master: string }
  | { readonly cluster: readonly number[] }

/** The settings of a member process. */
export interface MemberSettings {
  /** Its index in the fleet. */
  readonly index: number
  /** The client library, as named in `familyOf`. */
  readonly client: string
  readonly store: Store
  /** The URL of the dependency. Without one, each call is answered at once. */
  readonly dependency?: string | undefined
  /** The names of its breakers; a repeated name gets a storage of its own each time. @default ['payments'] */
  readonly names?: readonly string[] | undefined
  readonly breaker?: Omit<CircuitBreakerOptions, 'name' | 'storage' | 'trip' | 'listeners'> | undefined
  /** A failure rate over this many milliseconds, instead of `failMax`. */
  readonly failureRateOver?: number | undefined
  readonly storage?: Pick<RedisStorageOptions, 'deadline' | 'connectDeadline'> | undefined
}

/** The state of one of its breakers, and since when. */
export interface View {
  readonly state: CircuitBreakerState
  readonly scope: Scope
  /** The state of the record, as last received. */
  readonly fleet: CircuitBreakerState | null
  readonly epoch: number
  /** Why the record is in its state. */
  readonly reason: string
  readonly link: string
  /** By the wall clock, which all processes of a machine share. */
  readonly at: number
}

/** An event `link` of one breaker, or with no breaker a line that the storage has logged. */
export interface LinkReport {
  readonly breaker: number | undefined
  /** By the wall clock. */
  readonly at: number
  readonly error: string | undefined
  readonly unsent: string | undefined
  /** What stands instead of a manual change that was overtaken (F9b). */
  readonly overtaken: Overtaken | undefined
}

/** How calls have ended, and further observations of a member. */
export interface Tally {
  /** The number of calls by how they ended: `answered`, `failed`, or the state that rejected them. */
  readonly ends: Readonly<Record<string, number>>
  /** Errors that no call should ever see. */
  readonly foreign: readonly string[]
  /** Epochs that went back. */
  readonly backward: readonly string[]
  readonly links: readonly LinkReport[]
  /** The longest time, in milliseconds, from a call to the start of its task or its rejection. */
  readonly longestWait: number
  /** The longest time, in milliseconds, for which the event loop was busy with something else. */
  readonly longestLag: number
}

/** A request to a member. */
export type Command =
  /** Makes this many calls per second and breaker, until changed. */
  | { readonly do: 'rate'; readonly perSecond: number }
  /** Makes one call through this breaker, and waits for its end. */
  | { readonly do: 'call'; readonly breaker: number }
  | { readonly do: 'tally' }
  | { readonly do: 'open'; readonly breaker: number; readonly for: number }
  | { readonly do: 'isolate' | 'close'; readonly breaker: number; readonly reason?: string }
  /** Ends the process: `tidily`, with flush and dispose, or else by abandoning its breakers. */
  | { readonly do: 'end'; readonly tidily: boolean }

export type Question = Command & { readonly id: number }

export type Message =
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'view'; readonly breaker: number; readonly view: View }
