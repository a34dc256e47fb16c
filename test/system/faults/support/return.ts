import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { CircuitBreaker } from '../../../../src/index.ts'
import { RedisStorage } from '../../../../src/storage/redis/index.ts'
import { until } from '../../../helpers/until.ts'
import { BOTH, familyOf } from './clients.ts'
import { withNetworks, type Networked } from './networks.ts'
import type { View } from './member-messages.ts'

const SECOND = 1_000
// A busy machine lets connections wait, and accepts several at once.
const lag = monitorEventLoopDelay({ resolution: 10 })
lag.enable()
/** The number of breakers in a process; every third process has as many. */
const BREAKERS = [1, 6, 40] as const
const NAMES = Array.from({ length: 40 }, (_, i) => `breaker-${i}`)
/** Breakers whose fleets change during or after an outage, one per kind of process. */
const CHANGED = [0, 5, 39] as const
/** Calls per second and breaker. */
const RATE = 5
/** What F24b allows: an interval, which is a second while replies are quick, and a second. */
const AGREED_WITHIN = 2 * SECOND
/** Attempts to connect per second and process: two for each of two kinds of connection. */
const ATTEMPTS = 4

export type Loss = 'killed' | 'hung' | 'cut'

/** Begins an outage. Resolves to a function that ends it. */
const LOSSES: Readonly<Record<Loss, (all: Networked) => Promise<() => Promise<void> | void>>> = {
  killed: async ({ server }) => {
    await server.save()
    await server.die()
    return () => server.comeBack('saved')
  },
  hung: ({ server }) => {
    server.freeze()
    return Promise.resolve(() => server.thaw())
  },
  cut: ({ networks }) => {
    for (const network of networks) network.drop()
    return Promise.resolve(() => networks.forEach((network) => network.heal()))
  },
}

/** A number of outages of the same length. */
export interface Outages {
  readonly times: number
  readonly seconds: number
}

/** One fleet that loses its store again and again. */
class Returns {
  readonly #all: Networked
  readonly #loss: Loss
  readonly #clients: readonly string[]
  #round = 0
  /** What was not as it must be. */
  readonly faults: string[] = []

  constructor(all: Networked, loss: Loss, clients: readonly string[]) {
    this.#all = all
    this.#clients = clients
    this.#loss = loss
  }

  async begin(): Promise<void> {
    const { fleet } = this.#all
    await fleet.rate(RATE)
    await fleet.see('all take part', (view) => view.link === 'live' && view.fleet === 'closed')
    // An empty store has nothing to agree on.
    await this.#change()
    await this.#agreed()
  }

  /** Resolves to the milliseconds from the return of the store until all processes agreed. */
  async outage(seconds: number): Promise<number> {
    const { networks } = this.#all
    lag.reset()
    const began = performance.now()
    const endIt = await LOSSES[this.#loss](this.#all)
    await sleep((seconds * SECOND) / 2)
    if (this.#loss === 'cut') await this.#change()
    await sleep(seconds * SECOND - (performance.now() - began))
    await endIt()
    const returned = Date.now()
    if (this.#loss !== 'cut') await this.#change()
    const took = (await this.#agreed()) - returned
    const ended = performance.now()
    for (const [i, { connectedAt }] of networks.entries())
      this.#countAttempts(this.#clients[i % this.#clients.length]!, connectedAt, began, ended)
    return took
  }

  /** An operator, whom no outage concerns, isolates one breaker of each kind of process, or closes it again. */
  async #change(): Promise<void> {
    const { single } = await familyOf(BOTH[0])
    const { url } = this.#all.server
    const storage = new RedisStorage({ client: () => single(url), log: () => {} })
    const isolates = this.#round % 2 === 0
    const reason = `round ${this.#round++}`
    const to = isolates ? 'isolated' : 'closed'
    const change = async (at: number): Promise<void> => {
      const breaker = new CircuitBreaker({ name: NAMES[at]!, storage })
      const isKnown = (state?: string): boolean => {
        const known = breaker.snapshot().fleet?.state ?? undefined
        return state === undefined ? known !== undefined : known === state
      }
      await breaker.call(() => Promise.resolve()).catch(() => {})
      await until(() => isKnown(), 'the operator knows the state')
      if (isolates) breaker.isolate(reason)
      else breaker.close(reason)
      await until(() => isKnown(to), 'the operator has changed it')
      await breaker[Symbol.asyncDispose]()
    }
    await Promise.all(CHANGED.map(change))
    await storage[Symbol.asyncDispose]()
  }

  /** Resolves to the time when the last process had what all agree on. */
  async #agreed(): Promise<number> {
    const { fleet } = this.#all
    const state = this.#round % 2 === 1 ? 'isolated' : 'closed'
    const isLast = (view: View, at: number): boolean =>
      !(CHANGED as readonly number[]).includes(at) || (view.state === state && view.fleet === state)
    const agreed = (): boolean => {
      const epochs = NAMES.map(() => new Set<number>())
      return fleet.members.every(({ views }) =>
        views.every(
          (view, at) => view.link === 'live' && isLast(view, at) && epochs[at]!.add(view.epoch).size === 1,
        ),
      )
    }
    await until(agreed, () => fleet.describe(`all agree in round ${this.#round}`))
    return Math.max(...fleet.members.flatMap(({ views }) => views.map(({ at }) => at)))
  }

  #countAttempts(client: string, connectedAt: readonly number[], began: number, ended: number): void {
    const during = connectedAt.filter((at) => at >= began && at <= ended)
    const seconds = Math.ceil((ended - began) / SECOND)
    if (during.length > ATTEMPTS * (seconds + 1))
      this.faults.push(`F24b: ${during.length} attempts in ${seconds} s with ${client}`)
    // The borders of a second may divide the attempts of two.
    const perSecond = during.map((from) => during.filter((at) => at >= from && at < from + SECOND).length)
    const most = Math.max(0, ...perSecond)
    if (most > ATTEMPTS * (1 + lag.max / 1e9) + 2)
      this.faults.push(`F24b: ${most} attempts within a second with ${client}`)
  }
}

/** Takes one fleet through such outages. Returns how long it took to agree after each. */
export async function agreesAfter(
  loss: Loss,
  clients: readonly string[],
  plan: readonly Outages[],
  report: (line: string) => void,
): Promise<void> {
  const each = (i: number): object => ({
    client: clients[i % clients.length],
    names: NAMES.slice(0, BREAKERS[i % 3]),
    dependency: undefined,
  })
  await withNetworks(9, { client: '', each }, async (all) => {
    const returns = new Returns(all, loss, clients)
    await returns.begin()
    for (const { times, seconds } of plan) {
      const took: number[] = []
      let longestLag = 0
      for (let i = 0; i < times; i++) {
        took.push(await returns.outage(seconds))
        longestLag = Math.max(longestLag, lag.max / 1e6)
      }
      took.sort((a, b) => a - b)
      const median = took[took.length >> 1]!
      const line = `${loss} for ${seconds} s: agreed after ${took.join(', ')} ms`
      report(line)
      // Even on a busy machine, most processes are in time.
      if (median > AGREED_WITHIN * 1.25 || took.at(-1)! > AGREED_WITHIN * 3 + longestLag)
        returns.faults.push(line)
    }
    assert.deepEqual(returns.faults, [])
  })
}
