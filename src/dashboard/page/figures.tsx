import type { ComponentChildren, JSX } from 'preact'
import type { Breaker } from './breaker.ts'
import { count, milliseconds, percent, perSecond, remaining, span, type Quantity } from './format.ts'
import { useTime } from './hooks.ts'

/** The most important figures. */
export function Figures({ breaker }: { readonly breaker: Breaker }): JSX.Element {
  const { recent, inFlight } = breaker.report
  return (
    <dl class="figures">
      <Figure label="Errors" {...percent(recent.failureRate)} />
      <Figure label="Calls" {...perSecond(recent.callsPerSecond)} />
      <Figure label="In flight" value={count(inFlight)} unit="" />
      <Time breaker={breaker} />
    </dl>
  )
}

interface FigureProps extends Quantity {
  readonly label: ComponentChildren
}

function Figure({ label, value, unit }: FigureProps): JSX.Element {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {value}
        {unit && <small> {unit}</small>}
      </dd>
    </div>
  )
}

/** The time until the next probe while open; otherwise the time in the current state. */
function Time({ breaker }: { readonly breaker: Breaker }): JSX.Element {
  const value = useTime(() => {
    const { state, age } = breaker
    return state === 'open' ? countdown(breaker.retryAfter) : age === null ? '–' : span(age)
  })
  const share = useTime(() => (breaker.state === 'open' ? breaker.openShare.toFixed(3) : '0'))
  const label = {
    open: 'Next probe in',
    'half-open': 'Half-open for',
    closed: 'Closed for',
    isolated: 'Isolated for',
  }
  return (
    <div class="time">
      <dt>{label[breaker.state]}</dt>
      <dd>
        {value}
        {breaker.state === 'open' && <span class="share" style={{ '--share': share }} />}
      </dd>
    </div>
  )
}

function countdown(left: number | null | undefined): string {
  if (left === undefined) return '…'
  return left === null ? 'never' : left === 0 ? 'now' : remaining(left)
}

/** The calls of the last ten seconds by the way they ended, and percentiles of their durations. */
export function Counts({ breaker }: { readonly breaker: Breaker }): JSX.Element {
  const { success, failure, rejected, ignored, late, latency } = breaker.report.recent
  return (
    <>
      <dl class="counts" aria-label="Calls of the last ten seconds">
        <Figure label={<Key name="success">Success</Key>} value={count(success)} unit="" />
        <Figure label={<Key name="failure">Failure</Key>} value={count(failure)} unit="" />
        <Figure label={<Key name="rejected">Rejected</Key>} value={count(rejected)} unit="" />
        <Figure label="Ignored" value={count(ignored)} unit="" />
        <Figure label="Late" value={count(late)} unit="" />
      </dl>
      <dl class="counts" aria-label="Duration of the calls of the last ten seconds">
        <Figure label="p50" {...milliseconds(latency?.p50)} />
        <Figure label={<Key name="p90">p90</Key>} {...milliseconds(latency?.p90)} />
        <Figure label="p99" {...milliseconds(latency?.p99)} />
        <Figure label="p99.9" {...milliseconds(latency?.p999)} />
      </dl>
    </>
  )
}

interface KeyProps {
  readonly name: 'success' | 'failure' | 'rejected' | 'p90'
  readonly children: ComponentChildren
}

function Key({ name, children }: KeyProps): JSX.Element {
  return (
    <>
      <i class={`key key-${name}`} />
      {children}
    </>
  )
}
