import { CircuitBreaker, CircuitBreakerRegistry, failureRate, isCircuitBreakerError } from 'recloser'
import type { CircuitBreakerSnapshot, Permit } from 'recloser'
import { breakerFetch } from 'recloser/fetch'
import { ManualClock } from 'recloser/testing'

const clock = new ManualClock()
const breaker = new CircuitBreaker({
  name: 'prices',
  clock,
  trip: failureRate({ threshold: 0.5, window: 10_000 }),
})

const price = breaker.wrap(async (article: string, amount: number) => ({ article, total: amount * 2 }))
export const total: Promise<number> = price('book', 2).then((each) => each.total)
// @ts-expect-error the second argument is missing
void price('book')

const permit: Permit = breaker.acquire()
permit[Symbol.dispose]()

const registry = new CircuitBreakerRegistry({ options: (host: string) => ({ name: host }) })
export const states: string[] = []
for (const [host, each] of registry) states.push(`${host.toUpperCase()} ${each.state}`)

const guarded = breakerFetch(fetch, { breaker: { failMax: 3 } })
export const answer: Promise<Response> = guarded('http://127.0.0.1/')
// @ts-expect-error a breaker has no such option
breakerFetch(fetch, { breaker: { failMaximum: 3 } })

export const snapshot: CircuitBreakerSnapshot = breaker.snapshot()
// @ts-expect-error a state is none of these
export const wrong: 'ajar' = breaker.state

export function describe(error: unknown): string {
  return isCircuitBreakerError(error) ? `${error.breaker} ${error.retryAfter}` : 'another'
}
