import {
  CircuitBreaker,
  CircuitBreakerRegistry,
  anyOf,
  consecutiveFailures,
  failureRate,
  isCallTimeoutError,
  isCircuitBreakerError,
  slowCallRate,
  type CircuitBreakerSnapshot,
} from 'recloser'
import { breakerFetch } from 'recloser/fetch'
import type { SmokeReport } from './result.ts'

/** Created while the module is evaluated: in workerd's global scope there is neither time nor a timer. */
const early = new CircuitBreaker({
  name: 'global',
  timeoutDuration: 20,
  trip: anyOf(consecutiveFailures(3), failureRate({ threshold: 0.9, window: 10_000 })),
})
const hosts = new CircuitBreakerRegistry({ options: (host) => ({ name: host, failMax: 1 }) })

const down = (): Promise<never> => Promise.reject(new Error('down'))

/** The checks by name. `origin` is that of a real server: see real-server.ts. */
const checks: Record<string, (origin: string) => unknown> = {
  'a breaker made in the global scope trips, rejects and recovers': async () => {
    const seen: string[] = []
    early.addListener({ stateChange: ({ from, to, reason }) => seen.push(`${from} ${to} ${reason}`) })
    for (let call = 0; call < 3; call++) expect((await caught(early.call(down))) instanceof Error)
    expect(early.state, 'open')
    const rejection = await caught(early.call(() => 'unreachable'))
    expect(isCircuitBreakerError(rejection) && rejection.reason, 'open')
    expect(early.retryAfter > 0 && early.retryAfter <= 20)
    await early.ready()
    expect(await early.call((text) => `${text}!`, 'up'), 'up!')
    expect(early.state, 'closed')
    expect(
      seen.join(),
      'closed open consecutiveFailures,open half-open timeoutElapsed,half-open closed probeSucceeded',
    )
  },

  'a rate and a slow call trip': async () => {
    const rate = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, window: 10_000, minCalls: 4 }) })
    for (const task of [() => 1, down, () => 1, down] as (() => unknown)[]) await caught(rate.run(task))
    expect(rate.snapshot().tripReason, 'failureRate')
    const slow = new CircuitBreaker({
      trip: slowCallRate({ threshold: 1, slowerThan: 5, lastCalls: 1, minCalls: 1 }),
    })
    await slow.call(() => sleep(30))
    expect(slow.snapshot().tripReason, 'slowCallRate')
  },

  'a guarded fetch is judged at the end of the body, opens, and gives every permit back': async () => {
    let status = 200
    const fetched = (): Promise<Response> => Promise.resolve(new Response('hello', { status }))
    const guarded = breakerFetch(fetched as typeof fetch, { breaker: { failMax: 2 } })
    const response = await guarded('https://api.example.com/prices')
    const breaker = guarded.registry.get('https://api.example.com')
    expect(breaker.snapshot().inFlight, 1)
    expect(await response.text(), 'hello')
    expect(breaker.snapshot().inFlight, 0)
    status = 503
    for (let call = 0; call < 2; call++) expect((await guarded('https://api.example.com/')).status, 503)
    expect(isCircuitBreakerError(await caught(guarded('https://api.example.com/'))))
    expect(breaker.snapshot().inFlight, 0)
  },

  "the runtime's own fetch is judged by a real server: at the end of the body, by its breaks, by Retry-After":
    async (origin) => {
      const guarded = breakerFetch(fetch, { breaker: { failMax: 2 } })
      expect(await (await guarded(`${origin}/real/ok`)).text(), 'hello')
      const breaker = guarded.registry.get(origin)
      expect(breaker.snapshot().counts.successes, 1)
      for (let call = 0; call < 2; call++) {
        const response = await guarded(`${origin}/real/cut`)
        expect(response.status, 200)
        expect((await caught(response.text())) instanceof Error)
      }
      expect(breaker.state, 'open')
      expect(isCircuitBreakerError(await caught(guarded(`${origin}/real/ok`))))
      expect(breaker.snapshot().inFlight, 0)
      breaker.close()
      for (let call = 0; call < 2; call++) expect((await guarded(`${origin}/real/busy`)).status, 503)
      expect(breaker.retryAfter > 80_000 && breaker.retryAfter <= 90_000)
    },

  'a call that takes too long is aborted': async () => {
    const breaker = new CircuitBreaker({ callTimeout: 10 })
    let aborted = false
    const task = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
      new Promise(() => signal.addEventListener('abort', () => (aborted = true)))
    expect(isCallTimeoutError(await caught(breaker.run(task))))
    expect(aborted)
    expect(breaker.failCounter, 1)
  },

  "the caller's abort takes effect at once and is ignored": async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const caller = new AbortController()
    const running = caught(breaker.run(() => new Promise(() => {}), { signal: caller.signal }))
    caller.abort('gone')
    expect(await running, 'gone')
    expect(breaker.state, 'closed')
  },

  'a fallback answers while the circuit is open': async () => {
    const breaker = new CircuitBreaker()
    breaker.isolate('maintenance')
    expect(await breaker.run(down, { fallback: () => 'cached' }), 'cached')
  },

  'streams are judged at their end': async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const stream = breaker.wrap(async function* () {
      yield 1
      throw new Error('cut')
    })
    const read = async (): Promise<void> => {
      for await (const value of stream()) expect(value, 1)
    }
    expect(String(await caught(read())), 'Error: cut')
    expect(breaker.state, 'open')
  },

  'a permit is a call in two steps': () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    expect(breaker.acquire().failure(new Error('down')))
    expect(breaker.tryAcquire() === undefined)
  },

  'a registry has one breaker for each key': async () => {
    await caught(hosts.get('a').call(down))
    expect(`${hosts.get('a').state} ${hosts.get('b').state}`, 'open closed')
  },

  'a snapshot survives JSON': () => {
    const breaker = new CircuitBreaker({ name: 'saved' })
    breaker.open({ for: 60_000, reason: 'maintenance' })
    const saved = JSON.parse(JSON.stringify(breaker.snapshot())) as CircuitBreakerSnapshot
    const restored = new CircuitBreaker({ restore: saved })
    expect(restored.state, 'open')
    expect(restored.retryAfter > 50_000 && restored.retryAfter <= 60_000)
  },

  'a listener that throws is reported and harms nobody': async () => {
    const reported: unknown[] = []
    const breaker = new CircuitBreaker({ onListenerError: (error) => reported.push(error) })
    breaker.addListener({
      success: () => {
        throw new Error('listener')
      },
    })
    expect(await breaker.call(() => 5), 5)
    expect(reported.length, 1)
  },
}

/** Runs all checks, one after the other. */
export async function smoke(origin: string): Promise<SmokeReport> {
  const report: Record<string, string> = {}
  for (const [name, run] of Object.entries(checks)) {
    try {
      await run(origin)
      report[name] = ''
    } catch (error) {
      report[name] = error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  }
  return report
}

function expect(seen: unknown, expected: unknown = true): void {
  if (!Object.is(seen, expected)) throw new Error(`expected ${String(expected)}, got ${String(seen)}`)
}

function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => `fulfilled with ${String(value)}`,
    (error: unknown) => error,
  )
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time))
}
