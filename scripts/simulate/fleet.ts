import { CircuitBreaker, isCircuitBreakerError, type CircuitBreakerOptions } from '../../src/index.ts'
import { Dice, seeded, type Random } from '../../src/testing/storage-kit/random.ts'
import { Measures, type Measured } from './measures.ts'
import {
  CALLS_END,
  END,
  OPEN_TIME,
  OUTAGE_BEGINS,
  OUTAGE_ENDS,
  RULE,
  TOO_MANY,
  type Policy,
  type Scenario,
} from './scenario.ts'
import { RemoteStorage, Store } from './store.ts'
import { VirtualTime } from './virtual-time.ts'

/** The shortest and the longest duration of a call, in milliseconds. */
export const GOOD_CALL = [20, 80] as const
export const BAD_CALL = [100, 300] as const

const SECOND = 1_000
/** Every process has made its first call by this time, in milliseconds. */
const FIRST_CALL = 10_000
const down = new Error('The dependency is down')

/** What happens to a call if it is admitted. */
interface Fate {
  readonly fails: boolean
  readonly duration: number
}

/**
 * Runs a fleet of real breakers through a scenario. A seed determines the result, and all policies get the same
 * traffic.
 */
export async function simulate(scenario: Scenario, policy: Policy, seed: number): Promise<Measured> {
  const time = new VirtualTime(seed)
  try {
    const fleet = new Fleet(scenario, policy, seed, time)
    return await fleet.run()
  } finally {
    time.end()
  }
}

class Fleet {
  readonly #scenario: Scenario
  readonly #policy: Policy
  readonly #time: VirtualTime
  readonly #measures: Measures
  readonly #store: Store
  // The traffic has a random source of its own, so that no policy affects it.
  readonly #random: Random
  readonly #dice: Dice
  // Kept until the end, so that an idle breaker is not garbage-collected.
  readonly #breakers: CircuitBreaker[] = []

  constructor(scenario: Scenario, policy: Policy, seed: number, time: VirtualTime) {
    this.#scenario = scenario
    this.#policy = policy
    this.#time = time
    this.#measures = new Measures(scenario.size)
    this.#store = new Store(() => this.#measures.operation(time.now))
    this.#random = seeded(seed)
    this.#dice = new Dice(this.#random)
  }

  async run(): Promise<Measured> {
    const { size, store } = this.#scenario
    for (let process = 0; process < size; process++) this.#begin(process)
    if (store && store.way !== 'up') {
      setTimeout(() => (this.#store.way = store.way), store.from)
      setTimeout(() => this.#store.comeBack(), store.to)
    }
    for (let second = 0; second < END; second += SECOND) {
      await this.#time.runTo(second)
      this.#measures.sample(this.#breakers.filter(({ state }) => state === 'open').length)
    }
    await this.#time.runTo(END)
    return this.#measures.result(this.#store.longestReply)
  }

  #begin(process: number): void {
    const breaker = new CircuitBreaker(this.#options(process))
    this.#breakers.push(breaker)
    const callIn = (wait: number): void => {
      setTimeout(() => {
        if (this.#time.now >= CALLS_END) return
        void this.#call(breaker, this.#fate(process))
        callIn(gap(this.#random, this.#scenario.rate))
      }, wait)
    }
    callIn(this.#dice.integer(0, FIRST_CALL))
  }

  #options(process: number): CircuitBreakerOptions {
    const measures = this.#measures
    const healthy = this.#scenario.failing(process) < TOO_MANY
    const stateChange = ({ from, to }: { from: string; to: string }): void => {
      if (from === 'closed' && healthy) measures.falseTrips++
      if (from === 'closed' || to === 'closed') measures.stateChanged(this.#time.now, to === 'closed')
    }
    const options = {
      name: 'dependency',
      trip: this.#scenario.rule ?? RULE,
      timeoutDuration: OPEN_TIME,
      clock: { now: () => this.#time.now },
      listeners: [{ stateChange }],
    }
    if (this.#policy === 'local') return options
    const storage = new RemoteStorage(this.#store)
    return { ...options, storage, share: this.#policy, reporter: `host-${process}` }
  }

  #fate(process: number): Fate {
    const chance = this.#random()
    const { now } = this.#time
    const outage = now >= OUTAGE_BEGINS && now < OUTAGE_ENDS
    if (outage) this.#measures.calls++
    const fails = outage && chance < this.#scenario.failing(process)
    const [least, most] = fails ? BAD_CALL : GOOD_CALL
    return { fails, duration: this.#dice.integer(least, most) }
  }

  async #call(breaker: CircuitBreaker, fate: Fate): Promise<void> {
    try {
      await breaker.call(() => this.#reach(breaker, fate))
    } catch (error) {
      if (!isCircuitBreakerError(error)) return
      this.#measures.rejected(this.#time.now)
      if (!fate.fails) this.#measures.lost++
    }
  }

  #reach(breaker: CircuitBreaker, { fails, duration }: Fate): Promise<void> {
    const measures = this.#measures
    const isProbe = breaker.state !== 'closed'
    if (isProbe) measures.probes++
    if (fails) measures.failed++
    if (isProbe && fails) measures.failedProbes++
    return new Promise((resolve, reject) => {
      setTimeout(() => (fails ? reject(down) : resolve()), duration)
    })
  }
}

/** Returns the milliseconds until the next event of a Poisson process with this rate. */
export function gap(random: Random, perSecond: number): number {
  return Math.round((-Math.log(1 - random()) / perSecond) * 1_000)
}
