import type { Generation } from '../core/generation/generation.ts'
import type { SharedCircuit } from './options.ts'
import type { Failure } from '../core/opening.ts'
import type { Exchanged } from '../storage/contract/replies.ts'
import type { ChangeRequester, Changes } from './changes.ts'
import { toDuration } from './manual-changes.ts'
import { Pool } from './pool.ts'
import type { Replica } from './replica.ts'
import { isBad, Tally, type Batch } from './tally.ts'

/** What a member tells the fleet of its calls, and what it makes of the sums: it may be the one that opens the fleet. */
export class Reports {
  /** The last failure: it is asked about if the fleet opens (F7). */
  failure: Failure = {}
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #changes: Changes
  readonly #requester: ChangeRequester
  readonly #tally: Tally
  #pool: Pool
  #since = 0

  constructor(circuit: SharedCircuit, replica: Replica, changes: Changes, requester: ChangeRequester) {
    this.#circuit = circuit
    this.#replica = replica
    this.#changes = changes
    this.#requester = requester
    this.#pool = new Pool(circuit.options.trip)
    this.#tally = new Tally(this.#pool)
  }

  /** How many calls have ended that the fleet has not been told of. */
  get calls(): number {
    return this.#tally.calls
  }

  /** Reads what a generation has counted, before another one begins. */
  read(generation: Generation = this.#circuit.generation): void {
    this.#tally.read(generation)
  }

  /** Milliseconds since the last report, which is how old what is counted may be. */
  get age(): number {
    return this.#circuit.time.now() - this.#since
  }

  /** There is nothing to report: what ends from now on is new. */
  begin(now: number = this.#circuit.time.now()): void {
    this.#since = now
  }

  /** Forgets what has not been sent: it is too old, or of another state (F25). */
  drop(): void {
    this.read()
    this.#tally.drop()
    this.begin()
  }

  /** Counts by the options as they are now. */
  reconfigure(): void {
    const { options, generation } = this.#circuit
    this.#pool = new Pool(options.trip)
    this.#tally.reset(this.#pool, generation)
  }

  /** Sends what is new, orders first, and judges by what comes back. */
  async exchange(): Promise<void> {
    await this.#changes.sendManual()
    const { name, link } = this.#replica
    const known = this.#replica.view !== undefined
    // What was counted while there was no fleet is of no use to it now (F25).
    if (this.#replica.degraded) this.drop()
    this.read()
    this.begin()
    // What was counted before anything was heard belongs to the state that is heard of first.
    const batch = known ? this.#tally.take() : this.#tally.nothing
    const { sender } = this.#requester
    const command = { type: 'exchange', sender, epoch: this.#replica.epoch, ...batch } as const
    const { invalidations } = this.#replica
    const reply = await link.send('exchange', (limits) => link.storage.exchange(name, command, limits))
    if (!reply || !this.#replica.accept(reply, undefined, invalidations) || reply.type !== 'exchanged') return
    if (!known && this.calls > 0) return this.exchange()
    this.#judge(reply, batch)
  }

  /** Asks the rule what it says of the whole fleet (F2), and opens the fleet if it is met. */
  #judge(reply: Exchanged, batch: Batch): void {
    const { share, minReporters = 2, mode } = this.#circuit.options
    const { generation, tripReason } = this.#circuit
    const open = generation.state === 'open' && generation.scope === 'local'
    // It was overtaken by another reply, and its sums are of a state that is over.
    if (reply.record.epoch !== this.#replica.epoch) return
    if (reply.record.state !== 'closed' || share === 'observe' || mode === 'off') return
    if (!open && !(reply.counted && isBad(batch))) return
    if (share === 'pooled') {
      const reason = this.#pool.judge(reply.run, reply.rings, minReporters)
      if (reason !== undefined) this.open(reason, undefined, this.failure)
    } else if (open && !this.#changes.isOpening) {
      const left = generation.remaining(this.#circuit.time.now())
      if (left > 0) this.open(tripReason ?? 'consecutiveFailures', left, this.failure)
    }
  }

  /** Opens the fleet, unless that is being done. */
  open(reason: string, length: number | undefined, failure: Failure): void {
    if (this.#changes.isOpening || this.#circuit.options.share === 'observe') return
    void this.#changes.open(reason, toDuration(length ?? this.openTime(reason, failure)), failure.error)
  }

  /** How long the fleet would be open, if it were opened now (F7). */
  openTime(reason: string, failure: Failure): number {
    return this.#circuit.userCode.openTime(reason, (this.#replica.view?.attempt ?? 0) + 1, failure)
  }
}
