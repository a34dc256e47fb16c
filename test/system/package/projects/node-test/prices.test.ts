import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError } from 'recloser'
import { createDashboard } from 'recloser/dashboard'
import { breakerFetch } from 'recloser/fetch'
import { CircuitBreakerMonitor } from 'recloser/monitor'
import { ManualClock, ScriptedDependency } from 'recloser/testing'
import { breaker, price } from './prices.ts'

const fail = async (): Promise<number> => {
  throw new Error('down')
}

describe('in node:test', () => {
  afterEach(() => breaker.close())

  it('opens, and says so', async () => {
    for (let i = 0; i < 2; i++) await assert.rejects(price(fail), /down/)
    const error: unknown = await price(fail).catch((reason: unknown) => reason)
    assert.ok(isCircuitBreakerError(error))
    assert.equal(breaker.state, 'open')
  })

  it('has a clock and a dependency for tests', async () => {
    const clock = new ManualClock()
    const dependency = new ScriptedDependency(['fail', 'ok'])
    const tested = new CircuitBreaker({ failMax: 1, timeoutDuration: 5_000, clock })
    await assert.rejects(tested.call(() => dependency.call()))
    assert.equal(tested.state, 'open')
    clock.advance(5_000)
    await tested.call(() => dependency.call())
    assert.equal(tested.state, 'closed')
  })

  it('has the integrations', async () => {
    const answer = async (_url: string) => new Response('', { status: 503 })
    const guarded = breakerFetch(answer, { breaker: { failMax: 1 } })
    await guarded('http://prices.test/')
    await assert.rejects(guarded('http://prices.test/'), { code: 'CIRCUIT_OPEN' })
  })

  it('has the dashboard and its page', async () => {
    const dashboard = createDashboard(new CircuitBreakerMonitor())
    const response = await dashboard.fetch(new Request('http://prices.test/'))
    assert.equal(response.status, 200)
    assert.match(await response.text(), /^<!doctype html>/)
  })
})
