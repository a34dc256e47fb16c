/**
 * A web page to observe and control the circuit breakers of a process, for any web server.
 *
 * @module
 */

export { createDashboard, type Dashboard } from './dashboard.ts'
export type { NodeRequest } from './node-request.ts'
export type { NodeResponse } from './node-response.ts'
export type { DashboardOptions } from './options.ts'
export {
  CONTROL_HEADER,
  CONTROL_HEADER_VALUE,
  type ControlAction,
  type ControlRequest,
  type ControlResult,
  type DashboardEvents,
  type ErrorBody,
  type HealthBody,
  type SnapshotEvent,
  type TransitionEvent,
  type UpdateEvent,
} from '../protocol.ts'
