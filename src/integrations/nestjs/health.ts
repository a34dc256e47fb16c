import { Inject, Injectable } from '@nestjs/common'
import type { HealthReport } from '../../monitor/index.ts'
import { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { check, isObject } from '../../base/validate.ts'

/**
 * The subset of Terminus's `HealthIndicatorSession` that the indicator uses. `check(key)` of Terminus's
 * `HealthIndicatorService` returns one.
 */
export interface TerminusSession<Up, Degraded> {
  /** Reports the status `up`. */
  up(data: { breakers: HealthReport['breakers'] }): Up
  /** Reports the status `degraded`. Terminus has it from version 12 on. */
  degraded?(data: { breakers: HealthReport['breakers'] }): Degraded
}

/**
 * A health indicator for Terminus. It reports `degraded` while a circuit is not closed, and `up` otherwise. Terminus 12
 * responds to `degraded` with 200, because an upstream that is down must not take this service out of rotation.
 * Terminus 11 does not have that status, so the indicator always reports `up` there. The details contain the state of
 * each breaker.
 *
 * @example
 * ```ts legacy-decorators
 * import { Controller, Get, Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus'
 * import { CircuitBreakerRegistry } from 'recloser'
 * import { CircuitBreakerHealthIndicator, CircuitBreakerModule } from 'recloser/nestjs'
 *
 * @Controller('health')
 * class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly indicators: HealthIndicatorService,
 *     private readonly circuits: CircuitBreakerHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.circuits.check(this.indicators.check('upstreams'))])
 *   }
 * }
 *
 * @Module({ imports: [TerminusModule, CircuitBreakerModule.forRoot()], controllers: [HealthController] })
 * class AppModule {}
 *
 * const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
 * app.get(CircuitBreakerRegistry).get('prices').open()
 * console.log((await app.get(HealthController).check()).status) // degraded
 * await app.close()
 * ```
 */
export class CircuitBreakerHealthIndicator {
  readonly #monitor: CircuitBreakerMonitor

  constructor(monitor: CircuitBreakerMonitor) {
    this.#monitor = monitor
  }

  /**
   * Reports the health of the breakers.
   *
   * @param session the result of `check(key)` of Terminus's `HealthIndicatorService`.
   * @returns what `session.up` or `session.degraded` returns, for Terminus's `HealthCheckService`.
   * @throws {TypeError} when `session` is anything else.
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
