/**
 * A shop fetches a price from a price service, through a circuit breaker, while the service has an outage:
 *
 *   npm start
 *   npm start -- --dashboard    (instead: a demo with faults that you trigger and a dashboard that shows them)
 *
 * The service is a real HTTP server on loopback with a scripted outage. The parts to copy are `prices` and `priceOf`.
 */
import { CircuitBreaker, exponentialBackoff, isCircuitBreakerError } from 'recloser'
import { runDemo } from './support/demo.ts'
import { startPriceService } from './support/price-service.ts'
import { createScreen } from './support/screen.ts'

if (process.argv.includes('--dashboard')) await runDemo()

const OUTAGE = { from: 2_000, until: 6_500, slow: 250 } // ms after the start; a failing answer takes 250 ms
const EVERY = 300 // ms between two calls
const CALLS = 33

const screen = createScreen()
const service = await startPriceService(OUTAGE)

const prices = new CircuitBreaker({
  name: 'prices',
  failMax: 3, // open after three failures in a row
  timeoutDuration: exponentialBackoff({ initial: 2_000, max: 3_000 }), // then probe; 60_000 is a more usual `max`
  callTimeout: 1_000, // a call that takes longer has failed
  listeners: [{ stateChange: ({ from, to, reason }) => screen.transition(from, to, reason) }],
})

async function fetchPrice(signal: AbortSignal): Promise<string> {
  const response = await fetch(service.url, { signal })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  return response.text()
}

let lastPrice = 'unknown'

/** Returns the price, or the last known price when the service fails or cannot be called. */
async function priceOf(): Promise<string> {
  return prices.run(
    async ({ signal }) => {
      lastPrice = await fetchPrice(signal)
      screen.answered(lastPrice)
      return lastPrice
    },
    {
      fallback: (error) => {
        if (isCircuitBreakerError(error)) screen.rejected(error.retryAfter, lastPrice)
        else screen.failed(error, lastPrice)
        return lastPrice
      },
    },
  )
}

// The same calls without a breaker, to a service with the same outage, for the comparison at the end.
const twin = await startPriceService(OUTAGE)
const waited = { with: 0, without: 0 }

async function time(key: keyof typeof waited, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  await work()
  waited[key] += performance.now() - start
}

screen.title(`${CALLS} calls, one every ${EVERY} ms. The service fails from 2.0 s to 6.5 s.`)
for (let call = 1; call <= CALLS; call++) {
  await Promise.all([
    time('with', priceOf),
    time('without', async () => (await fetch(twin.url)).text()),
    new Promise((resolve) => setTimeout(resolve, EVERY)),
  ])
}
screen.summary({ calls: CALLS, with: service.requests, without: twin.requests, waited })
await Promise.all([service.close(), twin.close()])
