// The longest delay of a timer. Beyond it, engines fire immediately.
const LONGEST = 2 ** 31 - 1

interface NodeTimer {
  unref?: () => void
}

/** Calls `expire` after `delay` milliseconds, however many. Returns a function that stops the timer. */
export function startTimer(delay: number, expire: () => void, keepsAlive: boolean): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (left: number): void => {
    timer = setTimeout(() => (left > LONGEST ? wait(left - LONGEST) : expire()), Math.min(left, LONGEST))
    if (!keepsAlive) (timer as NodeTimer).unref?.()
  }
  wait(delay)
  return () => clearTimeout(timer)
}
