// Ends 100,000 calls in the way named on the command line and prints the growth of the heap in bytes for each.
import { CircuitBreaker } from '../../../../src/index.ts'
import { superviseCall } from '../../../../src/integrations/adapter.ts'
import { breakerFetch } from '../../../../src/integrations/http/fetch.ts'
import { heapUsed } from '../../../helpers/heap.ts'

const CALLS = 100_000
const HOUR = 3_600_000
const endless = (): Promise<never> => new Promise(() => {})
const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {})

// The signal of a server that shuts down at some time: it outlives every call.
const { signal } = new AbortController()
const plain = new CircuitBreaker({ failMax: CALLS })
const limited = new CircuitBreaker({ failMax: CALLS, callTimeout: HOUR })
const short = new CircuitBreaker({ failMax: 10 * CALLS, callTimeout: 1 })
const open = new CircuitBreaker()
open.isolate()

/** A task that leaves its listener, with a buffer of its own, on the signal that it is given. */
function leavesListener({ signal: given }: { readonly signal: AbortSignal }): Promise<number> {
  const buffer = new Uint8Array(64)
  given.addEventListener('abort', () => buffer.fill(1))
  return Promise.resolve(buffer.length)
}

const guarded = breakerFetch(
  async (_url: string, init: { signal: AbortSignal }) => {
    await leavesListener(init)
    return { status: 500, headers: new Map() }
  },
  { breaker: { callTimeout: HOUR, failMax: 10 * CALLS } },
)
const numbers = plain.wrap(function* () {
  yield 1
  yield 2
})
const parts = limited.wrap(async function* () {
  yield 1
  yield 2
})

const ways: Record<string, () => unknown> = {
  'whose caller has a signal': () => plain.run(async () => 1, { signal }),
  'that leave a listener on their signal': () => limited.run(leavesListener, { signal }),
  'that leave a listener and have a timeout of their own': () =>
    plain.run(leavesListener, { signal, callTimeout: HOUR }),
  'of an adapter that leave a listener on their signal': async () => {
    const call = superviseCall(limited, { signal })
    call.succeed(await call.send((given) => leavesListener({ signal: given! })))
  },
  'of a guarded fetch that failed with a body, and left a listener': async () => {
    const response = await guarded('http://localhost/', { signal })
    if (response.status !== 500) throw new Error(`got ${response.status}`)
  },
  'that fail into a fallback': () =>
    limited.run(() => Promise.reject(new Error('down')), { signal, fallback: () => 1 }),
  'that are rejected': () => quiet(open.run(endless, { signal })),
  'that are rejected into a fallback': () => open.run(endless, { signal, fallback: () => 1 }),
  'that time out and never settle': () => quiet(short.run(endless, { signal })),
  'that time out and leave a listener': () =>
    quiet(
      short.run(
        (context) => {
          void leavesListener(context)
          return endless()
        },
        { signal },
      ),
    ),
  'of generators that are left': () => {
    for (const value of numbers()) if (value === 1) break
  },
  'of async generators that are left': async () => {
    for await (const value of parts()) if (value === 1) break
  },
  'that wait for ready()': async () => {
    const breaker = new CircuitBreaker()
    breaker.isolate()
    const ready = breaker.ready({ signal })
    breaker.close()
    await ready
  },
}

const given = ways[process.argv[2] ?? '']
if (!given) throw new Error(`unknown: ${process.argv[2]}`)
const way = given

async function end(calls: number): Promise<void> {
  // Side by side, since timeouts would take too long one by one.
  for (let n = 0; n < calls; n += 100) await Promise.all(Array.from({ length: 100 }, way))
}

await end(5_000)
const before = await heapUsed()
await end(CALLS)
console.log(((await heapUsed()) - before) / CALLS)
