import { systemClock } from '../base/clock.ts'
import { startTimer } from '../base/timer.ts'
import type { Health } from '../storage/contract/health.ts'

/** A member whose exchanges are scheduled. */
export interface ScheduledMember {
  /** What the member needs in this round. `'idle'`: nothing until it is activated again. */
  plan(): 'exchange' | 'wait' | 'idle'
  exchange(): Promise<void>
  /** Drops what has not been sent. */
  drop(): void
  /** Whether the member exchanges every second, whatever the interval (F3). */
  readonly isUrgent: boolean
}

const SECOND = 1_000
const MAX_INTERVAL = 10_000
/** The shortest time in milliseconds between the end of a round and the next one. */
const SHORTEST_PAUSE = 50
/** The number of exchanges sent at once, so that acquires and settles need not queue behind all of them. */
const CHUNK = 100
/** The largest relative jitter of a delay, so that processes do not synchronize. */
const JITTER = 0.1

/** Schedules the exchanges of all breakers on one storage (F24). Runs no timer while no member is active. */
export class Scheduler {
  readonly #health: Pick<Health, 'state' | 'replyTime' | 'mayTry' | 'tryIn'>
  readonly #active = new Set<ScheduledMember>()
  #pending = new Set<ScheduledMember>()
  #stopTimer: (() => void) | undefined
  #delay = Infinity
  #exchanging = false
  // When all members were planned last, not only the urgent ones.
  #roundAt = -Infinity

  constructor(health: Pick<Health, 'state' | 'replyTime' | 'mayTry' | 'tryIn'>) {
    this.#health = health
  }

  /** Milliseconds between two exchanges of a healthy breaker, derived from the store's reply time. */
  get interval(): number {
    return Math.min(MAX_INTERVAL, Math.max(SECOND, 20 * this.#health.replyTime))
  }

  /** Plans the member once per interval from now on, until it rests. */
  activate(member: ScheduledMember): void {
    this.#active.add(member)
    this.#arm(member.isUrgent ? SECOND : this.interval)
  }

  /** Tries the store earlier than the interval, because it is out of reach (F24b). */
  hurry(): void {
    if (this.#active.size > 0) this.#arm(Math.max(SECOND / 2, Math.ceil(this.#health.tryIn) + 1))
  }

  /** Lets a member exchange after `delay` milliseconds, or together with the exchanges that are pending already. */
  soon(member: ScheduledMember, delay: number): void {
    if (this.#pending.size === 0) startTimer(delay, () => this.#flush(), false)
    this.#pending.add(member)
  }

  #flush(): void {
    const members = [...this.#pending]
    this.#pending = new Set()
    void this.#exchange(members)
  }

  #arm(delay: number): void {
    if (this.#exchanging || delay >= this.#delay) return
    this.#stopTimer?.()
    this.#delay = delay
    // The pause between two tries has its own jitter.
    const jitter = this.#isLost ? 0 : JITTER * (2 * Math.random() - 1)
    this.#stopTimer = startTimer(delay * (1 + jitter), () => void this.#tick(), false)
  }

  async #tick(): Promise<void> {
    this.#stopTimer = undefined
    this.#delay = Infinity
    this.#exchanging = true
    const members: ScheduledMember[] = []
    const now = systemClock.now()
    const isRound = this.#isLost || now - this.#roundAt >= this.interval * (1 - JITTER)
    if (isRound) this.#roundAt = now
    for (const each of this.#active) {
      if (!isRound && !each.isUrgent) continue
      const plan = each.plan()
      if (plan === 'exchange') members.push(each)
      else if (plan === 'idle') this.#active.delete(each)
    }
    await this.#exchange(members)
    this.#exchanging = false
    const hasUrgent = [...this.#active].some((each) => each.isUrgent)
    // From the start of this round, which may have waited for a lost reply.
    const took = systemClock.now() - now
    if (this.#active.size > 0)
      this.#arm(Math.max(SHORTEST_PAUSE, (hasUrgent ? SECOND : this.interval) - took))
    if (this.#isLost) this.hurry()
  }

  async #exchange(members: readonly ScheduledMember[]): Promise<void> {
    let remaining = members
    if (this.#isLost) {
      // One member tries the store. What the others have counted meanwhile is dropped (F25).
      const [first, ...others] = members
      if (!first || !this.#health.mayTry) return members.forEach((each) => each.drop())
      await first.exchange()
      remaining = others
    }
    for (let at = 0; at < remaining.length; at += CHUNK) {
      if (this.#isLost) return remaining.slice(at).forEach((each) => each.drop())
      await Promise.all(remaining.slice(at, at + CHUNK).map((each) => each.exchange()))
    }
  }

  get #isLost(): boolean {
    return this.#health.state === 'degraded'
  }
}
