/**
 * What tests of code with circuit breakers need: time that passes when told to, and a dependency that does as told.
 *
 * @module
 */
export { ManualClock } from './clock.ts'
export { ScriptedDependency, type HangingCall, type ScriptStep } from './dependency.ts'
export { storageCases, type StorageCase, type StorageKitOptions, type StorageTarget } from './storage-kit.ts'
