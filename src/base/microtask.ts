const RESOLVED = Promise.resolve()

/** Calls back in a microtask. The fake timers of test runners replace `queueMicrotask`, but not this. */
export function onMicrotask(callback: () => void): void {
  void RESOLVED.then(() => callback()) // oxlint-disable-line promise/no-callback-in-promise -- a promise is the way to it
}
