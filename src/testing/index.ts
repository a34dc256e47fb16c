/**
 * Test utilities for code with circuit breakers: a manual clock, a scripted dependency, and a conformance kit for
 * storages.
 *
 * @module
 */
export { ManualClock } from './clock.ts'
export { ScriptedDependency, type HangingCall, type ScriptStep } from './dependency.ts'
export { storageCases, type StorageCase, type StorageKitOptions, type StorageTarget } from './storage-kit.ts'
