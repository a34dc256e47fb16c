import type { Circuit } from './circuit.ts'
import { VERSION, type CircuitBreakerSnapshot } from './snapshot.ts'

export function takeSnapshot(circuit: Circuit): CircuitBreakerSnapshot {
  const now = circuit.read(true)
  const { generation, options } = circuit
  const windows = generation.state === 'closed' ? generation.windows : []
  windows.forEach((window) => window.expire(now))
  const { failures, slow } = windows[0] ?? generation
  const calls = windows[0]?.calls ?? generation.successes + generation.failures
  const wait = circuit.retryAfter(now)
  return Object.freeze({
    version: VERSION,
    name: options.name,
    mode: options.mode,
    state: circuit.state(now),
    scope: generation.scope,
    since: circuit.since,
    retryAfter: wait < Infinity ? wait : null,
    attempt: circuit.attempt(now),
    tripReason: circuit.tripReason,
    failCounter: generation.run,
    counts: Object.freeze({ calls, successes: calls - failures, failures, slow }),
    failureRate: windows[0] ? windows[0].failureRate : calls ? failures / calls : null,
    slowCallRate: windows[0] ? windows[0].slowCallRate : calls ? slow / calls : null,
    inFlight: generation.inFlight + circuit.overdue,
    rejected: circuit.rejected,
    late: circuit.late,
    ignored: circuit.ignored,
    lastFailure: circuit.lastFailure && Object.freeze(circuit.lastFailure),
    takenAt: Date.now(),
    ...(circuit.member && { fleet: Object.freeze(circuit.member.describe()) }),
  })
}
