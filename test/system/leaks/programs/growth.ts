// Makes a million calls of every kind and prints the growth of the heap in bytes.
import {
  CircuitBreaker,
  CircuitBreakerRegistry,
  anyOf,
  consecutiveFailures,
  failureRate,
} from '../../../../src/index.ts'
import { heapUsed } from '../../../helpers/heap.ts'

const CALLS = 1_000_000
const WARM_UP = 50_000

const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {})
const failure = new Error('down')
// One signal for the lifetime of the process, like the shutdown signal of a server.
const shutdown = new AbortController()

const plain = new CircuitBreaker()
const guarded = plain.wrap(async (value: number) => value)
const open = new CircuitBreaker()
open.isolate()
const busy = new CircuitBreaker({
  trip: anyOf(consecutiveFailures(1_000), failureRate({ threshold: 1, window: 1_000 })),
  callTimeout: 3_600_000,
  listeners: [{ success: () => {}, failure: () => {} }],
})
const flapping = new CircuitBreaker({ failMax: 1, timeoutDuration: 0 })
const hosts = new CircuitBreakerRegistry({ max: 100 })

const kinds: readonly ((index: number) => Promise<unknown>)[] = [
  (index) => plain.call(async (value: number) => value, index),
  (index) => guarded(index),
  () => quiet(open.call(() => 'unreachable')),
  () => busy.run(async ({ signal }) => signal.aborted, { signal: shutdown.signal }),
  () => busy.run(async () => 'signal unused', { signal: shutdown.signal }),
  (index) => quiet(plain.call(() => Promise.reject(index % 3 === 0 ? failure : undefined))),
  (index) => quiet(flapping.call(() => (index % 2 === 0 ? Promise.reject(failure) : Promise.resolve()))),
  (index) => hosts.get(`host-${index % 1_000}`).call(() => index),
]

async function callMany(calls: number): Promise<void> {
  for (let index = 0; index < calls; index++) await kinds[index % kinds.length]?.(index)
}

await callMany(WARM_UP)
const before = await heapUsed()
await callMany(CALLS)
const after = await heapUsed()
console.log(JSON.stringify({ calls: CALLS, growth: after - before }))
