import assert from 'node:assert/strict'
import type { CircuitBreaker, CircuitBreakerOptions } from '../../../../src/index.ts'
import { working, type World } from './world.ts'

/** Returns a fleet whose open time has passed, so that the next call is a probe. */
export async function due(
  world: World,
  size: number,
  options: CircuitBreakerOptions = {},
): Promise<CircuitBreaker[]> {
  const fleet = world.fleet(size, { timeoutDuration: 2_000, ...options })
  for (const each of fleet) await working(each)
  await world.pass(50)
  fleet[0]!.open()
  await world.pass(1_950)
  for (const each of fleet) assert.equal(each.state, 'open')
  await world.pass(200)
  return fleet
}

export interface Dependency {
  readonly call: () => Promise<string>
  readonly answer: (failure?: Error) => void
  readonly calls: number
}

/** Returns a dependency whose calls wait for `answer`. */
export function dependency(): Dependency {
  const waiting: ((failure?: Error) => void)[] = []
  let calls = 0
  return {
    call: () => {
      calls++
      return new Promise((resolve, reject) => {
        waiting.push((failure) => (failure ? reject(failure) : resolve('fine')))
      })
    },
    answer: (failure) => waiting.splice(0).forEach((answer) => answer(failure)),
    get calls() {
      return calls
    },
  }
}
