import type { LastManualChange } from './commands.ts'

// The limits of the protocol, which all storages share. The Lua script repeats these numbers.

/** The largest integer in a record or a command: 15 digits, which every store and language represents exactly. */
export const MOST = 999_999_999_999_999
/** The largest epoch of a record (F12): transitions go on from it, and stay within `MOST`. */
export const MOST_EPOCH = 99_999_999_999_999
/** The longest opening (F7), lease or window in milliseconds: 24 hours. */
export const DAY = 86_400_000
/** The most milliseconds by which an adopted epoch may be ahead of the store's time (F12). */
export const ADOPTABLE_AHEAD = 60_000
/** Milliseconds after the end of an opening in which the reporter of the last failed probe gets no lease (F21). */
export const WARINESS = 1_000
/** The most rings in a record (F13). */
export const MOST_RINGS = 4
/** The most buckets in a ring. */
export const MOST_BUCKETS = 100
/** The most characters of a ring that is read: more than a ring with these limits can have. */
export const LONGEST_RING = 40_000
/** The most reporters in a bucket (F13), and in the pooled run. */
export const MOST_REPORTERS = 8
/** The most live leases in a record. A client that allows more concurrent probes requests this limit. */
export const MOST_LEASES = 100
/** The most nonces of ended leases that a half-open period keeps; the oldest are dropped. */
export const MOST_ENDED = 100
/** The largest escalation attempt. */
export const MOST_ATTEMPT = 1_000_000
/** The longest decay of one escalation attempt in milliseconds: 30 days. */
export const LONGEST_DECAY = 2_592_000_000
/** The most UTF-8 bytes of a reason (F29). */
export const LONGEST_REASON = 256
/** The most UTF-8 bytes of an actor (F9c). */
export const LONGEST_ACTOR = 64
/** The last manual change of a record that has had none. */
export const NO_MANUAL: LastManualChange = Object.freeze({ epoch: 0, nonce: '', actor: '' })
/** The shortest time in milliseconds that a closed record is kept (F15): several times `REPORT_NOTE`. */
export const SHORTEST_TTL = 300_000
/** Milliseconds after which a closed record notes again that calls are reported (F15b). */
export const REPORT_NOTE = 60_000
