import type { BreakerReport, Transition } from '../../monitor/report.ts'
import type { CircuitBreakerState } from '../../base/state.ts'
import { afterTransition } from '../after-transition.ts'
import { Timeline } from './timeline.ts'
import { Topic } from './topic.ts'

/** A breaker's latest report and its timeline. */
export class Breaker {
  report: BreakerReport
  readonly timeline: Timeline = new Timeline()
  /** When the report was taken, by the server's wall clock. */
  #takenAt: number
  /** When the report arrived, by this page's monotonic clock. */
  #receivedAt: number
  /** False after a transition to open, until a report says how long the opening lasts. */
  #deadlineKnown = true
  /** Published when anything has changed. */
  readonly changed: Topic = new Topic()
  /** Published when the state has changed. */
  readonly moved: Topic = new Topic()

  constructor(report: BreakerReport, takenAt: number) {
    this.report = report
    this.#takenAt = takenAt
    this.#receivedAt = performance.now()
  }

  get state(): CircuitBreakerState {
    return this.report.state
  }

  /** Replaces the report. Returns whether the state has changed. */
  renew(report: BreakerReport, takenAt: number): boolean {
    const moved = report.state !== this.report.state
    this.report = report
    this.#takenAt = takenAt
    this.#receivedAt = performance.now()
    this.#deadlineKnown = true
    return moved
  }

  /** Applies a transition to the report; the next report completes it. */
  apply(transition: Transition): void {
    this.report = afterTransition(this.report, transition)
    this.#deadlineKnown = transition.to !== 'open'
  }

  /** An estimate of the server's wall clock. */
  get #now(): number {
    return this.#takenAt + performance.now() - this.#receivedAt
  }

  /** Milliseconds in the current state; `null` if it has never changed. */
  get age(): number | null {
    const { since } = this.report
    return since === null ? null : Math.max(0, this.#now - since)
  }

  /** Milliseconds until a call may be admitted: `null` if time alone will not help, `undefined` if not known yet. */
  get retryAfter(): number | null | undefined {
    if (!this.#deadlineKnown) return undefined
    const { retryAfter } = this.report
    return retryAfter === null ? null : Math.max(0, retryAfter - (performance.now() - this.#receivedAt))
  }

  /** The remaining share of the open time, from 1 down to 0. */
  get openShare(): number {
    const { age, retryAfter } = this
    if (age === null || !retryAfter) return 0
    return retryAfter / (retryAfter + age)
  }
}
