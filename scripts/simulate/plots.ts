import type { LineSeriesOption } from 'echarts'
import { axis, draw, INK, line, LOOKS } from './draw.ts'
import type { Measured } from './measures.ts'
import type { GroupResult, Result } from './results.ts'
import { CALLS_END, OUTAGE_BEGINS, OUTAGE_ENDS, POLICIES, type Policy } from './scenario.ts'

const SECOND = 1_000
/** The scenario whose processes are plotted over time. */
const DRAWN = 'size-1000'

/** Returns the plots of a complete run, each as a name and an SVG document. */
export function plots(groups: readonly GroupResult[]): [name: string, svg: string][] {
  const of = (id: string): readonly Result[] => groups.find(({ group }) => group.id === id)!.results
  return [
    ['calls', calls(of('sizes'))],
    ['open', openOverTime(of('sizes').find(({ scenario }) => scenario.id === DRAWN)!)],
    ['protected', protectedAfter(of('traffics'))],
    ['partial', partial(of('partials'))],
    ['store', store(of('traffics'))],
  ]
}

function calls(results: readonly Result[]): string {
  return draw(
    'Failing calls that an outage of a minute lets through',
    'A total outage; each process makes a call in 5 s',
    {
      xAxis: { ...axis('processes', 'log', 'x'), min: 10, max: 10_000 },
      yAxis: { ...axis('calls that reached it and failed', 'log', 'y'), min: 1 },
      series: lines((policy) => results.map(({ scenario, of }) => [scenario.size, of[policy].failed])),
    },
  )
}

function openOverTime({ scenario, of }: Result): string {
  return draw(
    'How a fleet opens and closes again',
    `${scenario.title}, a call in 5 s each; grey: the outage`,
    {
      xAxis: { ...axis('seconds', 'value', 'x'), max: CALLS_END / SECOND },
      yAxis: { ...axis('open, in % of the processes', 'value', 'y'), max: 100 },
      series: [
        ...lines((policy) =>
          of[policy].open
            .slice(0, CALLS_END / SECOND + 1)
            .map((share, second) => [second, rounded(100 * share)]),
        ),
        SHADED,
      ],
    },
  )
}

function protectedAfter(results: readonly Result[]): string {
  return draw(
    'How soon 99 % of 100 processes are protected',
    'By how often each of them calls; no point: not within the minute of the outage',
    {
      xAxis: { ...axis('calls per second of each process', 'log', 'x'), min: 0.01 },
      yAxis: { ...axis('seconds from the begin of the outage', 'log', 'y'), min: 0.1, max: 100 },
      series: lines((policy) =>
        results.flatMap(({ scenario, of }) => {
          const after = of[policy].protectedAfter
          return after === null ? [] : [[scenario.rate, after / SECOND]]
        }),
      ),
    },
  )
}

function partial(results: readonly Result[]): string {
  const share = ({ lost, calls }: Measured): number => rounded((100 * lost) / calls)
  const bars = POLICIES.map((policy) => ({
    type: 'bar' as const,
    name: policy,
    color: LOOKS[policy].color,
    itemStyle: {
      decal: { symbol: LOOKS[policy].decal, color: 'rgba(255, 255, 255, 0.45)', symbolSize: 0.5 },
    },
    label: { show: true, position: 'top' as const, color: INK },
    data: results.map(({ of }) => share(of[policy])),
  }))
  return draw(
    'Good calls rejected where not everything fails',
    '200 processes, a call per second each; partial outage for a minute',
    {
      xAxis: {
        ...axis('', 'category', 'x'),
        data: [
          '10 % fail',
          '30 % fail',
          '30 % fail,\nrate rule',
          '60 % fail',
          '60 % fail,\nrate rule',
          'one bad\nprocess',
        ],
      },
      yAxis: { ...axis('in % of the calls of that minute', 'value', 'y'), max: 100 },
      series: bars,
    },
  )
}

function store(results: readonly Result[]): string {
  const pooled = (read: (measured: Measured) => number): number[][] =>
    results.map(({ scenario, of }) => [scenario.rate, rounded(read(of.pooled))])
  const perCall = results.map(({ scenario: { rate, size } }) => [rate, 2 * rate * size])
  const { color } = LOOKS.pooled
  return draw(
    'What sharing asks of the store',
    '100 processes; for comparison: two commands per call, computed',
    {
      xAxis: { ...axis('calls per second of each process', 'log', 'x'), min: 0.01 },
      yAxis: { ...axis('commands per second, all processes', 'log', 'y'), min: 1 },
      series: [
        line(
          'pooled, in the outage',
          LOOKS.pooled,
          pooled(({ store }) => store.outage),
        ),
        line(
          'pooled, before it',
          { color, symbol: 'circle', dash: 'dashed' },
          pooled(({ store }) => store.calm),
        ),
        line('two per call', { color: '#6e7781', symbol: 'diamond', dash: 'dotted' }, perCall),
      ],
    },
  )
}

/** Rounds to one decimal. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

const SHADED: LineSeriesOption = {
  type: 'line',
  data: [],
  markArea: {
    silent: true,
    itemStyle: { color: 'rgba(140, 149, 159, 0.15)' },
    data: [[{ xAxis: OUTAGE_BEGINS / SECOND }, { xAxis: OUTAGE_ENDS / SECOND }]],
  },
}

/** Returns one line per policy. */
function lines(dataOf: (policy: Policy) => number[][]): LineSeriesOption[] {
  return POLICIES.map((policy) => line(policy, LOOKS[policy], dataOf(policy)))
}
