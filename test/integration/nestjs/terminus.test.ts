import { Controller, Get, Inject } from '@nestjs/common'
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreakerHealthIndicator,
  CircuitBreakerModule,
} from '../../../src/integrations/nestjs/index.ts'
import { type CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { closeApps, listen, major, named, onMethod, onParameters } from './nest.ts'

describe(`Nest ${major}`, () => {
  closeApps()

  describe('the indicator for Terminus', () => {
    async function health(act: (breaker: CircuitBreaker) => void): Promise<{
      status: number
      body: {
        status: string
        details: Record<string, { status: string; breakers: Record<string, { state: string }> }>
      }
    }> {
      class Health {
        readonly #check: () => Promise<unknown>
        constructor(
          checks: HealthCheckService,
          indicators: HealthIndicatorService,
          circuits: CircuitBreakerHealthIndicator,
        ) {
          this.#check = () => checks.check([() => circuits.check(indicators.check('upstreams'))])
        }
        check(): Promise<unknown> {
          return this.#check()
        }
      }
      Controller('health')(Health)
      onParameters(
        Health,
        Inject(HealthCheckService),
        Inject(HealthIndicatorService),
        Inject(CircuitBreakerHealthIndicator),
      )
      onMethod(Health, 'check', Get())
      const { app, origin } = await listen({
        imports: [
          TerminusModule.forRoot({ logger: false }),
          CircuitBreakerModule.forRoot(),
          CircuitBreakerModule.forFeature(['payments', 'mail']),
        ],
        controllers: [Health],
      })
      act(named(app, 'payments'))
      const response = await fetch(`${origin}/health`)
      return { status: response.status, body: (await response.json()) as never }
    }

    const knowsDegraded = 'degraded' in new HealthIndicatorService().check('x')

    it('reports up while all circuits are closed', async () => {
      const { status, body } = await health(() => {})
      assert.deepEqual([status, body.status, body.details['upstreams']?.status], [200, 'ok', 'up'])
    })

    it(`reports ${knowsDegraded ? 'degraded' : 'up, where degraded is unknown,'} and the breakers while one is open, with status 200`, async () => {
      assert.equal(knowsDegraded, major >= 12)
      const { status, body } = await health((breaker) => breaker.open({ reason: 'maintenance' }))
      const { upstreams } = body.details
      assert.equal(status, 200)
      assert.deepEqual(
        [body.status, upstreams?.status],
        knowsDegraded ? ['degraded', 'degraded'] : ['ok', 'up'],
      )
      const { payments, mail } = upstreams!.breakers
      assert.deepEqual([payments?.state, mail?.state], ['open', 'closed'])
    })

    it('rejects anything but a Terminus session', () => {
      const indicator = new CircuitBreakerHealthIndicator(new CircuitBreakerMonitor())
      assert.throws(() => indicator.check('upstreams' as never), /`check\(key\)` of Terminus/)
    })
  })
})
