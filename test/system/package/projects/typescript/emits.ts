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
