import type { SharedCircuit } from './options.ts'
import type { Changes } from './changes.ts'
import type { Fleets } from './fleets.ts'
import { Look } from './look.ts'
import type { Replica } from './replica.ts'
import type { Reports } from './reports.ts'
import type { Attendee, Schedule } from './schedule.ts'

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
export class Attendance implements Attendee {
  /** Nothing has happened for a while: the next use is to be seen. */
  asleep = true
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #changes: Changes
  readonly #reports: Reports
  readonly #schedule: Schedule
  // Frozen between requests, it keeps no timer (F28).
  readonly #ephemeral: boolean
  readonly #urgent = new TokenBucket(URGENT, SECOND)
  readonly #hints = new TokenBucket(1, SECOND)
  #touched = false
  #usedAt = -Infinity

  constructor(
    circuit: SharedCircuit,
    { schedule }: Fleets,
    replica: Replica,
    changes: Changes,
    reports: Reports,
  ) {
    this.#circuit = circuit
    this.#schedule = schedule
    this.#replica = replica
    this.#changes = changes
    this.#reports = reports
    this.#ephemeral = circuit.options.ephemeral!
  }

  /** The breaker is used. After a rest it takes part again. */
  use(): void {
    this.#touched = true
    // It may have been frozen since (F25).
    if (this.#ephemeral && Look.isFrozen(this.#reports.age)) this.drop()
    if (!this.asleep) return
    this.asleep = false
    this.#usedAt = this.#circuit.time.now()
    this.#reports.begin(this.#usedAt)
    if (this.#ephemeral) return
    if (!this.#replica.link.subscribe() || this.#replica.stale) this.#schedule.soon(this, 0)
    this.#schedule.wake(this)
    this.#circuit.refresh()
  }

  /** There was a failure, which may be worth an exchange of its own. */
  failed(): void {
    const { link, alone } = this.#replica
    if (link.replyTime > SLOW_REPLY || alone) return
    if (this.#urgent.take(this.#circuit.time.now())) this.#sendSoon()
  }

  /** The circuit has opened by itself. */
  tripped(): void {
    if (!this.#ephemeral) this.#schedule.wake(this)
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#ephemeral) void this.exchange()
    else this.#schedule.soon(this, SOON * (1 + Math.random()))
  }

  /** The link is up again. */
  returned(): void {
    if (!this.asleep && !this.#ephemeral) this.#schedule.soon(this, SPREAD * Math.random())
  }

  /** What is known may be out of date. */
  doubt(): void {
    // It looks before its next call, if it is time to.
    if (this.#ephemeral) return
    const now = this.#circuit.time.now()
    if (now - this.#usedAt >= IN_USE) return
    if (this.#hints.take(now)) this.#schedule.soon(this, SPREAD * Math.random())
    else this.#schedule.wake(this)
  }

  get hurried(): boolean {
    const { generation } = this.#circuit
    return generation.state !== 'closed' && generation.scope === 'local'
  }

  plan(): 'exchange' | 'wait' | 'rest' {
    const circuit = this.#circuit
    const { generation, options } = circuit
    if (options.mode === 'off') return this.#rest()
    this.#reports.read()
    const now = circuit.time.now()
    if (this.#touched || this.#reports.calls > 0) this.#usedAt = now
    this.#touched = false
    // Too old to say anything of now: the process has been frozen, or the link is slow (F25).
    if (this.#reports.age > 2 * this.#schedule.interval) this.drop()
    if (this.#replica.refused !== undefined && !this.#replica.mayLook) {
      this.drop()
      return 'wait'
    }
    const { stale, offers } = this.#replica
    if (this.#changes.order || offers || this.#reports.calls > 0) return 'exchange'
    const busy = generation.state !== 'closed' || (this.#replica.view?.state ?? 'closed') !== 'closed'
    if ((busy || stale) && now - this.#usedAt < IN_USE) return 'exchange'
    if (generation.inFlight > 0 && !busy) {
      this.#reports.begin(now)
      return 'wait'
    }
    return this.#rest()
  }

  #rest(): 'rest' {
    this.asleep = true
    this.#circuit.refresh()
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
