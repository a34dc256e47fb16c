import type { Admitting, Circuit, Generation } from '../circuit.ts'
import { LeasedGeneration, type Lease, type LeaseSource } from '../generation/leased.ts'
import type { CallPermit } from '../permit.ts'
import type { Failure, Opening } from '../opening.ts'
import type { FleetSnapshot } from '../snapshot.ts'
import type { CircuitBreakerState, Outcome } from '../state.ts'
import { limited } from '../storage/limited.ts'
import type { AcquireCommand, ProbePolicy, Sender, SettleCommand } from '../storage/commands.ts'
import type { Exchanged, RecordView } from '../storage/replies.ts'
import { Changes, type Changer } from './changes.ts'
import type { Fleets } from './fleets.ts'
import { follow, honouring, keepOwn } from './follow.ts'
import type { Prober } from './grants.ts'
import type { Link } from './link.ts'
import { toDuration, toPolicy } from './orders.ts'
import { Pool } from './pool.ts'
import type { Own, Replica } from './replica.ts'
import type { Attendee, Schedule } from './schedule.ts'
import { isBad, Tally, type Batch } from './tally.ts'
import { Tokens } from './tokens.ts'

/** As much of a shared state as tells it from others: on a tie of epochs the record wins, so the epoch is not enough. */
type Mark = Pick<RecordView, 'epoch' | 'state'>

/** The breaker decides by itself while the replica is not closed: it goes by no shared state. */
const DETACHED: Mark = { epoch: -1, state: 'closed' }
/** A breaker that has not been used for so long is told nothing new before its next use. */
const IN_USE = 60_000
/** A failure is sent after this time, and half as much again by chance (F24); then others may come along. */
const SOON = 25
/** No failure is urgent while replies take longer. */
const SLOW_REPLY = 50
/** How far the answers to a hint are spread (F23). */
const SPREAD = 20
const SECOND = 1_000
const URGENT = 10
/** In a process that is frozen between requests, what was heard so long ago is looked at again (F28). */
const OLD = 5_000

/**
 * One breaker as a member of a fleet: tells the fleet what it counts, asks its rule about what the fleet counts, and
 * makes the circuit go by the shared state whenever that is not closed (F1).
 */
export class Member implements Changer, LeaseSource, Prober, Attendee {
  readonly #circuit: Circuit
  readonly #replica: Replica
  readonly #link: Link
  readonly #schedule: Schedule
  readonly #tally: Tally
  readonly #urgent = new Tokens(URGENT, SECOND)
  readonly #hints = new Tokens(1, SECOND)
  readonly #reporter: string
  readonly #changes: Changes
  readonly #probeDeadline: number
  readonly #ephemeral: boolean
  // The shared state that the circuit goes by; none before the first is heard of.
  #mark: Mark | undefined
  #asleep = true
  #touched = false
  #usedAt = -Infinity
  #takenAt = 0
  #pool: Pool
  #failure: Failure = {}
  #known: 'live' | 'degraded' | undefined
  #looking: Promise<void> | undefined

  constructor(circuit: Circuit, fleets: Fleets) {
    const { name, trip, reporter, probeDeadline, ephemeral } = circuit.options
    this.#circuit = circuit
    this.#replica = fleets.replica(name, circuit.time)
    this.#link = fleets.link
    this.#schedule = fleets.schedule
    this.#pool = new Pool(trip)
    this.#tally = new Tally(this.#pool)
    this.#changes = new Changes(this.#replica, this)
    this.#reporter = reporter!
    this.#probeDeadline = probeDeadline!
    this.#ephemeral = ephemeral!
    this.#replica.join(this)
  }

  // What the circuit asks and tells

  /** Whether each call is to be seen on its way in. */
  get attentive(): boolean {
    return this.#asleep || this.#ephemeral || this.#shadows
  }

  /** A call that is seen on its way in; the first after a rest makes the member take part again. */
  use(): void {
    if (this.#circuit.options.mode === 'off') return
    this.#touched = true
    // It may have been frozen since (F25).
    if (this.#ephemeral && this.#circuit.time.now() - this.#takenAt > 2 * OLD) this.drop()
    if (!this.#asleep) return
    if (!this.#mark) this.#recall()
    this.#asleep = false
    this.#usedAt = this.#takenAt = this.#circuit.time.now()
    if (this.#ephemeral) return
    if (!this.#link.subscribe() || this.#replica.stale) this.#schedule.soon(this, 0)
    this.#schedule.wake(this)
    this.#circuit.refresh()
  }

  /**
   * Waits for leave to be a probe, where that is what stands between a call and its being admitted (F20), and before
   * that, in ephemeral mode, for what has become of the fleet (F28); for both together no longer than the deadline.
   */
  place(signal: AbortSignal | undefined): Promise<void> | undefined {
    const circuit = this.#circuit
    if (this.#ephemeral && this.#isOld) {
      const begun = circuit.time.now()
      return this.#look(signal).then(() => {
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

  get #isOld(): boolean {
    const { refused, mayLook, age } = this.#replica
    if (this.#circuit.options.mode === 'off' || !this.#link.mayRetry) return false
    return age >= OLD && (refused === undefined || mayLook)
  }

  /** Hears of the fleet, one exchange for all that wait; a store that cannot be asked in time is no error of a call. */
  async #look(signal: AbortSignal | undefined): Promise<void> {
    this.use()
    const look = (): Promise<void> =>
      (this.#looking ??= this.exchange().finally(() => (this.#looking = undefined)))
    try {
      await limited('exchange', look, { deadline: this.#probeDeadline, signal })
    } catch {
      signal?.throwIfAborted()
    }
  }

  /** A call was rejected that cannot wait: another one may find a place. */
  wantPlace(): void {
    this.#replica.grants.ask(this)
  }

  /** A half-open period of the fleet; `undefined` if there is no fleet to go by, and the circuit goes on alone (F26). */
  beginPeriod(): LeasedGeneration | undefined {
    if (!this.alone) return new LeasedGeneration(this)
    this.#mark = DETACHED
    return undefined
  }

  get alone(): boolean {
    return this.#replica.alone
  }

  /** In mode observe a call that has a lease is a probe all the same (F10). */
  accompany(permit: CallPermit): void {
    if (!this.#shadows) return
    const { view, remaining } = this.#replica
    if (view?.state === 'isolated' || (view?.state === 'open' && remaining > 0)) return
    permit.lease = this.#replica.grants.take()?.lease
    if (!permit.lease) this.wantPlace()
  }

  /** A generation ends: what it has counted is kept. */
  leave(before: Generation, next: Generation): void {
    this.#tally.read(before)
    if (this.#mark !== DETACHED || before.state !== 'half-open' || next.state !== 'closed') return
    if (!this.follows) return
    this.#mark = { epoch: this.#replica.epoch + 1, state: 'closed' }
    const { attemptDecay } = this.#circuit.options
    this.#replica.offerClosed(attemptDecay > 0 ? this.#circuit.attempt(NaN) : 0, this.#reporter)
  }

  /** A call has ended in time. */
  settled(
    { scope }: Admitting,
    permit: CallPermit | undefined,
    outcome: Outcome,
    opening: Opening | undefined,
    failure: Failure,
    now: number,
  ): void {
    const slow =
      permit !== undefined && !permit.paced && now - permit.start > this.#circuit.options.trip.slowerThan
    const bad = outcome === 'failure' || (slow && outcome === 'success')
    if (permit?.lease) {
      const openFor = scope === 'fleet' ? opening?.length : undefined
      this.#probed(permit.lease, outcome === 'ignored' ? undefined : bad, openFor, failure)
    }
    if (bad && scope === 'local') this.#failed(failure)
  }

  #failed(failure: Failure): void {
    this.#failure = failure
    this.use()
    if (this.#link.replyTime > SLOW_REPLY || this.alone) return
    if (this.#urgent.take(this.#circuit.time.now())) this.#sendSoon()
  }

  /** The circuit has opened by its own rule. */
  tripped({ reason, length }: Opening, error: unknown): void {
    this.use()
    if (!this.#ephemeral) this.#schedule.wake(this)
    this.#sendSoon()
    if (this.#circuit.options.share === 'first-trip') this.#open(reason, length, { error })
  }

  /** A probe of the fleet has ended. */
  #probed(lease: Lease, failed: boolean | undefined, openFor: number | undefined, failure: Failure): void {
    const outcome = failed === undefined ? 'cancel' : failed ? 'failure' : 'success'
    this.#failure = failed ? failure : {}
    const length = failed ? (openFor ?? this.#openTime('probeFailed', failure)) : 0
    void this.#replica.grants.settle(lease, outcome, toDuration(length), this)
  }

  /** A transition by hand was made here, and is to be made everywhere (F9). */
  order(to: CircuitBreakerState, reason: string, openFor: number): void {
    if (!this.follows) return
    this.#changes.give(to, reason, openFor)
    this.use()
    if (this.alone) this.unsent()
    else void this.#changes.send()
  }

  /** The options have changed. */
  reconfigure(modeChanged: boolean): void {
    this.#pool = new Pool(this.#circuit.options.trip)
    this.#tally.reset(this.#pool, this.#circuit.generation)
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
    return {
      link: this.#replica.refused === undefined ? this.#link.state : 'degraded',
      state,
      epoch,
      reason,
      by,
    }
  }

  /** Sends what has not been sent and gives back what is not used (F28). */
  async flush(): Promise<void> {
    if (this.#asleep || this.#circuit.options.mode === 'off') return
    await Promise.all([this.exchange(), this.#replica.grants.cancel(this)])
  }

  // What the replica tells

  hear(view: RecordView, reset: boolean, own?: Own): void {
    // What was done by hand here is on its way there, and newer.
    if (this.#changes.order && !own) return
    const circuit = this.#circuit
    const before = this.#mark
    this.#mark = { epoch: view.epoch, state: view.state }
    const { generation } = circuit
    // An opening that is known is counted down here, and lasts as long as was first said, whatever the store's clock does.
    if (view.epoch === before?.epoch && view.state === before.state) return
    const first = before === undefined
    if (!first) {
      this.#tally.read(generation)
      this.#tally.drop()
    }
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
    if (state === 'live' && !this.#asleep && !this.#ephemeral)
      this.#schedule.soon(this, SPREAD * Math.random())
    this.unsent()
  }

  doubt(): void {
    // It looks before its next call, if it is time to.
    if (this.#ephemeral) return
    const now = this.#circuit.time.now()
    if (now - this.#usedAt >= IN_USE) return
    if (this.#hints.take(now)) this.#schedule.soon(this, SPREAD * Math.random())
    else this.#schedule.wake(this)
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
    const reopenFor = toDuration(this.#openTime('probeTimeout', {}))
    return { type: 'acquire', sender: this.sender, nonce, lease, reopenFor, policy: this.policy }
  }

  answerFor({ nonce, epoch }: Lease, outcome: SettleCommand['outcome'], openFor: number): SettleCommand {
    return { type: 'settle', sender: this.sender, nonce, epoch, outcome, openFor }
  }

  // Exchanges

  get hurried(): boolean {
    const { generation } = this.#circuit
    return generation.state !== 'closed' && generation.scope === 'local'
  }

  plan(): 'exchange' | 'wait' | 'rest' {
    const circuit = this.#circuit
    const { generation, options } = circuit
    if (options.mode === 'off') return this.#rest()
    this.#tally.read(generation)
    const now = circuit.time.now()
    if (this.#touched || this.#tally.calls > 0) this.#usedAt = now
    this.#touched = false
    // Too old to say anything of now: the process has been frozen, or the link is slow (F25).
    if (now - this.#takenAt > 2 * this.#schedule.interval) this.drop()
    if (this.#replica.refused !== undefined && !this.#replica.mayLook) {
      this.drop()
      return 'wait'
    }
    const { stale, offers } = this.#replica
    if (this.#changes.order || offers || this.#tally.calls > 0) return 'exchange'
    const busy = generation.state !== 'closed' || (this.#replica.view?.state ?? 'closed') !== 'closed'
    if ((busy || stale) && now - this.#usedAt < IN_USE) return 'exchange'
    if (generation.inFlight > 0 && !busy) {
      this.#takenAt = now
      return 'wait'
    }
    return this.#rest()
  }

  #rest(): 'rest' {
    this.#asleep = true
    this.#circuit.refresh()
    return 'rest'
  }

  drop(): void {
    this.#tally.read(this.#circuit.generation)
    this.#tally.drop()
    this.#takenAt = this.#circuit.time.now()
  }

  async exchange(): Promise<void> {
    if (this.#circuit.options.mode === 'off') return
    // A breaker that never rests would not ask again for hints that were refused.
    if (!this.#ephemeral) this.#link.subscribe()
    await this.#changes.send()
    const { name } = this.#replica
    const known = this.#replica.view !== undefined
    // What was counted while there was no fleet is of no use to it now (F25).
    if (this.alone) this.drop()
    this.#tally.read(this.#circuit.generation)
    this.#takenAt = this.#circuit.time.now()
    // What was counted before anything was heard belongs to the state that is heard of first.
    const batch = known ? this.#tally.take() : this.#tally.nothing
    const command = { type: 'exchange', sender: this.sender, epoch: this.#replica.epoch, ...batch } as const
    const reply = await this.#link.send('exchange', (limits) =>
      this.#link.storage.exchange(name, command, limits),
    )
    if (!reply || !this.#replica.take(reply) || reply.type !== 'exchanged') return
    if (!known && this.#tally.calls > 0) return this.exchange()
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
      if (reason !== undefined) this.#open(reason, undefined, this.#failure)
    } else if (open && !this.#changes.isOpening) {
      const left = generation.remaining(this.#circuit.time.now(), Date.now())
      if (left > 0) this.#open(tripReason ?? 'consecutiveFailures', left, this.#failure)
    }
  }

  /** Opens the fleet, unless that is being done. */
  #open(reason: string, length: number | undefined, failure: Failure): void {
    if (this.#changes.isOpening || this.#circuit.options.share === 'observe') return
    void this.#changes.open(reason, toDuration(length ?? this.#openTime(reason, failure)), failure.error)
  }

  #sendSoon(): void {
    if (this.#ephemeral) void this.exchange()
    else this.#schedule.soon(this, SOON * (1 + Math.random()))
  }

  #openTime(reason: string, failure: Failure): number {
    return this.#circuit.openTime(reason, (this.#replica.view?.attempt ?? 0) + 1, failure)
  }

  get policy(): ProbePolicy {
    return toPolicy(this.#circuit.options.halfOpen)
  }

  get sender(): Sender {
    return this.#replica.sender(this.#reporter, this.#circuit.options.attemptDecay)
  }

  /** Whether the circuit goes by the shared state. */
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
