/** A lease that the fleet has granted. */
export interface Lease {
  readonly nonce: string
  /** The half-open period of the record that it belongs to. */
  readonly epoch: number
  /** When it ends, by the replica's time. */
  readonly deadline: number
}

/** A call that is admitted as a probe has a lease: past its deadline it counts as failed. */
export interface Probe {
  /** When that ends; `Infinity` for never. */
  deadline: number | undefined
  /** The fleet's leave for it. */
  lease?: Lease | undefined
}
