// A library of a user's, whose own declarations name what they are inferred to be.
import { CircuitBreaker, exponentialBackoff } from 'recloser'
import { superviseCall } from 'recloser/adapter'
import { breakerMiddleware } from 'recloser/ai-sdk'
import { createDashboard } from 'recloser/dashboard'
import { breakerFetch } from 'recloser/fetch'
import { CircuitBreakerMonitor } from 'recloser/monitor'
import { ScriptedDependency } from 'recloser/testing'

export const breaker = new CircuitBreaker({ timeoutDuration: exponentialBackoff({ initial: 1_000 }) })
export const snapshot = breaker.snapshot()
export const permit = breaker.acquire()
export const supervised = superviseCall(breaker)
export const guarded = breakerFetch(fetch)
export const middleware = breakerMiddleware()
export const hanging = new ScriptedDependency(['hang']).hanging
export const monitor = new CircuitBreakerMonitor()
export const report = monitor.snapshot()
export const dashboard = createDashboard(monitor)
export const charge = breaker.wrap(async (cents: number, currency = 'EUR') => `${cents} ${currency}`)
export const generic = breaker.wrap(<T>(value: T, copies = 1) => ({ value, copies }))
export const withFallback = breaker.wrap(async <T>(value: T) => [value], { fallback: () => [] as never[] })
export const synchronous = breaker.wrapSync(<T>(value: T): T => value)
export const inGenericCode = <T>(load: () => Promise<T>) => breaker.wrap(load)
export class Client {
  readonly load = breaker.wrap((id: string) => this.find(id))
  @breaker.protect
  async find(id: string, limit = 10) {
    return id.repeat(limit)
  }
}
