// The longest delay that a timer keeps; beyond it engines fire at once.
const LONGEST = 2 ** 31 - 1

interface NodeTimer {
  unref?: () => void
}

/** Calls `expire` after `delay` ms, however long that is. Returns what stops it. */
export function startTimer(delay: number, expire: () => void, keepsAlive: boolean): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (left: number): void => {
    timer = setTimeout(() => (left > LONGEST ? wait(left - LONGEST) : expire()), Math.min(left, LONGEST))
    if (!keepsAlive) (timer as NodeTimer).unref?.()
  }
  wait(delay)
  return () => clearTimeout(timer)
}
