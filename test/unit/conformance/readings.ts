import type { CircuitBreakerError } from '../../../src/index.ts'
import type { Subject } from './subject.ts'

/** The result of a step's operation. If the operation was repeated, the result of the last time. */
export interface StepResult {
  admitted?: boolean
  admittedCount?: number
  rejection?: CircuitBreakerError | undefined
  applied?: boolean
}

type Reading = (subject: Subject, result: StepResult) => unknown

const REJECT_REASONS = { open: 'open', 'half-open': 'halfOpenSaturated', isolated: 'isolated' } as const

const TRIP_REASONS: Readonly<Record<string, string>> = {
  consecutiveFailures: 'consecutive',
  slowCallRate: 'slowRate',
}

const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null)

/** Reads `retryAfter`, and checks that the rejection and the breaker agree on it. */
function retryAfter({ breaker }: Subject, { rejection }: StepResult): unknown {
  const read = breaker.retryAfter
  if (rejection === undefined || rejection.retryAfter === read) return finite(read)
  return `${rejection.retryAfter} in the error, ${read} in the breaker`
}

/** Everything that a case may expect, and how to read it. */
export const READINGS: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['admitted', (_, { admitted }) => admitted],
  ['admittedCount', (_, { admittedCount }) => admittedCount],
  ['rejectReason', (_, { rejection }) => rejection && REJECT_REASONS[rejection.reason]],
  ['retryAfterMs', retryAfter],
  ['applied', (_, { applied }) => applied],
  ['state', (subject) => subject.state],
  ['wouldAdmit', ({ breaker }) => breaker.retryAfter === 0],
  ['counts', ({ breaker }) => breaker.snapshot().counts],
  ['failureRate', ({ breaker }) => breaker.snapshot().failureRate],
  ['consecutiveFailures', ({ breaker }) => breaker.failCounter],
  ['attempt', ({ breaker }) => breaker.snapshot().attempt],
  ['tripReason', ({ breaker }) => caseReason(breaker.snapshot().tripReason)],
  ['rejected', ({ breaker }) => breaker.snapshot().rejected],
  ['late', ({ breaker }) => breaker.snapshot().late],
  ['inFlight', ({ breaker }) => breaker.snapshot().inFlight],
  ['ignored', ({ breaker }) => breaker.snapshot().ignored],
  ['transitions', takeTransitions],
])

const caseReason = (reason: string | null): string | null =>
  reason === null
    ? null
    : reason
        .split('+')
        .map((each) => TRIP_REASONS[each] ?? each)
        .join('+')

/** All transitions since the last step that asserted them. */
function takeTransitions(subject: Subject): readonly string[] {
  const { transitions } = subject
  subject.transitions = []
  return transitions
}
