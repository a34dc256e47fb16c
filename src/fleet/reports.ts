import type { Generation } from '../core/generation/generation.ts'
import type { SharedCircuit } from './options.ts'
import { toCause, type Failure } from '../core/opening.ts'
import type { Exchanged } from '../storage/contract/replies.ts'
import type { ChangeRequester, Changes } from './changes.ts'
import { toDuration } from './manual-changes.ts'
import { judgePool, toRings } from './pool.ts'
import type { Replica } from './replica.ts'
import { isBad, isWrite, Tally, type Batch } from './tally.ts'

export const NO_FAILURE: Failure = {}

/** Reports a member's calls to the fleet, evaluates its trip rule on the sums, and opens the fleet if it is met. */
export class Reports {
  /** The last failure, which `timeoutDuration` receives if it opens the fleet (F7). */
  failure: Failure = NO_FAILURE
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #changes: Changes
  readonly #requester: ChangeRequester
  readonly #tally: Tally
  #lastReportAt = 0

  constructor(circuit: SharedCircuit, replica: Replica, changes: Changes, requester: ChangeRequester) {
    this.#circuit = circuit
    this.#replica = replica
    this.#changes = changes
    this.#requester = requester
    this.#tally = new Tally(toRings(circuit.options.trip))
  }

  /** The number of completed calls that have not been reported. */
  get calls(): number {
    return this.#tally.calls
  }

  /** Tallies what a generation has counted since the last reading. */
  read(generation: Generation = this.#circuit.generation): void {
    this.#tally.read(generation)
  }

  /** Milliseconds since the last report: the counts are at most this old. */
  get age(): number {
    return this.#circuit.time.now() - this.#lastReportAt
  }

  /** Resets the age, because there is nothing to report yet. */
  begin(now: number = this.#circuit.time.now()): void {
    this.#lastReportAt = now
  }

  /** Drops what has not been sent: it is too old, or belongs to another state (F25). */
  drop(): void {
    this.read()
    this.#tally.drop()
    this.begin()
  }

  /** Switches to the current trip rule, and drops what has not been sent. */
  reconfigure(): void {
    const { options, generation } = this.#circuit
    this.#tally.reset(toRings(options.trip), generation)
  }

  /** Sends a pending manual change and then the new counts, and evaluates the trip rule on the sums of the reply. */
  async exchange(): Promise<void> {
    const wasDegraded = this.#replica.degraded
    await this.#changes.sendManual()
    // A store that has just refused a command, or has not answered it, is left alone (F28b).
    if (this.#replica.degraded && !wasDegraded) return
    if (this.#replica.mayRefresh) await this.#exchange()
    // One that waited for the record to be read.
    if (this.#replica.mayRefresh) await this.#changes.sendManual()
  }

  async #exchange(): Promise<void> {
    const { name, link } = this.#replica
    const hasView = this.#replica.view !== undefined
    // Counts from while the store was away are dropped (F25).
    if (link.state === 'degraded') this.drop()
    this.read()
    this.begin()
    // Before the first reply the epoch is not known: read the pool, and report the counts under the epoch of the reply.
    const batch = hasView ? this.#tally.take() : this.#tally.nothing
    const { sender } = this.#requester
    const command = { type: 'exchange', sender, epoch: this.#replica.epoch, ...batch } as const
    const { invalidations } = this.#replica
    const { pool } = this.#tally
    const reply = await link.send('exchange', (limits) => link.storage.exchange(name, command, limits))
    const writes = isWrite(batch) && (reply?.type !== 'exchanged' || reply.counted)
    if (!reply || !this.#replica.accept(reply, undefined, invalidations, writes)) return
    if (reply.type !== 'exchanged') return
    if (!hasView && this.calls > 0) return this.#exchange()
    // The sums of another rule's windows say nothing.
    if (pool === this.#tally.pool) this.#judge(reply, batch)
  }

  /** Evaluates the rule on the sums of the fleet (F2), and opens the fleet if it is met. */
  #judge(reply: Exchanged, batch: Batch): void {
    const { share, minReporters = 2, mode, trip } = this.#circuit.options
    const { generation, tripReason, userCode } = this.#circuit
    const isOpen = generation.state === 'open' && generation.scope === 'local'
    // A newer reply arrived first: these sums belong to a state that has ended.
    if (reply.record.epoch !== this.#replica.epoch) return
    if (reply.record.state !== 'closed' || share === 'observe' || mode === 'off') return
    if (!isOpen && !(reply.counted && isBad(batch))) return
    if (share === 'pooled') {
      const reason = judgePool(trip, this.#tally.pool, reply.run, reply.rings, minReporters, userCode)
      // A custom rule is user code, which may have changed the circuit.
      const stands = trip === this.#circuit.options.trip && generation === this.#circuit.generation
      if (reason !== undefined && stands) this.open(reason, undefined, this.failure)
    } else if (isOpen && !this.#changes.isOpening && !this.#changes.unsent) {
      const remaining = generation.remaining(this.#circuit.time.now())
      if (remaining > 0) this.open(tripReason ?? 'consecutiveFailures', remaining, this.failure)
    }
  }

  /** Opens the fleet, unless this member is already doing so. */
  open(reason: string, length: number | undefined, failure: Failure): void {
    if (this.#changes.isOpening || this.#circuit.options.share === 'observe') return
    const openFor = toDuration(length ?? this.openTime(reason, failure))
    void this.#changes.open(reason, openFor, toCause(failure.error))
  }

  /** Returns the length in milliseconds of an opening that begins now (F7). */
  openTime(reason: string, failure: Failure): number {
    return this.#circuit.userCode.openTime(reason, (this.#replica.view?.attempt ?? 0) + 1, failure)
  }
}
