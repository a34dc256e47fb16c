import type { Admitting, Generation } from '../core/generation/generation.ts'
import type { SharedCircuit } from './options.ts'
import { LeasedGeneration, type LeaseSource } from '../core/generation/leased.ts'
import type { Lease } from '../core/generation/probe.ts'
import type { CallPermit } from '../core/permit.ts'
import type { FleetMember, FleetSnapshot } from '../core/ports.ts'
import type { Failure, Opening } from '../core/opening.ts'
import type { CircuitBreakerState, Outcome } from '../base/state.ts'
import type { AcquireCommand, ProbePolicy, Sender, SettleCommand } from '../storage/contract/commands.ts'
import type { RecordView } from '../storage/contract/replies.ts'
import { Attendance } from './attendance.ts'
import { Changes, type Changer } from './changes.ts'
import type { Fleets } from './fleets.ts'
import { follow, honouring, keepOwn } from './follow.ts'
import type { Prober } from './grants.ts'
import type { Link } from './link.ts'
import { Look } from './look.ts'
import { toDuration, toPolicy } from './orders.ts'
import type { Own, Replica } from './replica.ts'
import { Reports } from './reports.ts'

/** As much of a shared state as tells it from others: on a tie of epochs the record wins, so the epoch is not enough. */
type Mark = Pick<RecordView, 'epoch' | 'state'>

/** The breaker decides by itself while the replica is not closed: it goes by no shared state. */
const DETACHED: Mark = { epoch: -1, state: 'closed' }
/**
 * One breaker as a member of a fleet: makes its circuit go by the shared state whenever that is not closed (F1), and
 * hands on what the circuit has to tell.
 */
export class Member implements FleetMember, Changer, LeaseSource, Prober {
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #link: Link
  readonly #reporter: string
  readonly #changes: Changes
  readonly #reports: Reports
  readonly #attendance: Attendance
  readonly #look: Look
  readonly #probeDeadline: number
  readonly #ephemeral: boolean
  // The shared state that the circuit goes by; none before the first is heard of.
  #mark: Mark | undefined
  #known: 'live' | 'degraded' | undefined

  constructor(circuit: SharedCircuit, fleets: Fleets) {
    const { name, reporter, probeDeadline, ephemeral } = circuit.options
    this.#circuit = circuit
    this.#replica = fleets.replica(name, circuit.time)
    this.#link = fleets.link
    this.#changes = new Changes(this.#replica, this)
    this.#reports = new Reports(circuit, this.#replica, this.#changes, this)
    this.#attendance = new Attendance(circuit, fleets, this.#replica, this.#changes, this.#reports)
    this.#look = new Look(circuit, this.#replica, () => this.#attendance.exchange())
    this.#reporter = reporter!
    this.#probeDeadline = probeDeadline!
    this.#ephemeral = ephemeral!
    this.#replica.join(this)
  }

  // What the circuit asks and tells: `FleetMember` says what each of these is.

  get needsAdmission(): boolean {
    return this.#attendance.asleep || this.#ephemeral || this.#shadows
  }

  use(): void {
    if (this.#circuit.options.mode === 'off') return
    if (!this.#mark) this.#recall()
    this.#attendance.use()
  }

  /**
   * In ephemeral mode it first hears what has become of the fleet (F28); for both together it waits no longer than the
   * deadline.
   */
  place(signal: AbortSignal | undefined): Promise<void> | undefined {
    const circuit = this.#circuit
    if (this.#ephemeral && this.#look.isDue) {
      this.use()
      const begun = circuit.time.now()
      return this.#look.take(this.#probeDeadline, signal).then(() => {
        const left = this.#probeDeadline - (circuit.time.now() - begun)
        return left > 0 ? this.#probePlace(left, signal) : undefined
      })
    }
    if (circuit.generation.state === 'closed') return undefined
    return this.#probePlace(this.#probeDeadline, signal)
  }

  #probePlace(deadline: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    const circuit = this.#circuit
    if (circuit.generation.state === 'closed' || !this.follows) return undefined
    this.use()
    circuit.endOpening(circuit.read())
    const { generation } = circuit
    if (generation.state !== 'half-open' || generation.scope !== 'fleet' || generation.free) return undefined
    return this.#replica.grants.place(this, deadline, signal)
  }

  /** It could not wait for a lease; another call may find one. */
  rejected(): void {
    if (this.#circuit.generation instanceof LeasedGeneration) this.#replica.grants.ask(this)
  }

  beginPeriod(): LeasedGeneration | undefined {
    if (!this.alone) return new LeasedGeneration(this)
    this.#mark = DETACHED
    return undefined
  }

  get alone(): boolean {
    return this.#replica.alone
  }

  attachLease(permit: CallPermit): void {
    if (!this.#shadows) return
    const { view, remaining } = this.#replica
    if (view?.state === 'isolated' || (view?.state === 'open' && remaining > 0)) return
    permit.lease = this.#replica.grants.take()?.lease
    if (!permit.lease) this.#replica.grants.ask(this)
  }

  leave(before: Generation, next: Generation): void {
    this.#reports.read(before)
    if (this.#mark !== DETACHED || before.state !== 'half-open' || next.state !== 'closed') return
    if (!this.follows) return
    this.#mark = { epoch: this.#replica.epoch + 1, state: 'closed' }
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
      this.#probed(permit.lease, outcome === 'ignored' ? undefined : bad, openFor, failure)
    }
    if (bad && scope === 'local') this.#failed(failure)
  }

  #failed(failure: Failure): void {
    this.#reports.failure = failure
    this.use()
    this.#attendance.failed()
  }

  tripped({ reason, length }: Opening, error: unknown): void {
    this.use()
    this.#attendance.tripped()
    if (this.#circuit.options.share === 'first-trip') this.#reports.open(reason, length, { error })
  }

  /** A probe of the fleet has ended. */
  #probed(lease: Lease, failed: boolean | undefined, openFor: number | undefined, failure: Failure): void {
    const outcome = failed === undefined ? 'cancel' : failed ? 'failure' : 'success'
    this.#reports.failure = failed ? failure : {}
    const length = failed ? (openFor ?? this.#reports.openTime('probeFailed', failure)) : 0
    void this.#replica.grants.settle(lease, outcome, toDuration(length), this)
  }

  order(to: CircuitBreakerState, reason: string, openFor: number): void {
    if (!this.follows) return
    this.#changes.give(to, reason, openFor)
    this.use()
    if (this.alone) this.unsent()
    else void this.#changes.send()
  }

  reconfigure(modeChanged: boolean): void {
    this.#reports.reconfigure()
    if (!modeChanged) return
    this.#mark = undefined
    this.#recall()
  }

  /** Goes by what the replica knows, where the breaker has not been there to hear of it (F1, F10). */
  #recall(): void {
    const { view, remaining } = this.#replica
    if (!view || view.state === 'closed' || !this.follows) return
    this.hear(view.state === 'open' ? { ...view, remaining } : view, false)
  }

  describe(): FleetSnapshot {
    const { state = null, epoch = 0, reason = '', by = '' } = this.#replica.view ?? {}
    return Object.freeze({
      link: this.#replica.refused === undefined ? this.#link.state : 'degraded',
      state,
      epoch,
      reason,
      by,
    })
  }

  async flush(): Promise<void> {
    if (this.#attendance.asleep || this.#circuit.options.mode === 'off') return
    await Promise.all([this.#attendance.exchange(), this.#replica.grants.cancel(this)])
  }

  // What the replica tells

  hear(view: RecordView, reset: boolean, own?: Own): void {
    // What was done by hand here is on its way there, and newer.
    if (this.#changes.order && !own) return
    const circuit = this.#circuit
    const before = this.#mark
    this.#mark = { epoch: view.epoch, state: view.state }
    // An opening that is known is counted down here, and lasts as long as was first said, whatever the store's clock does.
    if (view.epoch === before?.epoch && view.state === before.state) return
    const first = before === undefined
    if (!first) this.#reports.drop()
    if (!this.follows) {
      const wouldOpen = circuit.options.mode === 'observe' && view.state === 'open'
      if (wouldOpen && circuit.listeners.hears('wouldTrip')) {
        circuit.listeners.post('wouldTrip', { breaker: circuit.breaker, reason: view.reason })
      }
      circuit.refresh()
    } else if (!this.#isThere(view, first, own)) {
      if (reset && view.state === 'closed') keepOwn(circuit)
      else follow(circuit, reset ? honouring(circuit, view) : view, own?.cause)
    }
    circuit.listeners.deliver()
  }

  /** Whether the circuit is where the record is, without a transition. */
  #isThere(view: RecordView, first: boolean, own: Own | undefined): boolean {
    const { generation } = this.#circuit
    if (view.state === 'closed') {
      if (generation.scope === 'fleet') return false
      return first || (own?.to === 'closed' && generation.state === 'closed')
    }
    return view.state === 'half-open' && generation instanceof LeasedGeneration && generation.untouched
  }

  linkChanged(): void {
    if (this.alone) this.#replica.grants.expire()
    const state = this.alone ? 'degraded' : 'live'
    const before = this.#known
    this.#known = state
    if (state === before || (before === undefined && state === 'live')) return
    if (state === 'live') this.#attendance.returned()
    this.unsent()
  }

  doubt(): void {
    this.#attendance.doubt()
  }

  /** Says how the link is, and what could not be sent over it. */
  unsent(): void {
    const circuit = this.#circuit
    if (!circuit.listeners.hears('link')) return
    const { breaker } = circuit
    const state = this.alone ? 'degraded' : 'live'
    const error = this.#replica.refused ?? this.#link.error
    circuit.listeners.post('link', { breaker, state, error, unsent: this.#changes.order?.to })
    circuit.listeners.deliver()
  }

  // Leases

  get held(): number {
    return this.#replica.grants.held
  }

  get askAt(): number {
    return this.#circuit.time.now() + this.#replica.grants.wait
  }

  take(): { readonly lease: Lease; readonly left: number } | undefined {
    return this.#replica.grants.take()
  }

  expire(): void {
    this.#replica.grants.expire()
  }

  askFor(nonce: string): AcquireCommand {
    const { probeTimeout } = this.#circuit.options
    const lease = Math.max(1, toDuration(probeTimeout))
    const reopenFor = toDuration(this.#reports.openTime('probeTimeout', {}))
    return { type: 'acquire', sender: this.sender, nonce, lease, reopenFor, policy: this.policy }
  }

  answerFor({ nonce, epoch }: Lease, outcome: SettleCommand['outcome'], openFor: number): SettleCommand {
    return { type: 'settle', sender: this.sender, nonce, epoch, outcome, openFor }
  }

  get policy(): ProbePolicy {
    return toPolicy(this.#circuit.options.halfOpen)
  }

  get sender(): Sender {
    return this.#replica.sender(this.#reporter, this.#circuit.options.attemptDecay)
  }

  get follows(): boolean {
    const { mode, share } = this.#circuit.options
    return mode === 'enforce' && share !== 'observe'
  }

  /** Whether it takes part in a state of the fleet that it does not go by. */
  get #shadows(): boolean {
    const { mode, share } = this.#circuit.options
    return mode === 'observe' && share !== 'observe' && (this.#replica.view?.state ?? 'closed') !== 'closed'
  }
}
