import { handOver } from '../../base/error-sink.ts'
import { escapeText } from '../../base/validate.ts'
import { systemClock } from '../../base/clock.ts'

const MINUTE = 60_000
/** The most lines in a minute; the end of an outage is logged too (F28b). */
const MOST_LINES = 6
const LONGEST_LINE = 500

/** Logs when something is lost and when it is back: once per change, and at most six lines a minute. */
export class OutageLog {
  readonly #subject: string
  readonly #log: (message: string) => void
  readonly #outages = new Set<string>()
  #lines: number[] = []

  constructor(subject: string, log: (message: string) => void) {
    this.#subject = subject
    this.#log = log
  }

  begin(what: string, error: Error): void {
    const now = systemClock.now()
    this.#lines = this.#lines.filter((line) => line > now - MINUTE)
    // Leaves room for the ends of the outages that have been logged.
    if (this.#outages.has(what) || this.#lines.length + this.#outages.size + 2 > MOST_LINES) return
    this.#outages.add(what)
    this.#say(`${what}: ${error.message}`)
  }

  end(what: string, back: string): void {
    if (this.#outages.delete(what)) this.#say(back)
  }

  #say(text: string): void {
    this.#lines.push(systemClock.now())
    const line = escapeText(`${this.#subject}: ${text}`.slice(0, LONGEST_LINE))
    handOver(() => this.#log(line), undefined)
  }
}
