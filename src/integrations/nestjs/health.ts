import { Inject, Injectable } from '@nestjs/common'
import type { HealthReport } from '../../monitor/index.ts'
import { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { check, isObject } from '../../base/validate.ts'

/** What `check(key)` of Terminus's `HealthIndicatorService` returns; `degraded` is there from Terminus 12 on. */
export interface TerminusSession<Up, Degraded> {
  up(data: { breakers: HealthReport['breakers'] }): Up
  degraded?(data: { breakers: HealthReport['breakers'] }): Degraded
}

/**
 * An indicator for Terminus. While a circuit is not closed it says `degraded`, which Terminus 12 answers by 200: an upstream
 * that is down must not take this service out of rotation. Terminus 11 knows no such status and is told `up`. In either
 * case the state of each breaker is among the details.
 *
 * ```text
 * health.check([() => circuits.check(indicators.check('upstreams'))])
 * ```
 *
 * `health` is Terminus's `HealthCheckService`, `indicators` its `HealthIndicatorService`.
 */
export class CircuitBreakerHealthIndicator {
  readonly #monitor: CircuitBreakerMonitor

  constructor(monitor: CircuitBreakerMonitor) {
    this.#monitor = monitor
  }

  /**
   * @param session what `check(key)` of Terminus's `HealthIndicatorService` returns
   * @throws {TypeError} if it is something else.
   */
  check<Up, Degraded = never>(session: TerminusSession<Up, Degraded>): Up | Degraded {
    check(
      isObject(session) && typeof session['up'] === 'function',
      'session',
      "what `check(key)` of Terminus's HealthIndicatorService returns",
      session,
    )
    const { status, breakers } = this.#monitor.healthReport()
    return status !== 'up' && session.degraded ? session.degraded({ breakers }) : session.up({ breakers })
  }
}

Injectable()(CircuitBreakerHealthIndicator)
Inject(CircuitBreakerMonitor)(CircuitBreakerHealthIndicator, undefined, 0)
