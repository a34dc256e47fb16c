/**
 * Test utilities for code with circuit breakers: a manual clock, a scripted dependency, a reset of breakers that several
 * tests share, and a conformance kit for storages.
 *
 * @module
 */
export { ManualClock } from './clock.ts'
export { ScriptedDependency, type HangingCall, type ScriptResult, type ScriptStep } from './dependency.ts'
export { resetBreakers, type Resettable } from './reset.ts'
export { storageCases, type StorageCase, type StorageKitOptions, type StorageTarget } from './storage-kit.ts'
