import { systemClock } from '../../base/clock.ts'
import { onNextTick } from '../../base/next-tick.ts'
import { isStorageDeadlineError } from './errors.ts'

/** `'connecting'`: nothing is known yet; `'degraded'`: the store is out of reach; `'closed'`: disposed of. */
export type HealthState = 'connecting' | 'live' | 'degraded' | 'closed'

/** Deadlines missed in a row that bring a connection down (F27). */
export const MOST_MISSED = 3
/** Milliseconds between the starts of two tries (F24b): at most two a second. */
const TRY_EVERY = 510
/** Milliseconds of jitter in the pause between two tries. */
const TRY_JITTER = 190
const LONGEST_PAUSE = 30_000
/** An answer this many milliseconds after the store's return shows that it has really returned. */
const SETTLED_AFTER = 500

/** Returns the milliseconds until the next try, if the last one began at `triedAt`. */
export const pauseAfter = (triedAt: number, jitter: number = TRY_JITTER): number =>
  Math.max(0, triedAt + TRY_EVERY - systemClock.now()) + jitter * Math.random()

/**
 * Failures in a row, counted by batch, which is what was sent at the same time (F28b). A batch of which anything was
 * answered has not failed, and one that was sent before the last counted failure belongs to it. So a pause of the store
 * counts alike whether one command waits for it or a thousand do.
 */
export class FailureRun {
  length = 0
  #countedAt = -Infinity
  #answered = -Infinity

  /** Counts the failure of what was sent at `sentAt`. Returns the length of the run. */
  add(sentAt: number): number {
    if (sentAt < this.#countedAt || sentAt <= this.#answered) return this.length
    this.#countedAt = systemClock.now()
    return ++this.length
  }

  /** Ends the run, because what was sent at `sentAt` was answered. */
  end(sentAt: number): void {
    this.length = 0
    this.#answered = sentAt
  }
}

/**
 * Whether the store of a storage can be reached, and how quickly it replies. A storage that opens connections enters the
 * states itself; for any other, they follow from the outcomes of its operations.
 */
export class Health {
  state: HealthState = 'connecting'
  /** Why the store is out of reach. */
  error: unknown
  /** Milliseconds that a reply takes. That of an outage does not count: the last two must have taken that long (F24b). */
  replyTime = 0
  /** Whether the storage enters the states itself. */
  readonly isConnection: boolean
  readonly #followers = new Set<() => void>()
  readonly #failures = new FailureRun()
  #turn: number | undefined
  #pending = 0
  #lastReplyTime = 0
  #repliedAt = -Infinity
  #liveSince = -Infinity
  #triedAt = -Infinity
  #tryAt = -Infinity
  // How often in a row the store was lost again before it had really returned.
  #relapses = 0

  constructor(isConnection = false) {
    this.isConnection = isConnection
  }

  /** Calls back after each change of the state. */
  follow(follower: () => void): void {
    this.#followers.add(follower)
  }

  /** Whether a command may be sent. While the store is out of reach, that is a try. */
  get mayTry(): boolean {
    return this.state !== 'degraded' || (!this.isConnection && systemClock.now() >= this.#tryAt)
  }

  /** Milliseconds until the next try; `Infinity` if the storage tries by itself. */
  get tryIn(): number {
    return this.isConnection ? Infinity : Math.max(0, this.#tryAt - systemClock.now())
  }

  /** Allows a try at once. */
  tryNow(): void {
    this.#tryAt = -Infinity
  }

  /** Notes that a command is sent now. Returns the time, which is the same for all commands of a batch. */
  sending(): number {
    this.#pending++
    if (this.#turn !== undefined) return this.#turn
    onNextTick(() => (this.#turn = undefined))
    const now = systemClock.now()
    if (this.state === 'degraded' && now >= this.#tryAt) this.#planTry(now)
    return (this.#turn = now)
  }

  /** Notes a reply. `revives`: whether it shows that the store is back; a refusal does not (F28b). */
  answered(sentAt: number, revives = true): void {
    const now = systemClock.now()
    this.#pending--
    this.#failures.end(sentAt)
    if (sentAt >= this.#repliedAt) {
      this.replyTime = Math.min(now - sentAt, this.#lastReplyTime)
      this.#lastReplyTime = now - sentAt
      this.#repliedAt = now
    }
    if (this.isConnection || !revives) return
    if (this.state !== 'live') {
      this.#liveSince = now
      this.enter('live')
    } else if (now - this.#liveSince > SETTLED_AFTER) this.#relapses = 0
  }

  /** Notes that a command was not answered. */
  failed(sentAt: number, error: unknown): void {
    this.#pending--
    if (this.isConnection || this.state === 'degraded') return
    const most = isStorageDeadlineError(error) ? MOST_MISSED : 1
    if (this.#failures.add(sentAt) < most) return
    // Other commands of the batch may be answered at the same time.
    if (this.#pending === 0) this.#lose(most, error)
    else onNextTick(() => this.#lose(most, error))
  }

  #lose(most: number, error: unknown): void {
    if (this.#failures.length < most || this.state === 'degraded') return
    this.#relapses++
    this.#planTry(systemClock.now())
    this.enter('degraded', error)
  }

  enter(state: HealthState, error?: unknown): void {
    if (state === this.state || this.state === 'closed') return
    this.state = state
    this.error = error
    // That a storage was disposed of is no news for its breakers.
    if (state !== 'closed') for (const follower of this.#followers) follower()
  }

  #planTry(now: number): void {
    this.#triedAt = now
    const factor = 2 ** Math.min(10, Math.max(0, this.#relapses - 1))
    this.#tryAt = this.#triedAt + Math.min(LONGEST_PAUSE, factor * pauseAfter(now))
  }
}
