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

// Commands of which a case says only what matters to it.

type Given<Command> = Partial<Omit<Command, 'type' | 'sender'>>

/** `known`: what the sender has learned; left out, nothing. */
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

/** A batch of calls that is counted in {@link RING} too. */
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

/** As a rule that is met does it. */
export function trip(from: Sender, ifEpoch: number, openFor = 10_000): OpenCommand {
  return { type: 'change', to: 'open', sender: from, ifEpoch, openFor, nonce: 'trip', reason: 'failureRate' }
}

/** As an operator does it. */
export function byHand(
  from: Sender,
  nonce: string,
  given:
    | Pick<OpenCommand, 'to' | 'openFor'>
    | Pick<HalfOpenCommand, 'to' | 'policy'>
    | Pick<CloseOrIsolateCommand, 'to'>,
): ChangeCommand {
  return { type: 'change', sender: from, nonce, reason: 'maintenance', ifEpoch: null, ...given }
}
