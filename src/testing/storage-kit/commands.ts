import type {
  AcquireCommand,
  CloseOrIsolateCommand,
  ExchangeCommand,
  HalfOpenCommand,
  ManualChangeCommand,
  OpenCommand,
  RingBatch,
  Sender,
  SettleCommand,
  TripCommand,
} from '../../storage/contract/commands.ts'
import { NO_MANUAL } from '../../storage/contract/limits.ts'

// Builders of commands with defaults, so that a case states only the fields that matter to it.

type Given<Command> = Partial<Omit<Command, 'type' | 'sender'>>

/** Returns a sender. `known` is the state of its replica; without it, the sender has none. */
export function sender(reporter: string, known: Partial<Sender> = {}): Sender {
  return {
    reporter,
    state: 'closed',
    epoch: 0,
    remaining: 0,
    attempt: 0,
    decay: 0,
    reason: '',
    by: '',
    manual: NO_MANUAL,
    ramped: null,
    ramp: 0,
    ...known,
  }
}

export const RING: Readonly<Pick<RingBatch, 'window' | 'buckets' | 'slowerThan'>> = {
  window: 10_000,
  buckets: 10,
  slowerThan: 0,
}

/** Returns an exchange whose batch is also counted in {@link RING}, unless `rings` are given. */
export function exchange(
  from: Sender,
  given: Given<ExchangeCommand> & { slow?: number } = {},
): ExchangeCommand {
  const { successes = 0, failures = 0, slow = 0, tail = successes > 0 ? 0 : failures } = given
  const { epoch = from.epoch, rings = [{ ...RING, calls: successes + failures, failures, slow }] } = given
  return { type: 'exchange', sender: from, epoch, successes, failures, tail, rings }
}

export function acquire(from: Sender, nonce: string, given: Given<AcquireCommand> = {}): AcquireCommand {
  const policy = { calls: 1, successes: 1, concurrent: 1 }
  return { type: 'acquire', sender: from, nonce, lease: 5_000, reopenFor: 20_000, policy, ...given }
}

export function settle(
  from: Sender,
  nonce: string,
  epoch: number,
  outcome: SettleCommand['outcome'],
  openFor = 20_000,
): SettleCommand {
  return { type: 'settle', sender: from, nonce, epoch, outcome, openFor }
}

/** Returns an opening as a trip rule requests it. */
export function trip(from: Sender, ifEpoch: number, openFor = 10_000): TripCommand {
  return { type: 'change', to: 'open', sender: from, ifEpoch, openFor, nonce: 'trip', reason: 'failureRate' }
}

type ManualFields = 'reason' | 'ifManual' | 'actor'

/** Returns a manual change by a process that knows the last one which `from` knows, unless `ifManual` is given. */
export function manualChange(
  from: Sender,
  nonce: string,
  given: Partial<Pick<ManualChangeCommand, ManualFields>> &
    (
      | Pick<OpenCommand, 'to' | 'openFor'>
      | Pick<HalfOpenCommand, 'to' | 'policy'>
      | Pick<CloseOrIsolateCommand, 'to'>
    ),
): ManualChangeCommand {
  const ifManual = from.manual.epoch
  const defaults = { reason: 'maintenance', actor: 'operator', ifEpoch: null, ifManual }
  return { type: 'change', sender: from, nonce, ...defaults, ...given }
}
