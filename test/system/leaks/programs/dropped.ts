// Creates 10,000 breakers, uses each in one of several ways, drops them and prints how many are left.
import {
  CircuitBreaker,
  anyOf,
  consecutiveFailures,
  failureRate,
  slowCallRate,
} from '../../../../src/index.ts'
import { collect } from '../../../helpers/heap.ts'

const BREAKERS = 10_000

const down = (): Promise<never> => Promise.reject(new Error('down'))
const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {})
const caller = new AbortController()

let left = 0
const registry = new FinalizationRegistry(() => left--)

const uses: readonly ((breaker: CircuitBreaker) => unknown)[] = [
  (breaker) => breaker.call(() => 'closed'),
  (breaker) => quiet(breaker.call(down)).then(() => quiet(breaker.call(down))),
  (breaker) => breaker.open(),
  (breaker) => breaker.isolate('maintenance'),
  // A probe that never settles; its permit is dropped with the breaker.
  (breaker) => breaker.halfOpen() && void breaker.acquire(),
  (breaker) => breaker.halfOpen() && void breaker.call(() => new Promise(() => {})),
  (breaker) =>
    void breaker.addListener({ success: () => breaker.state, stateChange: () => breaker.snapshot() }),
  (breaker) => breaker.wrap(async () => breaker.name)(),
  (breaker) => [...breaker.wrap(function* () { yield breaker.name })()], // prettier-ignore
  (breaker) => quiet(breaker.run(down, { signal: caller.signal, fallback: down })),
  (breaker) => breaker.run(async ({ signal }) => signal.aborted, { signal: caller.signal }),
  (breaker) =>
    breaker.configure({ callTimeout: 3_600_000 }) ?? breaker.run(async ({ signal }) => signal.aborted),
]

const trip = anyOf(
  consecutiveFailures(1),
  failureRate({ threshold: 0.5, window: 10_000 }),
  slowCallRate({ threshold: 0.5, slowerThan: 100, lastCalls: 50 }),
)

async function useOne(index: number): Promise<void> {
  const breaker = new CircuitBreaker(index % 2 === 0 ? { trip } : {})
  registry.register(breaker, undefined)
  left++
  await uses[index % uses.length]?.(breaker)
}

for (let index = 0; index < BREAKERS; index++) await useOne(index)
await collect()
console.log(JSON.stringify({ made: BREAKERS, left }))
