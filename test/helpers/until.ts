import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits in real time until `holds` returns true; fails if it has not within `within` milliseconds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string),
  within = 60_000,
): Promise<void> {
  const end = performance.now() + within
  while (!(await holds())) {
    const said = typeof what === 'string' ? what : what()
    assert.ok(performance.now() < end, `it did not happen within ${within / 1_000} s: ${said}`)
    await sleep(10)
  }
}
