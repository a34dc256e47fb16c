/** Permission of the fleet to send one probe. */
export interface Lease {
  /** Identifies the lease. */
  readonly nonce: string
  /** The half-open epoch of the record that it belongs to. */
  readonly epoch: number
  /** When it expires, in the replica's time. */
  readonly deadline: number
}

/** A call that was admitted as a probe. If it has no result by its deadline, it counts as failed. */
export interface Probe {
  /** When the lease of the probe expires; `Infinity` for never. */
  deadline: number | undefined
  /** Whether a generator waits for its consumer, so that the dependency is not to blame for the time that passes. */
  readonly waiting: boolean
  /** The lease of the fleet, if the fleet granted the probe. */
  lease?: Lease | undefined
}
