import type { BreakerReport, Health, HealthReport, MonitorSnapshot, Transition } from '../monitor/report.ts'

/*
 * The wire protocol. Paths are relative to the mount point of the dashboard.
 *
 *   GET  ./          the page; it loads ./page.js and ./page.css
 *   GET  ./snapshot  a MonitorSnapshot with the full history
 *   GET  ./health    a HealthReport, always with status 200
 *   GET  ./events    text/event-stream: one `snapshot`, then an `update` every second and each `transition` at once
 *   POST ./control   a ControlRequest, answered with a ControlResult
 *
 * The body of every unsuccessful response is an ErrorBody. A client may retry a stream that was refused (503, with
 * Retry-After) or that ended; an EventSource does not retry after a refusal.
 */

/** The data of a `snapshot` event, the first event of a stream. */
export interface SnapshotEvent {
  /** Whether this request may control the breakers. */
  readonly control: boolean
  /** A snapshot with the full history. */
  readonly snapshot: MonitorSnapshot
  /** The last fifty transitions of all breakers, oldest first. */
  readonly transitions: readonly Transition[]
}

/** The data of an `update` event, which is sent every second even if nothing has changed. */
export interface UpdateEvent {
  /** When the reports were taken, in milliseconds of the wall clock. */
  readonly takenAt: number
  /** The worst health of all breakers; `'up'` if there are none. */
  readonly health: Health
  /**
   * The number of seconds that began since the previous `snapshot` or `update`; nearly always 1. A plot advances by
   * this number for every breaker; the new seconds are empty for a breaker that is missing from `breakers`.
   */
  readonly seconds: number
  /** The ids of breakers that are no longer watched. Remove them before applying `breakers`. */
  readonly removed: readonly string[]
  /**
   * The reports on breakers that are new or have changed. Their `history` covers the last complete second and the
   * current one, or `seconds` + 1 if more than one second began. It replaces the end of the client's history. The
   * seconds of a breaker with a custom clock may begin slightly earlier or later.
   */
  readonly breakers: readonly BreakerReport[]
}

/** The data of a `transition` event. The next `update` contains the breaker's new report. */
export type TransitionEvent = Transition

/** The data of a stream's events, by event name. */
export interface DashboardEvents {
  /** The first event of a stream. */
  readonly snapshot: SnapshotEvent
  /** Sent every second. */
  readonly update: UpdateEvent
  /** Sent as soon as a breaker changes its state. */
  readonly transition: TransitionEvent
}

/** A manual change of a breaker's state. */
export type ControlAction = 'open' | 'isolate' | 'close' | 'half-open'

/** The body of `POST ./control`: at most 10,000 bytes of JSON. */
export interface ControlRequest {
  /** The breaker's id in the monitor: `BreakerReport.id`. */
  readonly id: string
  /** The manual change to make. */
  readonly action: ControlAction
  /**
   * The reason, visible to everyone who can read the dashboard. It is cut to 256 characters. An empty one counts as
   * missing.
   *
   * @default 'manual'
   */
  readonly reason?: string | undefined
  /**
   * How long to open the circuit, in milliseconds: a finite number of at least 0. Only valid with `'open'`.
   *
   * @default as long as a trip would open it
   */
  readonly for?: number | undefined
}

/** The response to a {@link ControlRequest}. */
export interface ControlResult {
  /** Whether the state changed: false if the breaker was already in it or is not in mode `'enforce'`. */
  readonly changed: boolean
  /** The breaker's report afterwards, with the full history. */
  readonly breaker: BreakerReport
}

/** The response to `GET ./health`. */
export type HealthBody = HealthReport

/** The body of every unsuccessful response. */
export interface ErrorBody {
  /** A sentence for the user. */
  readonly error: string
}

/**
 * The header that `POST ./control` requires, because pages of other sites cannot send it.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { CONTROL_HEADER, CONTROL_HEADER_VALUE, createDashboard } from 'recloser/dashboard'
 * import { CircuitBreakerMonitor } from 'recloser/monitor'
 *
 * const payments = new CircuitBreaker({ name: 'payments' })
 * const monitor = new CircuitBreakerMonitor()
 * monitor.watch(payments)
 * const dashboard = createDashboard(monitor, { authorize: () => true })
 *
 * const response = await dashboard.fetch(
 *   new Request('http://localhost/control', {
 *     method: 'POST',
 *     headers: { 'content-type': 'application/json', [CONTROL_HEADER]: CONTROL_HEADER_VALUE },
 *     body: JSON.stringify({ id: 'payments', action: 'isolate' }),
 *   }),
 * )
 * console.log(response.status, payments.state) // 200 isolated
 * ```
 */
export const CONTROL_HEADER = 'x-recloser'
/**
 * The required value of {@link CONTROL_HEADER}.
 *
 * @example
 * ```ts
 * import { CONTROL_HEADER, CONTROL_HEADER_VALUE } from 'recloser/dashboard'
 *
 * console.log({ [CONTROL_HEADER]: CONTROL_HEADER_VALUE }) // { 'x-recloser': 'control' }
 * ```
 */
export const CONTROL_HEADER_VALUE = 'control'
