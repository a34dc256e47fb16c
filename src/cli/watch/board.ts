import { afterTransition } from '../../dashboard/after-transition.ts'
import type { DashboardEvents } from '../../dashboard/protocol.ts'
import type { BreakerReport, MonitorSnapshot, Transition } from '../../monitor/report.ts'
import type { Failure } from '../base/command.ts'
import type { WatchUpdate } from './follow.ts'

/** A report, and when it arrived by our own clock: countdowns start from there. */
export interface ReceivedReport {
  readonly report: BreakerReport
  /** Milliseconds since the last transition, by the server's clock alone: ours may differ. */
  readonly changedAgo: number | undefined
  /** Milliseconds by our own clock. */
  readonly receivedAt: number
}

/** What is known about the breakers of one dashboard. Callers pass the time, in milliseconds of a monotonic clock. */
export class Board {
  readonly #breakers = new Map<string, ReceivedReport>()
  #control: boolean | undefined
  #trouble: { readonly error: Failure; readonly retryAt: number } | undefined

  /** Whether the dashboard may be controlled. Only the stream of events says that, so it may be `undefined`. */
  get control(): boolean | undefined {
    return this.#control
  }

  /** Why no updates arrive at the moment, and when the next attempt to connect begins. */
  get trouble(): { readonly error: Failure; readonly retryAt: number } | undefined {
    return this.#trouble
  }

  get breakers(): Iterable<ReceivedReport> {
    return this.#breakers.values()
  }

  apply(update: WatchUpdate, now: number): void {
    switch (update.type) {
      case 'snapshot':
        this.#trouble = undefined
        this.#control = update.data.control
        return this.show(update.data.snapshot, now)
      case 'update':
        return this.#update(update.data, now)
      case 'transition':
        return this.#transition(update.data, now)
      case 'disconnected':
        this.#trouble = { error: update.error, retryAt: now + update.retryIn }
        return
    }
    update satisfies never
  }

  show({ breakers, takenAt }: MonitorSnapshot, now: number): void {
    this.#breakers.clear()
    for (const report of breakers) this.#put(report, takenAt, now)
  }

  #update({ removed, breakers, takenAt }: DashboardEvents['update'], now: number): void {
    for (const id of removed) this.#breakers.delete(id)
    for (const report of breakers) this.#put(report, takenAt, now)
  }

  #put(report: BreakerReport, takenAt: number, now: number): void {
    const [last] = report.transitions
    const changedAgo = last && Math.max(0, takenAt - last.at)
    this.#breakers.set(report.id, { report, changedAgo, receivedAt: now })
  }

  /** Shows the new state at once. The next update says how long it lasts. */
  #transition(transition: Transition, now: number): void {
    const seen = this.#breakers.get(transition.id)
    if (seen === undefined) return
    const report = afterTransition(seen.report, transition)
    this.#breakers.set(transition.id, { report, changedAgo: 0, receivedAt: now })
  }
}
