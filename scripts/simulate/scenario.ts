import { anyOf, consecutiveFailures, failureRate, type TripRule } from '../../src/index.ts'
import type { Way } from './store.ts'

/** How the processes decide: each alone, or together. */
export type Policy = 'local' | 'first-trip' | 'pooled'

export const POLICIES: readonly Policy[] = ['local', 'first-trip', 'pooled']

/** A fleet and what happens to it. */
export interface Scenario {
  readonly id: string
  readonly title: string
  /** The number of processes, each on a host of its own. */
  readonly size: number
  /** Calls per second of each process, at random times. */
  readonly rate: number
  /** The share of a process's calls that fail during the outage. */
  readonly failing: (process: number) => number
  /** The trip rule of all breakers. @default RULE */
  readonly rule?: TripRule
  /** The condition of the store from `from` to `to`, in milliseconds. @default the store is up throughout */
  readonly store?: { readonly way: Way; readonly from: number; readonly to: number }
}

// The timeline, in milliseconds of virtual time.
export const OUTAGE_BEGINS = 20_000
export const OUTAGE_ENDS = 80_000
/** No calls are made from here on. */
export const CALLS_END = 120_000
/** By now, a breaker that was open when its last call ended has been idle for more than a minute. */
export const IDLE_BEGINS = 185_000
export const END = 205_000

/** Milliseconds that a breaker stays open. */
export const OPEN_TIME = 10_000

/** The failure rate at which the rules are meant to open. */
export const TOO_MANY = 0.5

const RATE = failureRate({ threshold: TOO_MANY, window: 10_000, minCalls: 20 })

/** The trip rule of a scenario that sets none. */
export const RULE: TripRule = anyOf(consecutiveFailures(5), RATE)

const all = (): number => 1
const some =
  (share: number): Scenario['failing'] =>
  () =>
    share

const SMALL = 100
const MIDDLE = 200

const LARGEST = 10_000

const size = (processes: number): Scenario => ({
  id: `size-${processes}`,
  title: `${processes.toLocaleString('en')} processes`,
  size: processes,
  rate: 0.2,
  failing: all,
})

const traffic = (rate: number, title: string): Scenario => ({
  id: `traffic-${rate}`,
  title,
  size: SMALL,
  rate,
  failing: all,
})

const partial = (percent: number): Scenario => ({
  id: `partial-${percent}`,
  title: `${percent} % of the calls fail`,
  size: MIDDLE,
  rate: 1,
  failing: some(percent / 100),
})

const byRate = (scenario: Scenario): Scenario => ({
  ...scenario,
  id: `${scenario.id}-rate`,
  title: `${scenario.title}, rate rule only`,
  rule: RATE,
})

const storeOutage = (id: string, title: string, way: Way, from: number): Scenario => ({
  id,
  title,
  size: MIDDLE,
  rate: 1,
  failing: all,
  store: { way, from, to: 100_000 },
})

/** Scenarios that are reported together. */
export interface Group {
  readonly id: string
  readonly title: string
  readonly scenarios: readonly Scenario[]
}

const sizes: Group = {
  id: 'sizes',
  title: 'A total outage for a minute; each process makes a call in 5 s',
  scenarios: [10, 100, 1_000, LARGEST].map(size),
}

const traffics: Group = {
  id: 'traffics',
  title: `A total outage for a minute; ${SMALL} processes`,
  scenarios: [
    traffic(0.02, 'a call in 50 s each'),
    traffic(0.1, 'a call in 10 s each'),
    traffic(0.5, 'a call in 2 s each'),
    traffic(2, '2 calls/s each'),
    traffic(10, '10 calls/s each'),
  ],
}

const partials: Group = {
  id: 'partials',
  title: `No total outage for a minute; ${MIDDLE} processes, a call per second each`,
  scenarios: [
    partial(10),
    partial(30),
    byRate(partial(30)),
    partial(60),
    byRate(partial(60)),
    {
      id: 'one-bad-node',
      title: `all calls of one of ${MIDDLE} processes fail`,
      size: MIDDLE,
      rate: 1,
      failing: (process) => (process === 0 ? 1 : 0),
    },
  ],
}

const storeOutages: Group = {
  id: 'stores',
  title: `A total outage for a minute, and the store; ${MIDDLE} processes, a call per second each`,
  scenarios: [
    storeOutage('store-up', 'the store is well', 'up', 0),
    storeOutage('store-refuses', 'it refuses from before the outage on', 'refusing', 10_000),
    storeOutage('store-hangs', 'it hangs from before the outage on', 'hanging', 10_000),
    storeOutage('store-dies', 'it hangs from 20 s into the outage on', 'hanging', 40_000),
  ],
}

export const groups: readonly Group[] = [sizes, traffics, partials, storeOutages]

export const scenarios: readonly Scenario[] = groups.flatMap((group) => group.scenarios)
