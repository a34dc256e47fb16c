import { failureRate, type CircuitBreaker, type CircuitBreakerOptions } from '../../../../src/index.ts'

/** How often one service is called, and how it answers. Times are seconds before the present. */
export interface Service {
  readonly name: string
  readonly options?: Omit<CircuitBreakerOptions, 'name' | 'clock' | 'random'>
  /** Calls per second. */
  readonly calls: (ago: number) => number
  /** The share of calls that fail. */
  readonly failing?: (ago: number) => number
  /** The typical duration of a call in milliseconds, and the spread of slow ones. */
  readonly duration: number
  readonly spread?: number
  readonly error?: Error
  /** Manual changes, and when they happen. */
  readonly manually?: readonly (readonly [ago: number, act: (breaker: CircuitBreaker) => void])[]
}

export const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })

const wave =
  (calls: number, period: number, depth = 0.25) =>
  (ago: number): number =>
    calls * (1 + depth * Math.sin((ago / period) * 2 * Math.PI))

const during =
  (from: number, to: number, share: number, otherwise = 0.002) =>
  (ago: number): number =>
    ago <= from && ago > to ? share : otherwise

const HOUR = 3_600

export const services: readonly Service[] = [
  {
    name: 'payments',
    options: {
      trip: failureRate({ threshold: 0.4, window: 10_000 }),
      timeoutDuration: 21_000,
      halfOpen: { calls: 5 },
    },
    calls: wave(46, 70),
    failing: during(78, -60, 0.92),
    duration: 120,
    spread: 0.5,
    error: named('ConnectError', 'connect ECONNREFUSED 10.4.17.22:8443'),
  },
  {
    name: 'search-index',
    options: { failMax: 8, timeoutDuration: 16_000, halfOpen: { calls: 400, successes: 300, concurrent: 2 } },
    calls: wave(30, 50),
    failing: during(52, 22, 1),
    duration: 260,
    spread: 0.6,
    error: named('TimeoutError', 'The operation was aborted due to timeout'),
  },
  {
    name: 'legacy-crm',
    calls: wave(6, 40),
    failing: () => 0.01,
    error: named('SoapFault', 'Server was unable to process request'),
    duration: 480,
    manually: [[94, (breaker) => breaker.isolate('Moving to the new CRM, back at 15:00 — Anna')]],
  },
  {
    name: 'checkout',
    calls: wave(142, 90),
    duration: 34,
    spread: 0.45,
    error: named('HttpError', '502 Bad Gateway'),
  },
  { name: 'auth', calls: wave(320, 65, 0.15), duration: 6, spread: 0.4, failing: () => 0 },
  {
    name: 'recommendations',
    options: { failMax: 12 },
    calls: wave(58, 34),
    failing: wave(0.07, 45, 0.8),
    duration: 85,
    spread: 0.7,
    error: named('HttpError', '503 Service Unavailable: model “rank-v7” is warming up'),
  },
  {
    name: 'geo-lookup',
    options: { failMax: 6, timeoutDuration: 12_000, halfOpen: { calls: 3 } },
    calls: wave(75, 60),
    failing: during(84, 56, 0.97),
    duration: 18,
    error: named('ConnectError', 'read ECONNRESET'),
  },
  {
    name: 'pricing',
    options: { mode: 'observe', failMax: 3 },
    calls: wave(22, 30),
    failing: during(40, 30, 0.5, 0.03),
    duration: 44,
    error: named('TypeError', "Cannot read properties of undefined (reading 'currency')"),
  },
  { name: 'fraud-score', calls: wave(12, 80), duration: 740, spread: 0.8, failing: () => 0 },
  {
    name: 'mail.smtp',
    calls: () => 0.4,
    failing: () => 0,
    duration: 1_300,
    manually: [
      [2 * HOUR + 610, (breaker) => breaker.isolate('Certificate renewal')],
      [2 * HOUR + 95, (breaker) => breaker.close('Certificate renewed')],
    ],
  },
  {
    name: 'exchange-rates.eu-central-1.internal:8443/v2/latest',
    calls: wave(9, 25, 0.9),
    duration: 210,
    failing: () => 0.004,
    error: named('SyntaxError', 'Unexpected end of JSON input'),
  },
  { name: 'thumbnails', calls: (ago) => (ago > 88 ? 14 : 0), failing: () => 0, duration: 95 },
]
