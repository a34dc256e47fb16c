/**
 * Test utilities for code with circuit breakers: a manual clock, a scripted dependency, a reset of breakers that several
 * tests share, simulated outages, and a conformance kit for storages.
 *
 * @module
 */
export { ManualClock } from './clock.ts'
export { ScriptedDependency, type HangingCall, type ScriptResult, type ScriptStep } from './dependency.ts'
export { resetBreakers, type Resettable } from './reset.ts'
export {
  simulate,
  type SimulatedBreakerOptions,
  type SimulatedOutage,
  type SimulatedTransition,
  type SimulationOptions,
  type SimulationResult,
} from './simulate.ts'
export { storageCases, type StorageCase, type StorageKitOptions, type StorageTarget } from './storage-kit.ts'
