import type {
  AcquireCommand,
  ChangeCommand,
  CloseOrIsolateCommand,
  ExchangeCommand,
  HalfOpenCommand,
  OpenCommand,
  RingBatch,
  Sender,
  SettleCommand,
} from '../../storage/contract/commands.ts'

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
export function trip(from: Sender, ifEpoch: number, openFor = 10_000): OpenCommand {
  return { type: 'change', to: 'open', sender: from, ifEpoch, openFor, nonce: 'trip', reason: 'failureRate' }
}

/** Returns a manual change. */
export function manualChange(
  from: Sender,
  nonce: string,
  given:
    | Pick<OpenCommand, 'to' | 'openFor'>
    | Pick<HalfOpenCommand, 'to' | 'policy'>
    | Pick<CloseOrIsolateCommand, 'to'>,
): ChangeCommand {
  return { type: 'change', sender: from, nonce, reason: 'maintenance', ifEpoch: null, ...given }
}
