import type { MonotonicTime } from '../base/clock.ts'
import { escapeText } from '../base/validate.ts'
import type { Malformed, Unusable } from '../storage/contract/replies.ts'

/** Milliseconds after which a record that cannot be used is tried again (F16, F28b), and between two reports of that. */
const RETRY_AFTER = 30_000
const LONGEST_TEXT = 256
/** A store that refuses a write for these reasons may still answer reads, which prove nothing about writes. */
const REFUSALS: ReadonlySet<string> = new Set(['denied', 'full', 'readonly', 'failed'])

/** Whether a record can be used, and reports changes of that at most once in 30 s. */
export class Usability {
  /** Why the record cannot be used, if it cannot. */
  problem: string | undefined
  readonly #time: MonotonicTime
  readonly #changed: () => void
  #why = ''
  // Whether only writes have been refused.
  #isWriteOnly = true
  #refusedAt = -Infinity
  #reportedAt = -Infinity
  #reported = false

  constructor(time: MonotonicTime, changed: () => void) {
    this.#time = time
    this.#changed = changed
  }

  /** Whether a command may be sent. */
  get mayTry(): boolean {
    return this.problem === undefined || this.#quiet >= RETRY_AFTER
  }

  /** Allows a command at once, and believes what it shows: a store that was read-only accepts writes again. */
  writable(): void {
    if (this.#why === 'readonly') this.#refusedAt = -Infinity
  }

  /** Notes that a command was refused. `writes`: whether it would have written. */
  refused(reply: Unusable | Malformed, writes: boolean): void {
    this.#isWriteOnly = writes && (this.problem === undefined || this.#isWriteOnly)
    const { why, text } =
      reply.type === 'unusable' ? reply : { why: `malformed: ${reply.what}`, text: undefined }
    this.problem = text === undefined ? why : `${why}: ${escapeText(text.slice(0, LONGEST_TEXT))}`
    this.#why = why
    this.#refusedAt = this.#time.now()
    this.#report()
  }

  /** Notes that a command was executed. `wrote`: whether that shows that the store accepts writes. */
  executed(wrote: boolean): void {
    const isProof = wrote || !this.#isWriteOnly || !REFUSALS.has(this.#why)
    if (isProof || this.#quiet >= 2 * RETRY_AFTER) this.problem = undefined
    this.#report()
  }

  /** Milliseconds since a command was refused. */
  get #quiet(): number {
    return this.#time.now() - this.#refusedAt
  }

  #report(): void {
    const isUnusable = this.problem !== undefined
    const now = this.#time.now()
    if (isUnusable === this.#reported || now - this.#reportedAt < RETRY_AFTER) return
    this.#reported = isUnusable
    this.#reportedAt = now
    this.#changed()
  }
}
