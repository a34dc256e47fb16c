/**
 * Calls back in the next tick of the event loop (not in Node's `nextTick` queue): after the loop has polled its sockets once more. After a process was busy or suspended, its timers
 * fire before it reads replies that have already arrived; a deadline must not expire in between (F27).
 */
export function onNextTick(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }
  if (setImmediate) setImmediate(callback)
  else setTimeout(callback, 0)
}
