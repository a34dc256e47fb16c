import { healthOf } from '../monitor/health.ts'
import { LAST_TRANSITIONS, type BreakerReport, type Transition } from '../monitor/report.ts'

/** Returns the report to show after a transition. How long an opening lasts is unknown until the next report. */
export function afterTransition(report: BreakerReport, transition: Transition): BreakerReport {
  const { to, at, reason, scope } = transition
  return {
    ...report,
    state: to,
    scope,
    health: healthOf(to),
    since: at,
    reason: to === 'closed' ? null : to === 'half-open' ? report.reason : reason,
    retryAfter: to === 'closed' || to === 'half-open' ? 0 : null,
    transitions: [transition, ...report.transitions].slice(0, LAST_TRANSITIONS),
  }
}
