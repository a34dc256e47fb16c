import type { SharedCircuit } from './options.ts'
import type { Changes } from './changes.ts'
import type { Fleets } from './fleets.ts'
import { Refresher } from './refresher.ts'
import type { Replica } from './replica.ts'
import type { Reports } from './reports.ts'
import type { ScheduledMember, Scheduler } from './scheduler.ts'

/** Milliseconds without a call after which a breaker follows no hints and polls no state before its next use. */
const IDLE_AFTER = 60_000
/** Milliseconds before a failure is sent, plus up to as many of jitter (F24): later failures join the exchange. */
const SEND_AFTER = 25
/** While a reply takes longer than this, in milliseconds, failures wait for the regular exchange. */
const SLOW_REPLY = 50
/** Milliseconds over which the exchanges after a hint are spread (F23). */
const HINT_SPREAD = 20
const SECOND = 1_000
/** The number of failures that may be sent at once, before the rate is limited to one per second (F24). */
const URGENT_BURST = 10

/** Decides when one member exchanges (F24): once per interval while in use, and sooner after failures and changes. */
export class ExchangeSchedule implements ScheduledMember {
  /** Whether the member is idle: the next call must pass through `use()`. */
  isIdle = true
  readonly #circuit: SharedCircuit
  readonly #fleets: Fleets
  readonly #replica: Replica
  readonly #changes: Changes
  readonly #reports: Reports
  readonly #scheduler: Scheduler
  // An ephemeral process is frozen between requests, so it runs no timers (F28).
  readonly #ephemeral: boolean
  // When all urgent tokens will be back: a token bucket in one number.
  #urgentAt = 0
  // When a hint may prompt an exchange again.
  #hintAt = 0
  #used = false
  #usedAt = -Infinity

  constructor(circuit: SharedCircuit, fleets: Fleets, replica: Replica, changes: Changes, reports: Reports) {
    this.#circuit = circuit
    this.#fleets = fleets
    this.#scheduler = fleets.scheduler
    this.#replica = replica
    this.#changes = changes
    this.#reports = reports
    this.#ephemeral = circuit.options.ephemeral!
  }

  /** Notes a call. After an idle time, the member resumes its exchanges. */
  use(): void {
    this.#used = true
    // The process may have been frozen since the last report (F25).
    if (this.#ephemeral && Refresher.isFrozen(this.#reports.age)) this.drop()
    if (!this.isIdle) return
    this.isIdle = false
    this.#usedAt = this.#circuit.time.now()
    this.#reports.begin(this.#usedAt)
    if (this.#ephemeral) return
    if (!this.#fleets.subscribe() || this.#replica.stale) this.#scheduler.soon(this, 0)
    this.#scheduler.activate(this)
    this.#circuit.prepare()
  }

  /** Notes a failure, which may be worth an exchange of its own. */
  noteFailure(): void {
    const { link, degraded } = this.#replica
    if (link.replyTime > SLOW_REPLY || degraded) return
    const now = this.#circuit.time.now()
    if (this.#urgentAt - now > (URGENT_BURST - 1) * SECOND) return
    this.#urgentAt = Math.max(this.#urgentAt, now) + SECOND
    this.#sendSoon()
  }

  /** Notes that the circuit has tripped by its own rule. */
  noteTrip(): void {
    if (!this.#ephemeral) this.#scheduler.activate(this)
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#ephemeral) void this.exchange()
    else this.#scheduler.soon(this, SEND_AFTER * (1 + Math.random()))
  }

  /** Exchanges soon after the link has recovered. */
  linkRestored(): void {
    if (!this.isIdle && !this.#ephemeral) this.#scheduler.soon(this, HINT_SPREAD * Math.random())
  }

  /** Exchanges soon, because the replica may be stale. */
  invalidate(): void {
    // An ephemeral breaker refreshes before its next call instead, if that is due.
    if (this.#ephemeral) return
    const now = this.#circuit.time.now()
    if (now - this.#usedAt >= IDLE_AFTER) return
    if (now < this.#hintAt) return this.#scheduler.activate(this)
    this.#hintAt = now + SECOND
    this.#scheduler.soon(this, HINT_SPREAD * Math.random())
  }

  get isUrgent(): boolean {
    const { generation } = this.#circuit
    return generation.state !== 'closed' && generation.scope === 'local'
  }

  plan(): 'exchange' | 'wait' | 'idle' {
    const circuit = this.#circuit
    const { generation, options } = circuit
    if (options.mode === 'off') return this.#becomeIdle()
    this.#reports.read()
    const now = circuit.time.now()
    if (this.#used || this.#reports.calls > 0) this.#usedAt = now
    this.#used = false
    // The counts are too old to be relevant: the process was frozen, or the link is slow (F25).
    if (this.#reports.age > 2 * this.#scheduler.interval) this.drop()
    if (!this.#replica.mayRefresh) {
      this.drop()
      return 'wait'
    }
    const { stale, hasOffer, link } = this.#replica
    const mayHaveMissed = stale || link.state === 'degraded'
    if (this.#changes.unsent || hasOffer || this.#reports.calls > 0) return 'exchange'
    const busy = generation.state !== 'closed' || (this.#replica.view?.state ?? 'closed') !== 'closed'
    if ((busy || mayHaveMissed) && now - this.#usedAt < IDLE_AFTER) return 'exchange'
    if (generation.inFlight > 0 && !busy) {
      this.#reports.begin(now)
      return 'wait'
    }
    return this.#becomeIdle()
  }

  #becomeIdle(): 'idle' {
    this.isIdle = true
    this.#circuit.prepare()
    return 'idle'
  }

  drop(): void {
    this.#reports.drop()
  }

  async exchange(): Promise<void> {
    if (this.#circuit.options.mode === 'off' || !this.#replica.mayRefresh) return
    // A breaker that never rests would otherwise never retry a failed subscription.
    if (!this.#ephemeral) this.#fleets.subscribe()
    await this.#reports.exchange()
  }
}
