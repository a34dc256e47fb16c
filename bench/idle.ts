import { bytesOfEach } from '../test/helpers/heap.ts'
import { cockatiel, Opossum, recloser } from './libraries.ts'

const { CircuitBreaker, failureRate } = recloser
const { circuitBreaker, ConsecutiveBreaker, handleAll, SamplingBreaker } = cockatiel
const sampling = { threshold: 0.5, duration: 10_000 }

/** The idle breakers to measure. */
export const idleBreakers = {
  recloser: () => new CircuitBreaker(),
  recloserTimeWindow: () => new CircuitBreaker({ trip: failureRate({ threshold: 0.5, window: 10_000 }) }),
  cockatiel: () => circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) }),
  cockatielSampling: () =>
    circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new SamplingBreaker(sampling) }),
  opossum: () => new Opossum(async () => {}),
} satisfies Record<string, () => object>

export type IdleName = keyof typeof idleBreakers

/** Bytes of heap for one idle breaker, as the mean over `count` breakers. */
export function idleBytes(make: () => object, count: number): Promise<number> {
  return bytesOfEach(make, count, shutDown)
}

/** The number of timers that creating one breaker starts. */
export function idleTimers(make: () => object): number {
  const { setTimeout, setInterval } = globalThis
  let started = 0
  const count = <F extends (...args: never[]) => unknown>(start: F): F =>
    new Proxy(start, { apply: (target, self, args) => (started++, Reflect.apply(target, self, args)) })
  Object.assign(globalThis, { setTimeout: count(setTimeout), setInterval: count(setInterval) })
  try {
    shutDown([make()])
  } finally {
    Object.assign(globalThis, { setTimeout, setInterval })
  }
  return started
}

function shutDown(breakers: readonly (object | null)[]): void {
  for (const breaker of breakers) if (breaker instanceof Opossum) breaker.shutdown()
}
