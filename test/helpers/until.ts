import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits in real time until `holds` returns true; fails if it has not within `within` milliseconds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  expected: string | (() => string),
  within = 60_000,
): Promise<void> {
  const end = performance.now() + within
  while (!(await holds())) {
    const description = typeof expected === 'string' ? expected : expected()
    assert.ok(performance.now() < end, `it did not happen within ${within / 1_000} s: ${description}`)
    await sleep(10)
  }
}
