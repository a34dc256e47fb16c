import { anyOf, consecutiveFailures, failureRate, type TripRule } from '../../src/index.ts'
import type { Way } from './store.ts'

/** How the processes decide: each alone, or with the others. */
export type Policy = 'local' | 'first-trip' | 'pooled'

export const POLICIES: readonly Policy[] = ['local', 'first-trip', 'pooled']

/** What happens to a fleet. */
export interface Scenario {
  /** Names it, and with the seed decides its traffic. */
  readonly id: string
  readonly title: string
  /** How many processes, each on a host of its own. */
  readonly size: number
  /** Calls per second of each process, at random times. */
  readonly rate: number
  /** The share of a process's calls that fail during the outage. */
  readonly failing: (process: number) => number
  /** Default `RULE`. */
  readonly rule?: TripRule
  /** The way of the store from `from` to `to`. Default: always up. */
  readonly store?: { readonly way: Way; readonly from: number; readonly to: number }
}

// When what happens, in milliseconds of virtual time.
export const OUTAGE_BEGINS = 20_000
export const OUTAGE_ENDS = 80_000
/** From here on nobody calls any more. */
export const CALLS_END = 120_000
/** What is on its way has ended, and the breakers are idle. */
export const IDLE_BEGINS = 125_000
export const END = 145_000

/** How long a breaker stays open. */
export const OPEN_TIME = 10_000

const RATE = failureRate({ threshold: 0.5, window: 10_000, minCalls: 20 })

/** When the breakers trip, unless a scenario says otherwise. */
export const RULE: TripRule = anyOf(consecutiveFailures(5), RATE)

const all = (): number => 1
const some =
  (share: number): Scenario['failing'] =>
  () =>
    share

const SMALL = 100
const MIDDLE = 200

/** So many processes are simulated once; their figures depend little on chance. */
export const LARGEST = 10_000

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

const storeOutage = (id: string, title: string, way: Way, from: number): Scenario => ({
  id,
  title,
  size: MIDDLE,
  rate: 1,
  failing: all,
  store: { way, from, to: 100_000 },
})

/** A total outage hits many processes that each call seldom: once in five seconds. */
export const sizes: readonly Scenario[] = [10, 100, 1_000, LARGEST].map(size)

/** A total outage hits a hundred processes. */
export const traffics: readonly Scenario[] = [
  traffic(0.02, 'a call in 50 s'),
  traffic(0.1, 'a call in 10 s'),
  traffic(0.5, 'a call in 2 s'),
  traffic(2, '2 calls per second'),
  traffic(10, '10 calls per second'),
]

/** What is no total outage. */
export const partials: readonly Scenario[] = [
  partial(10),
  partial(30),
  {
    ...partial(30),
    id: 'partial-30-rate',
    title: '30 % of the calls fail; the rule is the failure rate alone',
    rule: RATE,
  },
  partial(60),
  {
    id: 'one-bad-node',
    title: 'one process of 200 sees nothing but failures',
    size: MIDDLE,
    rate: 1,
    failing: (process) => (process === 0 ? 1 : 0),
  },
]

/** The store fails as well as the dependency. */
export const storeOutages: readonly Scenario[] = [
  storeOutage('store-up', 'the store is well', 'up', 0),
  storeOutage(
    'store-refuses',
    'it refuses connections from before the outage until after it',
    'refusing',
    10_000,
  ),
  storeOutage('store-hangs', 'it does not answer from before the outage until after it', 'hanging', 10_000),
  storeOutage('store-dies', 'it stops answering 20 s into the outage', 'hanging', 40_000),
]

export const scenarios: readonly Scenario[] = [...sizes, ...traffics, ...partials, ...storeOutages]
