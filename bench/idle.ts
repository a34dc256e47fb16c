import { cockatiel, Opossum, recloser } from './libraries.ts'

const { CircuitBreaker, failureRate } = recloser
const { circuitBreaker, ConsecutiveBreaker, handleAll, SamplingBreaker } = cockatiel
const sampling = { threshold: 0.5, duration: 10_000 }

/** What an idle breaker of each library holds on to. */
export const idleBreakers = {
  recloser: () => new CircuitBreaker(),
  recloserTimeWindow: () => new CircuitBreaker({ trip: failureRate({ threshold: 0.5, window: 10_000 }) }),
  cockatiel: () => circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) }),
  cockatielSampling: () =>
    circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new SamplingBreaker(sampling) }),
  opossum: () => new Opossum(async () => {}),
} satisfies Record<string, () => object>

export type IdleName = keyof typeof idleBreakers

/** Bytes of heap for one idle breaker, as the mean over many. */
export async function idleBytes(make: () => object, count: number): Promise<number> {
  const kept: (object | null)[] = Array.from({ length: count }, () => null)
  const fill = async (): Promise<number> => {
    const before = await heapUsed()
    for (let n = 0; n < count; n++) kept[n] = make()
    return ((await heapUsed()) - before) / count
  }
  // The first filling also pays for code and shapes; it is dropped.
  await fill()
  discard(kept)
  const bytes = await fill()
  discard(kept)
  return bytes
}

/** How many timers one breaker starts by being made. */
export function idleTimers(make: () => object): number {
  const { setTimeout, setInterval } = globalThis
  let started = 0
  const count = <F extends (...args: never[]) => unknown>(start: F): F =>
    new Proxy(start, { apply: (target, self, args) => (started++, Reflect.apply(target, self, args)) })
  Object.assign(globalThis, { setTimeout: count(setTimeout), setInterval: count(setInterval) })
  try {
    discard([make()])
  } finally {
    Object.assign(globalThis, { setTimeout, setInterval })
  }
  return started
}

function discard(breakers: (object | null)[]): void {
  for (const breaker of breakers) if (breaker instanceof Opossum) breaker.shutdown()
  breakers.fill(null)
}

async function heapUsed(): Promise<number> {
  if (!globalThis.gc) throw new Error('Expected `node --expose-gc`')
  for (let n = 0; n < 4; n++) {
    globalThis.gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}
