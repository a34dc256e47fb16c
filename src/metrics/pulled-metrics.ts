import type { BreakerTotals } from '../monitor/report.ts'
import { STATES } from '../base/state.ts'
import { LINKS, OUTCOMES, transitionsOf } from './totals.ts'

interface Sample {
  /** The name of the sample if it differs from the metric's, as in a histogram. */
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

interface Definition {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labelNames: readonly string[]
  readonly samples: (totals: BreakerTotals) => readonly Sample[]
}

const DURATION = 'recloser_call_duration_seconds'

/** The metrics, in the order in which a scrape lists them. */
export const DEFINITIONS: readonly Definition[] = [
  {
    name: 'recloser_calls_total',
    help: 'Calls by how they ended: success, failure, ignored, late or rejected.',
    type: 'counter',
    labelNames: ['name', 'outcome'],
    samples: ({ id: name, calls }) =>
      OUTCOMES.map((outcome) => ({ labels: { name, outcome }, value: calls[outcome] })),
  },
  {
    name: DURATION,
    help: 'Duration of successful and failed calls, in seconds.',
    type: 'histogram',
    labelNames: ['name'],
    samples: durationSamples,
  },
  {
    name: 'recloser_state',
    help: 'The state of the circuit: 1 for the current one, 0 for the others.',
    type: 'gauge',
    labelNames: ['name', 'state'],
    samples: ({ id: name, state: current }) =>
      STATES.map((state) => ({ labels: { name, state }, value: state === current ? 1 : 0 })),
  },
  {
    name: 'recloser_transitions_total',
    help: 'Transitions between states.',
    type: 'counter',
    labelNames: ['name', 'from', 'to'],
    samples: (totals) =>
      transitionsOf(totals).map(({ from, to, count }) => ({
        labels: { name: totals.id, from, to },
        value: count,
      })),
  },
  {
    name: 'recloser_permits_in_flight',
    help: 'Calls in flight, including late ones.',
    type: 'gauge',
    labelNames: ['name'],
    samples: ({ id: name, inFlight }) => [{ labels: { name }, value: inFlight }],
  },
  {
    name: 'recloser_fleet_in_force',
    help: 'Whose state is in force: 1 for that of the fleet, 0 for that of the breaker itself.',
    type: 'gauge',
    labelNames: ['name'],
    samples: ({ id: name, fleet, scope }) =>
      fleet ? [{ labels: { name }, value: scope === 'fleet' ? 1 : 0 }] : [],
  },
  {
    name: 'recloser_fleet_link',
    help: 'The state of the link to the storage of the fleet: 1 for the current state, 0 for the others.',
    type: 'gauge',
    labelNames: ['name', 'state'],
    samples: ({ id: name, fleet }) =>
      fleet ? LINKS.map((state) => ({ labels: { name, state }, value: state === fleet.link ? 1 : 0 })) : [],
  },
]

function durationSamples({ id: name, durations }: BreakerTotals): Sample[] {
  const { bounds, cumulative, count, sum } = durations
  const bucket = (le: number | string, value: number): Sample => ({
    metricName: `${DURATION}_bucket`,
    labels: { le, name },
    value,
  })
  return [
    ...bounds.map((bound, index) => bucket(bound / 1_000, cumulative[index]!)),
    bucket('+Inf', count),
    { metricName: `${DURATION}_sum`, labels: { name }, value: sum / 1_000 },
    { metricName: `${DURATION}_count`, labels: { name }, value: count },
  ]
}

/** A metric for a prom-client registry whose values are read when the registry collects them. */
export class PulledMetric {
  /** Mutable because an OpenMetrics registry strips the suffix `_total` from it. */
  name: string
  readonly help: string
  readonly type: string
  readonly labelNames: readonly string[]
  readonly aggregator = 'sum'
  readonly #values: () => Sample[]

  constructor({ name, help, type, labelNames, samples }: Definition, read: () => readonly BreakerTotals[]) {
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = labelNames
    this.#values = () => read().flatMap(samples)
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this
    return { name, help, type, values: this.#values(), aggregator }
  }

  /** Does nothing: the counts belong to the monitor. */
  reset(): void {}
}
