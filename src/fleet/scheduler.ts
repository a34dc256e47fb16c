import { systemClock } from '../base/clock.ts'
import { startTimer } from '../base/timer.ts'

/** Who takes part in exchanges. */
export interface ScheduledMember {
  /** What it needs now. `'rest'`: nothing until it calls again. */
  plan(): 'exchange' | 'wait' | 'rest'
  exchange(): Promise<void>
  /** Forgets what it would have sent. */
  drop(): void
  /** Whether it must exchange every second (F3). */
  readonly isUrgent: boolean
}

/** As much of the link as matters to when it is used. */
export interface LinkLoad {
  readonly replyTime: number
  readonly state: string
  readonly mayRetry: boolean
}

const SECOND = 1_000
const LONGEST_INTERVAL = 10_000
/** Exchanges that may be on their way together; acquires and settles go between (F24). */
const CHUNK = 100
/** Delays differ by chance by as much of them at most, so that processes do not keep step. */
const JITTER = 0.1

/** When the breakers of one storage exchange (F24). Without anybody awake there is no timer. */
export class Scheduler {
  readonly #link: LinkLoad
  readonly #active = new Set<ScheduledMember>()
  #soon = new Set<ScheduledMember>()
  #stop: (() => void) | undefined
  #delay = Infinity
  #exchanging = false
  // When all were last asked, and not only those in a hurry.
  #roundAt = -Infinity

  constructor(link: LinkLoad) {
    this.#link = link
  }

  /** Milliseconds between two exchanges of a healthy breaker: what it costs the store decides. */
  get interval(): number {
    return Math.min(LONGEST_INTERVAL, Math.max(SECOND, 20 * this.#link.replyTime))
  }

  /** From now on the member is asked once per interval. */
  activate(member: ScheduledMember): void {
    this.#active.add(member)
    this.#arm(member.isUrgent ? SECOND : this.interval)
  }

  /** Lets a member exchange within `delay` ms, with all others that have asked for that by then. */
  soon(member: ScheduledMember, delay: number): void {
    if (this.#soon.size === 0) startTimer(delay, () => this.#flush(), false)
    this.#soon.add(member)
  }

  #flush(): void {
    const members = [...this.#soon]
    this.#soon = new Set()
    void this.#exchange(members)
  }

  #arm(delay: number): void {
    if (this.#exchanging || delay >= this.#delay) return
    this.#stop?.()
    this.#delay = delay
    const jitter = JITTER * (2 * Math.random() - 1)
    this.#stop = startTimer(delay * (1 + jitter), () => void this.#tick(), false)
  }

  async #tick(): Promise<void> {
    this.#stop = undefined
    this.#delay = Infinity
    this.#exchanging = true
    const members: ScheduledMember[] = []
    const now = systemClock.now()
    const isRound = now - this.#roundAt >= this.interval * (1 - JITTER)
    if (isRound) this.#roundAt = now
    for (const each of this.#active) {
      if (!isRound && !each.isUrgent) continue
      const plan = each.plan()
      if (plan === 'exchange') members.push(each)
      else if (plan === 'rest') this.#active.delete(each)
    }
    await this.#exchange(members)
    this.#exchanging = false
    const hurried = [...this.#active].some((each) => each.isUrgent)
    if (this.#active.size > 0) this.#arm(hurried ? SECOND : this.interval)
  }

  async #exchange(members: readonly ScheduledMember[]): Promise<void> {
    let left = members
    if (this.#link.state === 'degraded') {
      // One tries; what the others have counted meanwhile is of no use to anybody (F25).
      const [first, ...others] = members
      if (!first || !this.#link.mayRetry) return members.forEach((each) => each.drop())
      await first.exchange()
      left = others
      if (this.#stillDegraded) return others.forEach((each) => each.drop())
    }
    for (let at = 0; at < left.length; at += CHUNK) {
      await Promise.all(left.slice(at, at + CHUNK).map((each) => each.exchange()))
    }
  }

  get #stillDegraded(): boolean {
    return this.#link.state === 'degraded'
  }
}
