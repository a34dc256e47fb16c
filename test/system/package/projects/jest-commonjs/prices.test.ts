import { CircuitBreaker, isCircuitBreakerError } from 'recloser'
import { createDashboard } from 'recloser/dashboard'
import { breakerFetch } from 'recloser/fetch'
import { CircuitBreakerMonitor } from 'recloser/monitor'
import { ManualClock, ScriptedDependency } from 'recloser/testing'
import { breaker, price } from './prices'

const fail = async (): Promise<number> => {
  throw new Error('down')
}

describe('in Jest, in CommonJS', () => {
  afterEach(() => breaker.close())

  it('opens, and says so', async () => {
    for (let i = 0; i < 2; i++) await expect(price(fail)).rejects.toThrow('down')
    const error: unknown = await price(fail).catch((reason: unknown) => reason)
    expect(isCircuitBreakerError(error)).toBe(true)
    expect(breaker.state).toBe('open')
  })

  it('has a clock and a dependency for tests', async () => {
    const clock = new ManualClock()
    const dependency = new ScriptedDependency(['fail', 'ok'])
    const tested = new CircuitBreaker({ failMax: 1, timeoutDuration: 5_000, clock })
    await expect(tested.call(() => dependency.call())).rejects.toThrow()
    expect(tested.state).toBe('open')
    clock.advance(5_000)
    await tested.call(() => dependency.call())
    expect(tested.state).toBe('closed')
  })

  it('has the integrations', async () => {
    const answer = async (_url: string) => new Response('', { status: 503 })
    const guarded = breakerFetch(answer, { breaker: { failMax: 1 } })
    await guarded('http://prices.test/')
    await expect(guarded('http://prices.test/')).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  it('has the dashboard and its page', async () => {
    const dashboard = createDashboard(new CircuitBreakerMonitor())
    const response = await dashboard.fetch(new Request('http://prices.test/'))
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(/^<!doctype html>/)
  })
})
