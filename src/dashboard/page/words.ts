import type { BreakerReport, FleetReport } from '../../monitor/report.ts'
import type { CircuitBreakerState } from '../../base/state.ts'
import type { ControlAction } from '../protocol.ts'

/** The states from the worst to the best. */
export const WORST_FIRST: readonly CircuitBreakerState[] = ['open', 'isolated', 'half-open', 'closed']

export const stateWord: Readonly<Record<CircuitBreakerState, string>> = {
  closed: 'Closed',
  'half-open': 'Half-open',
  open: 'Open',
  isolated: 'Isolated',
}

/** What the breaker itself gives as a reason, in words. */
const REASONS: Readonly<Record<string, string>> = {
  consecutiveFailures: 'consecutive failures',
  failureRate: 'failure rate',
  failureCount: 'failure count',
  slowCallRate: 'slow call rate',
  probeFailed: 'probe failed',
  probeTimeout: 'probe timed out',
  probeSucceeded: 'probe succeeded',
  timeoutElapsed: 'open time over',
  manual: 'by hand',
}

/** A reason for people: the breaker's own in words, anything else as somebody has written it. */
export function reasonWords(reason: string): string {
  const parts = reason.split('+').map((part) => (Object.hasOwn(REASONS, part) ? REASONS[part] : undefined))
  return parts.includes(undefined) ? reason : parts.join(' and ')
}

/** What is to be known of a breaker's fleet beside its state, if anything: a few words, and what they mean. */
export function fleetWords({
  scope,
  fleet,
}: Pick<BreakerReport, 'scope' | 'fleet'>): readonly [words: string, meaning: string] | undefined {
  if (fleet?.link === 'degraded')
    return ['Fleet out of reach', 'The storage does not answer, or its record cannot be used.']
  return scope === 'fleet' ? ['Fleet', 'The state of all processes that share the storage.'] : undefined
}

/** How far it reaches what is done to a breaker by hand. */
export function reachWords(fleet: FleetReport | null): string {
  if (fleet === null) return ''
  if (fleet.share === 'observe') return 'In this process only: it observes its fleet and tells it nothing.'
  if (fleet.link === 'degraded')
    return 'Now in this process only: its fleet is out of reach, and is told when it is back.'
  return `On all processes of its fleet${fleet.link === 'live' ? '' : ', as soon as that is reached'}.`
}

/** A breaker's id, as it is shown. */
export function shownName(id: string): string {
  return id === '' ? '(no name)' : id
}

interface ActionWords {
  /** On the button. */
  readonly verb: string
  /** What it does, in the dialog. */
  readonly effect: string
  /** What has been done; comes after the breaker's name. */
  readonly done: string
  /** The state that it leads to. */
  readonly state: CircuitBreakerState
  /** What it does to a breaker that is in this state already. */
  readonly again: string
}

/** In the order of the buttons. */
export const actionWords: Readonly<Record<ControlAction, ActionWords>> = {
  isolate: {
    verb: 'Isolate',
    effect: 'Rejects every call until somebody closes the circuit.',
    done: 'is isolated',
    state: 'isolated',
    again: 'It is isolated already: only the reason is changed.',
  },
  open: {
    verb: 'Open',
    effect: 'Rejects every call for a time, then lets a probe through.',
    done: 'is open',
    state: 'open',
    again: 'It is open already: the time until the probe begins anew.',
  },
  'half-open': {
    verb: 'Half-open',
    effect: 'Lets a few calls through as probes; they decide whether the circuit closes.',
    done: 'is half-open',
    state: 'half-open',
    again: 'It is half-open already: nothing changes.',
  },
  close: {
    verb: 'Close',
    effect: 'Lets every call through and begins to count anew.',
    done: 'is closed',
    state: 'closed',
    again: 'It is closed already: only its counts begin anew.',
  },
}

export const ACTIONS: readonly ControlAction[] = Object.keys(actionWords) as ControlAction[]
