import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Measured } from './measures.ts'
import { jobsFor, toResult, type GroupResult, type Job } from './results.ts'
import type { Group, Scenario } from './scenario.ts'
import type { Order } from './worker.ts'

export interface RunOptions {
  readonly seed: number
  /** The number of runs of each scenario, with consecutive seeds; each figure is the median. */
  readonly runs: number
  /** Called after each simulated fleet. */
  readonly done: (job: Job, seconds: number, left: number) => void
}

/** Simulates all scenarios of these groups under each policy, on all cores. */
export async function runAll(groups: readonly Group[], options: RunOptions): Promise<GroupResult[]> {
  const { seed, runs, done } = options
  const jobs = groups.flatMap((group) => group.scenarios.flatMap((each) => jobsFor(each, seed, runs)))
  const measured = new Map<Scenario, [Job, Measured][]>()
  let left = jobs.length
  // Start the longest job first, so that no core is idle at the end.
  const queue = jobs.toSorted((a, b) => effort(b) - effort(a))
  const work = async (): Promise<void> => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const started = performance.now()
      const result = await inThread(job)
      const ofScenario = measured.get(job.scenario) ?? []
      ofScenario.push([job, result])
      measured.set(job.scenario, ofScenario)
      done(job, (performance.now() - started) / 1_000, --left)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return groups.map((group) => ({
    group,
    results: group.scenarios.map((each) => toResult(each, sorted(measured.get(each)!))),
  }))
}

function effort({ scenario: { size, rate }, policy }: Job): number {
  return size * (policy === 'local' ? rate : 1 + rate)
}

function sorted(runs: readonly [Job, Measured][]): [Job, Measured][] {
  return runs.toSorted(([a], [b]) => a.seed - b.seed)
}

function inThread({ scenario: { id }, policy, seed }: Job): Promise<Measured> {
  const workerData: Order = { id, policy, seed }
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The simulation of ${id} ended early, with ${code}`)))
  })
}
