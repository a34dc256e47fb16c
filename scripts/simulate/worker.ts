// A fleet has a thread of its own, with a virtual time and a chance of its own.
import { parentPort, workerData } from 'node:worker_threads'
import { simulate } from './fleet.ts'
import { scenarios, type Policy } from './scenario.ts'

/** What the thread is to simulate. */
export interface Order {
  readonly id: string
  readonly policy: Policy
  readonly seed: number
}

const { id, policy, seed } = workerData as Order
const scenario = scenarios.find((each) => each.id === id)!
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort!.postMessage(await simulate(scenario, policy, seed))
