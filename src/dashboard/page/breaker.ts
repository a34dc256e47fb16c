import type { BreakerReport, Transition } from '../../monitor/report.ts'
import type { CircuitBreakerState } from '../../base/state.ts'
import { afterTransition } from '../after-transition.ts'
import { Timeline } from './timeline.ts'
import { Topic } from './topic.ts'

/** One breaker as the page knows it. */
export class Breaker {
  report: BreakerReport
  readonly timeline: Timeline = new Timeline()
  /** When the report was taken, by the server's wall clock. */
  #takenAt: number
  /** The same moment by this page's own clock. */
  #heardAt: number
  /** False from a transition until the report that says how long it lasts. */
  #deadlineKnown = true
  /** Something has changed. */
  readonly changed: Topic = new Topic()
  /** The state has changed. */
  readonly moved: Topic = new Topic()

  constructor(report: BreakerReport, takenAt: number) {
    this.report = report
    this.#takenAt = takenAt
    this.#heardAt = performance.now()
  }

  get state(): CircuitBreakerState {
    return this.report.state
  }

  /** Takes a new report. Returns whether the state is another. */
  renew(report: BreakerReport, takenAt: number): boolean {
    const moved = report.state !== this.report.state
    this.report = report
    this.#takenAt = takenAt
    this.#heardAt = performance.now()
    this.#deadlineKnown = true
    return moved
  }

  /** Takes what a transition says; the rest comes with the next report. */
  apply(transition: Transition): void {
    this.report = afterTransition(this.report, transition)
    this.#deadlineKnown = transition.to !== 'open'
  }

  /** The server's wall clock now, as far as the page knows it. */
  get #now(): number {
    return this.#takenAt + performance.now() - this.#heardAt
  }

  /** Milliseconds in the present state; `null` if it has never changed. */
  get age(): number | null {
    const { since } = this.report
    return since === null ? null : Math.max(0, this.#now - since)
  }

  /** Milliseconds until a call may be admitted, counted down; `null` for never by itself, `undefined` if not known yet. */
  get retryAfter(): number | null | undefined {
    if (!this.#deadlineKnown) return undefined
    const { retryAfter } = this.report
    return retryAfter === null ? null : Math.max(0, retryAfter - (performance.now() - this.#heardAt))
  }

  /** How much of the open time is left, from 1 to 0. */
  get openShare(): number {
    const { age, retryAfter } = this
    if (age === null || !retryAfter) return 0
    return retryAfter / (retryAfter + age)
  }
}
