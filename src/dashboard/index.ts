/**
 * A page to see and steer the circuit breakers of a process, for any server.
 *
 * @module
 */

export { createDashboard, type Dashboard } from './server/dashboard.ts'
export type { NodeRequest } from './server/node-request.ts'
export type { NodeResponse } from './server/node-response.ts'
export type { DashboardOptions } from './server/options.ts'
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
} from './protocol.ts'
