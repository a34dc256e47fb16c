// Simulates one fleet in a thread of its own, with its own virtual time and randomness.
import { parentPort, workerData } from 'node:worker_threads'
import { simulate } from './fleet.ts'
import { scenarios, type Policy } from './scenario.ts'

/** The simulation that the thread runs. */
export interface Order {
  readonly id: string
  readonly policy: Policy
  readonly seed: number
}

const { id, policy, seed } = workerData as Order
const scenario = scenarios.find((each) => each.id === id)!
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort!.postMessage(await simulate(scenario, policy, seed))
