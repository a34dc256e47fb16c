import type { SharedCircuit } from './options.ts'
import type { Changes } from './changes.ts'
import type { Fleets } from './fleets.ts'
import { Refresher } from './refresher.ts'
import type { Replica } from './replica.ts'
import type { Reports } from './reports.ts'
import type { ScheduledMember, Scheduler } from './scheduler.ts'

/** A breaker that has not been used for so long is told nothing new before its next use. */
const IN_USE = 60_000
/** A failure is sent after this time, and up to as much again by chance (F24); then others may come along. */
const SOON = 25
/** No failure is urgent while replies take longer. */
const SLOW_REPLY = 50
/** How far the answers to a hint are spread (F23). */
const SPREAD = 20
const SECOND = 1_000
const URGENT = 10

/** Limits how often something is done. */
class TokenBucket {
  readonly #most: number
  readonly #each: number
  #left: number
  #at: number | undefined

  /** Holds `most` tokens at first, and gains one per `each` ms up to that. */
  constructor(most: number, each: number) {
    this.#most = this.#left = most
    this.#each = each
  }

  /** Takes a token, if there is one. */
  take(now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + (now - (this.#at ?? now)) / this.#each)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** When one member exchanges (F24): once per interval while it is in use, and sooner where something has happened. */
export class ExchangeSchedule implements ScheduledMember {
  /** Nothing has happened for a while: the next use is to be seen. */
  isIdle = true
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #changes: Changes
  readonly #reports: Reports
  readonly #scheduler: Scheduler
  // Frozen between requests, it keeps no timer (F28).
  readonly #ephemeral: boolean
  readonly #urgentTokens = new TokenBucket(URGENT, SECOND)
  readonly #hintTokens = new TokenBucket(1, SECOND)
  #used = false
  #usedAt = -Infinity

  constructor(
    circuit: SharedCircuit,
    { scheduler }: Fleets,
    replica: Replica,
    changes: Changes,
    reports: Reports,
  ) {
    this.#circuit = circuit
    this.#scheduler = scheduler
    this.#replica = replica
    this.#changes = changes
    this.#reports = reports
    this.#ephemeral = circuit.options.ephemeral!
  }

  /** The breaker is used. After a rest it takes part again. */
  use(): void {
    this.#used = true
    // It may have been frozen since (F25).
    if (this.#ephemeral && Refresher.isFrozen(this.#reports.age)) this.drop()
    if (!this.isIdle) return
    this.isIdle = false
    this.#usedAt = this.#circuit.time.now()
    this.#reports.begin(this.#usedAt)
    if (this.#ephemeral) return
    if (!this.#replica.link.subscribe() || this.#replica.stale) this.#scheduler.soon(this, 0)
    this.#scheduler.activate(this)
    this.#circuit.prepare()
  }

  /** There was a failure, which may be worth an exchange of its own. */
  noteFailure(): void {
    const { link, degraded } = this.#replica
    if (link.replyTime > SLOW_REPLY || degraded) return
    if (this.#urgentTokens.take(this.#circuit.time.now())) this.#sendSoon()
  }

  /** The circuit has opened by itself. */
  noteTrip(): void {
    if (!this.#ephemeral) this.#scheduler.activate(this)
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#ephemeral) void this.exchange()
    else this.#scheduler.soon(this, SOON * (1 + Math.random()))
  }

  /** The link is up again. */
  linkRestored(): void {
    if (!this.isIdle && !this.#ephemeral) this.#scheduler.soon(this, SPREAD * Math.random())
  }

  /** What is known may be out of date. */
  invalidate(): void {
    // It looks before its next call, if it is time to.
    if (this.#ephemeral) return
    const now = this.#circuit.time.now()
    if (now - this.#usedAt >= IN_USE) return
    if (this.#hintTokens.take(now)) this.#scheduler.soon(this, SPREAD * Math.random())
    else this.#scheduler.activate(this)
  }

  get isUrgent(): boolean {
    const { generation } = this.#circuit
    return generation.state !== 'closed' && generation.scope === 'local'
  }

  plan(): 'exchange' | 'wait' | 'rest' {
    const circuit = this.#circuit
    const { generation, options } = circuit
    if (options.mode === 'off') return this.#becomeIdle()
    this.#reports.read()
    const now = circuit.time.now()
    if (this.#used || this.#reports.calls > 0) this.#usedAt = now
    this.#used = false
    // Too old to say anything of now: the process has been frozen, or the link is slow (F25).
    if (this.#reports.age > 2 * this.#scheduler.interval) this.drop()
    if (this.#replica.refused !== undefined && !this.#replica.mayRefresh) {
      this.drop()
      return 'wait'
    }
    const { stale, hasOffer } = this.#replica
    if (this.#changes.manual || hasOffer || this.#reports.calls > 0) return 'exchange'
    const busy = generation.state !== 'closed' || (this.#replica.view?.state ?? 'closed') !== 'closed'
    if ((busy || stale) && now - this.#usedAt < IN_USE) return 'exchange'
    if (generation.inFlight > 0 && !busy) {
      this.#reports.begin(now)
      return 'wait'
    }
    return this.#becomeIdle()
  }

  #becomeIdle(): 'rest' {
    this.isIdle = true
    this.#circuit.prepare()
    return 'rest'
  }

  drop(): void {
    this.#reports.drop()
  }

  async exchange(): Promise<void> {
    if (this.#circuit.options.mode === 'off') return
    // A breaker that never rests would not ask again for hints that were refused.
    if (!this.#ephemeral) this.#replica.link.subscribe()
    await this.#reports.exchange()
  }
}
