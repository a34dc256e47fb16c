// Measures what a new key costs in a full registry, by the number of dead keys that it has seen.
import { recloser } from './libraries.ts'
import { median } from './median.ts'

const { CircuitBreakerRegistry } = recloser

export interface NewKeys {
  /** How many dead keys the registry has seen. */
  readonly seen: number
  /** Microseconds for a new key, its breaker included: the median of many. */
  readonly microseconds: number
}

export function measureNewKeys(quick: boolean): readonly NewKeys[] {
  const counts = quick ? [100, 1_000] : [1_000, 10_000, 100_000]
  newKey(1_000, 10_000) // warms up
  return counts.map((seen) => ({ seen, microseconds: newKey(seen, quick ? 100 : 5_000) }))
}

/** Every key fails until its circuit opens, and the openings end as time passes. */
function newKey(seen: number, samples: number): number {
  let time = 0
  const clock = { now: () => time }
  const registry = new CircuitBreakerRegistry<number>({
    max: Math.min(seen, 1_000),
    options: () => ({ clock }),
  })
  const error = new Error('down')
  const times: number[] = []
  for (let key = 0; key < seen + samples; key++) {
    const start = performance.now()
    const breaker = registry.get(key)
    if (key >= seen) times.push(performance.now() - start)
    for (let call = 0; call < 5; call++) breaker.acquire().failure(error)
    time += 2_000
  }
  return median(times) * 1_000
}
