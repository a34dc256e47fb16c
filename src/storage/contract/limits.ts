// What every storage agrees on. The numbers are part of the protocol: the reducer and the Lua script have the same ones.

/** The largest integer in a record or a command: 15 digits, which every store and every language holds exactly. */
export const MOST = 999_999_999_999_999
/** No opening and no lease is longer (F7), in milliseconds. */
export const DAY = 86_400_000
/** How far ahead of the store an offered epoch may be (F12), in milliseconds. */
export const ADOPTABLE_AHEAD = 60_000
/** For how long after the due time the reporter of the last failed probe must wait (F21), in milliseconds. */
export const WARINESS = 1_000
/** Rings per record (F13). */
export const MOST_RINGS = 4
/** Buckets per ring. */
export const MOST_BUCKETS = 100
/** Reporters per bucket (F13), and of the pooled run. */
export const MOST_REPORTERS = 8
/** Live leases per record. A client that allows more probes at once asks for this many. */
export const MOST_LEASES = 100
/** Nonces of ended leases that a half-open period remembers, the newest. */
export const MOST_ENDED = 100
/** Nonces of manual changes that a record remembers, the newest. */
export const MOST_CHANGES = 8
/** Where the escalation stops counting. */
export const MOST_ATTEMPT = 1_000_000
/** The longest step in which an escalation is forgotten (30 days), in milliseconds. */
export const LONGEST_DECAY = 2_592_000_000
/** UTF-8 bytes of a reason (F29). */
export const LONGEST_REASON = 256
/** A closed record without a window is kept for this long (F15), in milliseconds. */
export const SHORTEST_TTL = 60_000
