import type { BreakerReport, FleetReport } from '../../monitor/report.ts'
import type { CircuitBreakerState } from '../../base/state.ts'
import type { ControlAction } from '../protocol.ts'

/** The states from worst to best. */
export const WORST_FIRST: readonly CircuitBreakerState[] = ['open', 'isolated', 'half-open', 'closed']

export const stateWord: Readonly<Record<CircuitBreakerState, string>> = {
  closed: 'Closed',
  'half-open': 'Half-open',
  open: 'Open',
  isolated: 'Isolated',
}

/** The reasons that a breaker itself gives, in words. */
const REASONS: Readonly<Record<string, string>> = {
  consecutiveFailures: 'consecutive failures',
  failureRate: 'failure rate',
  failureCount: 'failure count',
  slowCallRate: 'slow call rate',
  probeFailed: 'probe failed',
  probeTimeout: 'probe timed out',
  probeSucceeded: 'probe succeeded',
  timeoutElapsed: 'open time passed',
  manual: 'manual change',
}

/** Returns a reason for display: a breaker's own reasons in words, any other text unchanged. */
export function reasonWords(reason: string): string {
  const parts = reason.split('+').map((part) => (Object.hasOwn(REASONS, part) ? REASONS[part] : undefined))
  return parts.includes(undefined) ? reason : parts.join(' and ')
}

/** Returns a label that shows a breaker's relation to its fleet, with an explanation; `undefined` if none is needed. */
export function fleetWords({
  scope,
  fleet,
}: Pick<BreakerReport, 'scope' | 'fleet'>): readonly [words: string, meaning: string] | undefined {
  if (fleet?.link === 'degraded')
    return ['Fleet unreachable', 'The storage does not answer, or its record cannot be used.']
  return scope === 'fleet' ? ['Fleet', 'The state of all processes that share the storage.'] : undefined
}

/** Returns a sentence about which processes a manual change affects; empty without a fleet. */
export function reachWords(fleet: FleetReport | null): string {
  if (fleet === null) return ''
  if (fleet.share === 'observe') return 'In this process only: it observes its fleet and does not change it.'
  if (fleet.link === 'degraded')
    return 'Now in this process only: its fleet cannot be reached, and receives the change later.'
  return `On all processes of its fleet${fleet.link === 'live' ? '' : ', as soon as it can be reached'}.`
}

/** Returns a breaker's id for display. */
export function shownName(id: string): string {
  return id === '' ? '(no name)' : id
}

interface ActionWords {
  /** The label of the button. */
  readonly verb: string
  /** The effect of the action, shown in the dialog. */
  readonly effect: string
  /** The confirmation, shown after the breaker's name. */
  readonly done: string
  /** The state after the action. */
  readonly state: CircuitBreakerState
  /** The effect on a breaker that is already in this state. */
  readonly again: string
}

/** In the order of the buttons. */
export const actionWords: Readonly<Record<ControlAction, ActionWords>> = {
  isolate: {
    verb: 'Isolate',
    effect: 'Rejects every call until the circuit is closed.',
    done: 'is isolated',
    state: 'isolated',
    again: 'It is already isolated: only the reason changes.',
  },
  open: {
    verb: 'Open',
    effect: 'Rejects every call for a time, then admits probes.',
    done: 'is open',
    state: 'open',
    again: 'It is already open: its open time restarts.',
  },
  'half-open': {
    verb: 'Half-open',
    effect: 'Admits a few calls as probes. They decide whether the circuit closes.',
    done: 'is half-open',
    state: 'half-open',
    again: 'It is already half-open: nothing changes.',
  },
  close: {
    verb: 'Close',
    effect: 'Admits every call, and resets the counts.',
    done: 'is closed',
    state: 'closed',
    again: 'It is already closed: only its counts are reset.',
  },
}

export const ACTIONS: readonly ControlAction[] = Object.keys(actionWords) as ControlAction[]
