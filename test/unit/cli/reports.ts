import type {
  BreakerReport,
  FleetReport,
  MonitorSnapshot,
  RecentCalls,
  Transition,
} from '../../../src/monitor/report.ts'
import { Board } from '../../../src/cli/watch/board.ts'

const NOTHING = { success: 0, failure: 0, ignored: 0, late: 0, rejected: 0 }

type Given = Partial<Omit<BreakerReport, 'recent'>> & { readonly recent?: Partial<RecentCalls> }

/** The report on a closed breaker without calls, overridden by `given`. */
export function report(id: string, { recent, ...given }: Given = {}): BreakerReport {
  return {
    id,
    name: id,
    mode: 'enforce',
    state: 'closed',
    scope: 'local',
    health: 'up',
    since: null,
    retryAfter: 0,
    reason: null,
    attempt: 0,
    failCounter: 0,
    inFlight: 0,
    lastFailure: null,
    fleet: null,
    transitions: [],
    total: NOTHING,
    history: { success: [], failure: [], rejected: [], p90: [] },
    recent: {
      ...NOTHING,
      span: 10_000,
      callsPerSecond: 0,
      failureRate: null,
      latency: null,
      ...recent,
    },
    ...given,
  }
}

/** The report on a closed fleet whose storage answers, overridden by `given`. */
export function fleet(given: Partial<FleetReport> = {}): FleetReport {
  return { link: 'live', state: 'closed', epoch: 1, reason: '', by: '', actor: '', share: 'pooled', ...given }
}

export function transition(id: string, given: Partial<Transition> = {}): Transition {
  return { id, from: 'closed', to: 'open', reason: 'failureRate', at: 1_000, scope: 'local', ...given }
}

export function snapshot(...breakers: readonly BreakerReport[]): MonitorSnapshot {
  return { version: 1, takenAt: 10_000, health: 'up', breakers }
}

/** A board that got these reports at 0 ms of its own time, 10,000 ms of the server's. */
export function board(...breakers: readonly BreakerReport[]): Board {
  const result = new Board()
  result.show(snapshot(...breakers), 0)
  return result
}
