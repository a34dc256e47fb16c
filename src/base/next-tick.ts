/**
 * Calls back after the event loop has looked at its sockets once more: a process that was busy or asleep past a
 * deadline finds its timers due before it reads the replies that have long been there (F27).
 */
export function onNextTick(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }
  if (setImmediate) setImmediate(callback)
  else setTimeout(callback, 0)
}
