import { do_not_optimize, measure } from 'mitata'
import { keysOf, recordOf } from './record.ts'
import { subjects } from './subjects.ts'
import type { Made, Subject, SubjectName } from './subjects.ts'

export interface Plan {
  readonly warmUpRounds: number
  readonly rounds: number
  /** Milliseconds for each subject in each round. */
  readonly budget: number
}

/** Nanoseconds per call in each round: the median of the round's samples. */
export type Rounds = Readonly<Record<SubjectName, readonly number[]>>

export const method = `
All libraries run in one process and are warmed up. Every round measures every subject once, each round from another
start, with a new breaker, while another one of its kind lives on: without any, the engine forgets what it has learned of
them. A sample is a batch of 1,024 calls, one after the other, garbage collection included; a round's
figure is the median of its samples. What other processes take from the machine only ever adds, so "ns per call" is the
best round; the median round stands beside it and tells how noisy the machine was. Overhead is guarded minus bare.
`.trim()

export async function measureAll({ warmUpRounds, rounds, budget }: Plan): Promise<Rounds> {
  const names = keysOf(subjects)
  const results = recordOf(names, (): number[] => [])
  // Like a real process, this one keeps its breakers: once the last object of a class is collected, V8 discards the
  // code that it has optimized for it.
  const kept: Made[] = []
  for (const name of names) {
    const { make }: Subject = subjects[name]
    const made = await make()
    await made.run()
    kept.push(made)
  }
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const name of rotated(names, round)) {
      const nanoseconds = await measureOne(subjects[name], budget)
      if (round >= 0) results[name].push(nanoseconds)
    }
  }
  for (const { dispose } of kept) dispose?.()
  return results
}

async function measureOne({ make, few, sync }: Subject, budget: number): Promise<number> {
  const { run, dispose } = await make()
  const { p50 } = await measure(sync ? () => do_not_optimize(run()) : run, {
    // Always measure in batches, even if the first call was slow.
    warmup_threshold: Infinity,
    batch_threshold: Infinity,
    batch_samples: few?.batch ?? 1_024,
    ...(few ? { min_samples: few.samples, max_samples: few.samples } : { min_cpu_time: budget * 1e6 }),
  })
  dispose?.()
  // Let timers and finalizers run outside of the measurement.
  await new Promise((resolve) => setImmediate(resolve))
  return p50
}

export function rotated<T>(items: readonly T[], by: number): T[] {
  const start = ((by % items.length) + items.length) % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
