import * as FakeTimers from '@sinonjs/fake-timers'
import type { Clock } from '@sinonjs/fake-timers'

/**
 * Takes over the wall clock, the default monotonic clock and the timers; `uninstall()` gives them back. The rest stays
 * real: the test runner itself needs `nextTick`.
 */
export function fakeTime(now = Date.UTC(2026, 0, 1)): Clock & { uninstall(): void } {
  return FakeTimers.install({ now, toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
}
