import * as FakeTimers from '@sinonjs/fake-timers'
import type { Clock } from '@sinonjs/fake-timers'

/**
 * Fakes the wall clock, the default monotonic clock and the timers; `uninstall()` restores them. The rest stays real:
 * the test runner itself needs `process.nextTick`.
 */
export function fakeTime(now = Date.UTC(2026, 0, 1)): Clock & { uninstall(): void } {
  return FakeTimers.install({ now, toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
}
