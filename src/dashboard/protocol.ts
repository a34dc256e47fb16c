import type { BreakerReport, Health, HealthReport, MonitorSnapshot, Transition } from '../monitor/report.ts'

/*
 * What goes over the wire, relative to where the dashboard is mounted:
 *
 *   GET  ./          the page; ./page.js and ./page.css belong to it
 *   GET  ./snapshot  a MonitorSnapshot with the whole history
 *   GET  ./health    a HealthReport, always with status 200
 *   GET  ./events    text/event-stream: one `snapshot`, then an `update` every second, and a `transition` at once
 *   POST ./control   a ControlRequest, answered by a ControlResult
 *
 * Every answer that is not a success is an ErrorBody. A stream that is refused (503, with Retry-After) or that ends
 * may be asked for again; an EventSource gives up by itself after a refusal.
 */

/** The data of the event `snapshot`, the first of a stream. */
export interface SnapshotEvent {
  /** True if this request may control the breakers. */
  readonly control: boolean
  /** With the whole history. */
  readonly snapshot: MonitorSnapshot
  /** The last fifty of all breakers, the oldest first. */
  readonly transitions: readonly Transition[]
}

/** The data of the event `update`, sent every second, also where nothing has changed. */
export interface UpdateEvent {
  /** Milliseconds of the wall clock. */
  readonly takenAt: number
  readonly health: Health
  /**
   * How many seconds began since the event before, `snapshot` or `update`; nearly always 1. A plot moves on by so
   * many for every breaker, and where one is not in `breakers` the new seconds are empty.
   */
  readonly seconds: number
  /** The ids of those that are gone; to be taken away before `breakers` is read. */
  readonly removed: readonly string[]
  /**
   * The new ones and those that have changed. The `history` is of the last complete second and the current one; of
   * `seconds` + 1 where more than one began. It replaces the end of what a client has. A breaker with a clock of its
   * own may begin its seconds a little earlier or later.
   */
  readonly breakers: readonly BreakerReport[]
}

/** The data of the event `transition`. The next `update` has the breaker's new report. */
export type TransitionEvent = Transition

/** The events of a stream by name. */
export interface DashboardEvents {
  readonly snapshot: SnapshotEvent
  readonly update: UpdateEvent
  readonly transition: TransitionEvent
}

/** What can be done to a breaker. */
export type ControlAction = 'open' | 'isolate' | 'close' | 'half-open'

/** The body of `POST ./control`, at most 10,000 bytes of JSON. */
export interface ControlRequest {
  /** The breaker's id in the monitor: `BreakerReport.id`. */
  readonly id: string
  readonly action: ControlAction
  /** Why, for everyone to see: at most 500 characters. `'manual'` if left out or empty. */
  readonly reason?: string | undefined
  /** Milliseconds, a finite number from 0 up, with `'open'` only: how long. As long as a trip would if left out. */
  readonly for?: number | undefined
}

/** The answer to a {@link ControlRequest}. */
export interface ControlResult {
  /** False where the breaker was in that state already, or is not in mode `'enforce'`. */
  readonly changed: boolean
  /** With the whole history. */
  readonly breaker: BreakerReport
}

/** The answer to `GET ./health`. */
export type HealthBody = HealthReport

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly error: string
}

/** Must be sent with `POST ./control`, as {@link CONTROL_HEADER_VALUE}: a page of another site cannot. */
export const CONTROL_HEADER = 'x-recloser'
export const CONTROL_HEADER_VALUE = 'control'
