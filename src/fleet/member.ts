import type { Admitting, Generation } from '../core/generation/generation.ts'
import type { SharedCircuit } from './options.ts'
import { LeasedGeneration, type LeaseSource } from '../core/generation/leased.ts'
import type { Lease } from '../core/generation/probe.ts'
import type { CallPermit } from '../core/permit.ts'
import type { FleetMember, FleetSnapshot, ManualOptions } from '../core/ports.ts'
import type { Failure, Opening } from '../core/opening.ts'
import type { CircuitBreakerState, Outcome } from '../base/state.ts'
import type { Overtaken } from '../events/events.ts'
import type { AcquireCommand, ProbePolicy, Sender, SettleCommand } from '../storage/contract/commands.ts'
import type { RecordView } from '../storage/contract/replies.ts'
import { ExchangeSchedule } from './exchange-schedule.ts'
import { Changes, type ChangeRequester } from './changes.ts'
import type { Fleets } from './fleets.ts'
import { applyRecord, withLongerOpening, continueLocally } from './apply-record.ts'
import type { LeaseHolder } from './leases.ts'
import { Refresher } from './refresher.ts'
import { toDuration, toPolicy } from './manual-changes.ts'
import type { OwnChange, Replica } from './replica.ts'
import { NO_FAILURE, Reports } from './reports.ts'
import type { Scheduler } from './scheduler.ts'
import { WaitBackoff } from './wait-backoff.ts'

/** Identifies a shared state. On a tie of epochs the record wins (F12), so the epoch alone is not enough. */
type AppliedState = Pick<RecordView, 'epoch' | 'state'>

/** No shared state applies: the record is out of reach, and the breaker probes on its own (F26). */
const DETACHED: AppliedState = { epoch: -1, state: 'closed' }

/** A manual change made here applies, whatever the record says until it has received the change. */
const MANUAL_CHANGE: AppliedState = { epoch: -1, state: 'closed' }

/**
 * Connects one breaker to its fleet: applies the shared state to the circuit while that state is not closed (F1), and
 * reports the circuit's calls, openings and manual changes to the record.
 */
export class Member implements FleetMember, ChangeRequester, LeaseSource, LeaseHolder {
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #scheduler: Scheduler
  readonly #reporter: string
  readonly #changes: Changes
  readonly #reports: Reports
  readonly #schedule: ExchangeSchedule
  // Only of an ephemeral breaker.
  readonly #refresher: Refresher | undefined
  #waits: WaitBackoff | undefined
  readonly #probeDeadline: number
  // The shared state that the circuit follows; `undefined` until one is known.
  #applied: AppliedState | undefined
  #knownLink: 'live' | 'degraded' | undefined

  constructor(circuit: SharedCircuit, fleets: Fleets) {
    const { name, reporter, probeDeadline, ephemeral } = circuit.options
    this.#circuit = circuit
    this.#replica = fleets.replica(name, circuit.time)
    this.#scheduler = fleets.scheduler
    this.#changes = new Changes(this.#replica, this)
    this.#reports = new Reports(circuit, this.#replica, this.#changes, this)
    this.#schedule = new ExchangeSchedule(circuit, fleets, this.#replica, this.#changes, this.#reports)
    if (ephemeral) this.#refresher = new Refresher(circuit, this.#replica, () => this.#schedule.exchange())
    this.#reporter = reporter!
    this.#probeDeadline = probeDeadline!
    this.#replica.join(this)
  }

  // Called by the circuit: see `FleetMember`.

  get needsAdmission(): boolean {
    return this.#schedule.isIdle || this.#refresher !== undefined || this.#observesFleet
  }

  use(): void {
    if (this.#circuit.options.mode === 'off') return
    if (!this.#applied) this.#applyKnown()
    this.#schedule.use()
  }

  /** In ephemeral mode, first refreshes a stale replica (F28). Both waits together take at most `probeDeadline`. */
  awaitLease(signal: AbortSignal | undefined): Promise<void> | undefined {
    const { time, generation } = this.#circuit
    const deadline = this.#probeDeadline
    if (!this.#refresher?.isDue) {
      return generation.state === 'closed' ? undefined : this.#waitForProbe(deadline, signal)
    }
    this.use()
    const refreshed = this.#refresher.refresh()
    const waits = this.#waiting
    if (!waits.mayWait) return undefined
    const startedAt = time.now()
    return waits.wait(refreshed, deadline, signal).then(() => {
      const remaining = deadline - (time.now() - startedAt)
      return remaining > 0 ? this.#waitForProbe(remaining, signal) : undefined
    })
  }

  #waitForProbe(deadline: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    const circuit = this.#circuit
    if (circuit.generation.state === 'closed' || !this.appliesRecord) return undefined
    this.use()
    circuit.endOpening(circuit.read())
    const { generation } = circuit
    if (generation.state !== 'half-open' || generation.scope !== 'fleet' || generation.free) return undefined
    const waits = this.#waiting
    const waiting = waits.mayWait ? this.#replica.leases.wait(this) : undefined
    return waiting && waits.wait(waiting.answer, deadline, signal).finally(waiting.leave)
  }

  get #waiting(): WaitBackoff {
    return (this.#waits ??= new WaitBackoff(this.#circuit.time))
  }

  /** Acquires a lease in the background, for a later call (F20). */
  rejected(): void {
    if (this.#circuit.generation instanceof LeasedGeneration) this.#replica.leases.acquire(this)
  }

  beginPeriod(): LeasedGeneration | undefined {
    if (!this.degraded) return new LeasedGeneration(this)
    this.#applied = DETACHED
    return undefined
  }

  get degraded(): boolean {
    return this.#replica.degraded
  }

  attachLease(call: { lease: Lease | undefined }): void {
    if (!this.#observesFleet) return
    const { view, remaining } = this.#replica
    if (view?.state === 'isolated' || (view?.state === 'open' && remaining > 0)) return
    call.lease = this.#replica.leases.take(this)?.lease
    if (!call.lease) this.#replica.leases.acquire(this)
  }

  ending(before: Generation, reason: string): void {
    this.#reports.read(before)
    this.#replica.leases.giveBack(this)
    if (this.#applied !== DETACHED || reason !== 'probeSucceeded' || !this.appliesRecord) return
    this.#applied = { epoch: this.#replica.epoch + 1, state: 'closed' }
    const { escalation, options } = this.#circuit
    this.#replica.offerClosed(options.attemptDecay > 0 ? escalation : 0, this.#reporter)
  }

  settled(
    { scope }: Admitting,
    permit: CallPermit | undefined,
    outcome: Outcome,
    opening: Opening | undefined,
    failure: Failure,
    slow: boolean,
  ): void {
    const bad = outcome === 'failure' || (slow && outcome === 'success')
    if (permit?.lease) {
      const openFor = scope === 'fleet' ? opening?.length : undefined
      this.#probeEnded(permit.lease, outcome === 'ignored' ? undefined : bad, openFor, failure)
    }
    if (bad && scope === 'local') this.#noteFailure(failure)
  }

  #noteFailure(failure: Failure): void {
    this.#reports.failure = failure
    this.use()
    this.#schedule.noteFailure()
  }

  tripped({ reason, length, cause }: Opening): void {
    this.use()
    this.#schedule.noteTrip()
    if (this.#circuit.options.share === 'first-trip') this.#reports.open(reason, length, { error: cause })
  }

  /** Settles the lease of a probe that has ended. */
  #probeEnded(
    lease: Lease,
    failed: boolean | undefined,
    openFor: number | undefined,
    failure: Failure,
  ): void {
    const outcome = failed === undefined ? 'cancel' : failed ? 'failure' : 'success'
    this.#reports.failure = failed ? failure : NO_FAILURE
    const length = failed ? (openFor ?? this.#reports.openTime('probeFailed', failure)) : 0
    this.#replica.leases.settle(lease, outcome, toDuration(length))
  }

  manualChange(to: CircuitBreakerState, given: ManualOptions, openFor: number, changes: boolean): void {
    if (!this.appliesRecord) return
    // A repeated `close` or `halfOpen` has no effect anywhere (F9b).
    if (!changes && (to === 'closed' || to === 'half-open')) return this.#changes.withdraw(to)
    if (to !== 'half-open' || this.#applied !== DETACHED) this.#applied = MANUAL_CHANGE
    this.#changes.giveManual(to, given, openFor)
    this.use()
  }

  reconfigure(modeChanged: boolean): void {
    this.#reports.reconfigure()
    if (!modeChanged) return
    this.#applied = undefined
    this.#applyKnown()
  }

  /** Applies the state that the replica already had when this breaker joined or changed its mode (F1, F10). */
  #applyKnown(): void {
    const { view, remaining } = this.#replica
    if (!view || view.state === 'closed' || !this.appliesRecord) return
    this.applyRecord(view.state === 'open' ? { ...view, remaining } : view, false)
  }

  snapshot(): FleetSnapshot {
    const { state = null, epoch = 0, reason = '', by = '', manual } = this.#replica.view ?? {}
    return Object.freeze({
      link: this.#replica.unusable === undefined ? this.#replica.link.state : 'degraded',
      state,
      epoch,
      reason,
      by,
      actor: manual?.epoch === epoch ? manual.actor : '',
    })
  }

  async flush(): Promise<void> {
    const exchange = this.#schedule.isIdle ? undefined : this.#schedule.exchange()
    await Promise.all([exchange, this.#replica.leases.flush(this.#refresher !== undefined)])
  }

  // Called by the replica: see `ReplicaFollower`.

  applyRecord(view: RecordView, reset: boolean, own?: OwnChange): void {
    // A manual change made here is newer, and is still on its way to the record.
    if (this.#changes.unsent) return
    const circuit = this.#circuit
    const before = this.#applied
    this.#applied = view
    // A known opening is counted down locally: it keeps its first length, whatever the store's clock does (F14).
    if (view.epoch === before?.epoch && view.state === before.state) return
    const isFirst = before === undefined
    if (!isFirst) this.#reports.drop()
    if (!this.appliesRecord) {
      const wouldOpen = circuit.options.mode === 'observe' && view.state === 'open'
      if (wouldOpen && circuit.listeners.has('wouldTrip')) {
        circuit.listeners.post('wouldTrip', { breaker: circuit.breaker, reason: view.reason })
      }
      circuit.prepare()
    } else if (!this.#isApplied(view, before)) {
      if (reset && view.state === 'closed') continueLocally(circuit)
      else applyRecord(circuit, reset ? withLongerOpening(circuit, view) : view, own?.cause)
    }
    circuit.listeners.deliver()
  }

  /** Whether the circuit already matches the record, so that no transition is needed. */
  #isApplied(view: RecordView, before: AppliedState | undefined): boolean {
    const { generation } = this.#circuit
    if (view.state === 'closed') {
      if (generation.scope === 'fleet') return false
      return before === undefined || (before === MANUAL_CHANGE && generation.state === 'closed')
    }
    return view.state === 'half-open' && generation instanceof LeasedGeneration && generation.untouched
  }

  linkChanged(): void {
    const state = this.degraded ? 'degraded' : 'live'
    const before = this.#knownLink
    this.#knownLink = state
    if (state === before || (before === undefined && state === 'live')) return
    if (state === 'live') this.#schedule.linkRestored()
    else this.#changes.linkLost()
    this.emitLink()
  }

  invalidate(): void {
    this.#schedule.invalidate()
  }

  /** Emits `link`, with the state of the link and what has become of a manual change. */
  emitLink(overtaken?: Overtaken): void {
    const circuit = this.#circuit
    if (!circuit.listeners.has('link')) return
    const { breaker } = circuit
    const state = this.degraded ? 'degraded' : 'live'
    const error = this.#replica.unusable ?? this.#replica.link.error
    circuit.listeners.post('link', { breaker, state, error, unsent: this.#changes.unsent, overtaken })
    circuit.listeners.deliver()
  }

  // Called by `LeasedGeneration` and `Leases`: see `LeaseSource` and `LeaseHolder`.

  get held(): number {
    return this.#replica.leases.held
  }

  get acquireAt(): number {
    return this.#circuit.time.now() + this.#replica.leases.acquireIn(this)
  }

  take(): { readonly lease: Lease; readonly left: number } | undefined {
    return this.#replica.leases.take(this)
  }

  expire(): void {
    this.#replica.leases.expire()
  }

  acquireCommand(nonce: string): AcquireCommand {
    const { probeTimeout } = this.#circuit.options
    const lease = Math.max(1, toDuration(probeTimeout))
    const reopenFor = toDuration(this.#reports.openTime('probeTimeout', {}))
    return { type: 'acquire', sender: this.sender, nonce, lease, reopenFor, policy: this.policy }
  }

  settleCommand({ nonce, epoch }: Lease, outcome: SettleCommand['outcome'], openFor: number): SettleCommand {
    return { type: 'settle', sender: this.sender, nonce, epoch, outcome, openFor }
  }

  get interval(): number {
    return this.#scheduler.interval
  }

  get policy(): ProbePolicy {
    return toPolicy(this.#circuit.options.halfOpen)
  }

  get sender(): Sender {
    return this.#replica.sender(this.#reporter, this.#circuit.options.attemptDecay)
  }

  get appliesRecord(): boolean {
    const { mode, share } = this.#circuit.options
    return mode === 'enforce' && share !== 'observe'
  }

  /** Whether the breaker takes part in a shared state that is not closed, without applying it (F10). */
  get #observesFleet(): boolean {
    const { mode, share } = this.#circuit.options
    return mode === 'observe' && share !== 'observe' && (this.#replica.view?.state ?? 'closed') !== 'closed'
  }
}
