import { STATES } from '../../base/state.ts'
import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  ProbePolicy,
  RingBatch,
  RingKey,
  Sender,
  SettleCommand,
  StorageCommand,
} from '../../storage/contract/commands.ts'
import { DAY, MOST } from '../../storage/contract/limits.ts'
import type { StorageReply } from '../../storage/contract/replies.ts'
import { manualChange, sender } from './commands.ts'
import { Dice, type Random } from './random.ts'

/** The next event at a store. */
export interface Step {
  /** Milliseconds by which the store's clock advances first; negative if it is set back. */
  readonly after: number
  /** The command to send; `undefined` if the store loses its data instead. */
  readonly command: StorageCommand | undefined
}

type Known = Omit<Sender, 'reporter'>

interface Client {
  readonly reporter: string
  known: Known
}

interface KnownLease {
  readonly nonce: string
  readonly epoch: number
}

const { reporter: _, ...NOTHING }: Sender = sender('nobody')

const RINGS: readonly [RingKey, ...RingKey[]] = [
  { window: 10_000, buckets: 10, slowerThan: 0 },
  { window: 10_000, buckets: 10, slowerThan: 250 },
  { window: 1_000, buckets: 4, slowerThan: 0 },
  { window: 60_000, buckets: 7, slowerThan: 0 },
  { window: 5, buckets: 10, slowerThan: 1 },
  { window: DAY, buckets: 100, slowerThan: 0 },
]

/**
 * Generates random commands as a fleet might send them: from clients whose replicas are current, stale or wrong; early,
 * late and twice.
 */
export class Traffic {
  readonly #dice: Dice
  readonly #clients: readonly Client[]
  readonly #replies: Known[] = [NOTHING]
  readonly #leases: KnownLease[] = []
  readonly #nonces: string[] = []
  #sent: StorageCommand | undefined
  #sender: Client
  // Milliseconds until the opening, lease or wait of the last reply ends: steps often land at or just before it.
  #remaining = 0

  constructor(random: Random, clients = 4) {
    this.#dice = new Dice(random)
    this.#clients = Array.from({ length: clients }, (_, i) => ({ reporter: `host-${i}`, known: NOTHING }))
    this.#sender = this.#clients[0]!
  }

  /** Returns the next step. */
  next(): Step {
    const after = this.#pause()
    if (this.#dice.oneIn(60)) return { after, command: undefined }
    // A duplicate of the last command, as a retry sends it. Only exchanges must not be repeated (F25).
    if (this.#sent && this.#sent.type !== 'exchange' && this.#dice.oneIn(12)) {
      return { after, command: this.#sent }
    }
    this.#sender = this.#dice.pick(this.#clients[0]!, ...this.#clients)
    this.#sent = this.#command()
    return { after, command: this.#sent }
  }

  /** Updates the sender of the last command with its reply. */
  learn(reply: StorageReply): void {
    if (!('record' in reply)) return
    const { age: _, ...view } = reply.record
    const { epoch, remaining } = view
    const known: Known = { ...this.#sender.known, ...view, remaining: remaining ?? 0 }
    this.#replies.push(known)
    if (reply.reset || epoch >= this.#sender.known.epoch) this.#sender.known = known
    this.#remaining = remaining ?? 0
    if (reply.type === 'denied' && reply.wait) this.#remaining = reply.wait
    if (reply.type !== 'granted') return
    this.#remaining = reply.lease
    if (this.#sent?.type === 'acquire') this.#leases.push({ nonce: this.#sent.nonce, epoch })
  }

  #pause(): number {
    const dice = this.#dice
    switch (dice.integer(0, 11)) {
      case 0:
        return this.#remaining
      case 1:
        return this.#remaining - 1
      case 2:
        return dice.integer(0, 2_000)
      case 3:
        return dice.integer(0, 20_000)
      case 4:
        return dice.oneIn(4) ? dice.integer(0, 3 * DAY) : 1_000
      case 5:
        return dice.oneIn(3) ? -dice.integer(0, 4_000_000) : 1
      default:
        return dice.integer(0, 20)
    }
  }

  /** Returns a command: mostly one that fits the state of the last reply, otherwise any. */
  #command(): StorageCommand {
    const roll = this.#dice.integer(0, 15)
    if (!this.#dice.oneIn(5)) {
      const { state } = this.#replies.at(-1)!
      if (state === 'closed') return roll < 11 ? this.#exchange() : this.#change()
      if (state === 'open') return roll < 13 ? this.#acquire() : this.#exchange()
      if (state === 'half-open') return roll < 7 ? this.#settle() : this.#acquire()
      return this.#change()
    }
    if (roll < 4) return this.#exchange()
    if (roll < 8) return this.#acquire()
    return roll < 12 ? this.#settle() : this.#change()
  }

  #randomSender(): Sender {
    const dice = this.#dice
    const { known } = this.#sender
    const reporter = dice.oneIn(6) ? `other-${dice.integer(0, 11)}` : this.#sender.reporter
    const own = {
      reporter,
      decay: dice.pick(0, 0, 1_000, 3_600_000),
      ramp: dice.pick(0, 0, 1_000, 100_000_000),
    }
    if (dice.oneIn(8)) return { ...dice.recent(this.#replies)!, ...own }
    if (!dice.oneIn(12)) return { ...known, ...own }
    return {
      ...own,
      state: dice.pick(...STATES),
      epoch: Math.max(0, known.epoch + dice.pick(-1, 1, 2, 1_000, 59_999, 60_000, 60_001, 200_000)),
      remaining: dice.pick(0, 1, 5_000, DAY, MOST),
      attempt: dice.pick(0, 1, 7, 2_000_000),
      reason: dice.pick('', 'failureRate', 'operator\u0000\n"{}" says 🙂'),
      by: dice.pick('', 'host-9'),
      manual: dice.pick(known.manual, {
        epoch: Math.max(0, known.epoch + dice.pick(-1, 0, 1)),
        nonce: dice.pick('', 'host-9-9'),
        actor: dice.pick('', 'cli:ü'),
      }),
      ramped: dice.pick(null, 0, 999, MOST),
    }
  }

  #exchange(): ExchangeCommand {
    const dice = this.#dice
    const sender = this.#randomSender()
    const failures = dice.pick(0, 0, 1, 2, dice.integer(0, 50))
    const successes = dice.pick(0, 1, dice.integer(0, 50))
    const tail = successes === 0 ? failures : dice.integer(0, failures)
    const slow = dice.pick(0, 0, 1, failures)
    const calls = failures + successes
    const rings = Array.from({ length: dice.pick(0, 1, 1, 2, 4) }, (): RingBatch => {
      const counts = dice.oneIn(5) ? [0, 0, 0] : [calls, failures, Math.min(slow, calls)]
      return { ...dice.pick(...RINGS), calls: counts[0]!, failures: counts[1]!, slow: counts[2]! }
    })
    const epoch = dice.oneIn(10) ? dice.recent(this.#replies)!.epoch : this.#sender.known.epoch
    return { type: 'exchange', sender, epoch, successes, failures, tail, rings }
  }

  #policy(): ProbePolicy {
    const calls = this.#dice.integer(1, 4)
    const successes = this.#dice.integer(1, calls)
    return { calls, successes, concurrent: this.#dice.pick(1, calls, 2, 100) }
  }

  #acquire(): AcquireCommand {
    const dice = this.#dice
    const repeated = dice.oneIn(5) ? dice.recent(this.#nonces) : undefined
    const nonce = repeated ?? `n-${this.#nonces.length}`
    if (repeated === undefined) this.#nonces.push(nonce)
    return {
      type: 'acquire',
      sender: this.#randomSender(),
      nonce,
      lease: dice.pick(1, 100, 5_000, dice.integer(1, 60_000), 100_000_000),
      reopenFor: dice.pick(0, 1_000, dice.integer(0, 60_000), 100_000_000),
      policy: this.#policy(),
    }
  }

  #settle(): SettleCommand {
    const dice = this.#dice
    const lease = (dice.oneIn(10) ? undefined : dice.recent(this.#leases)) ?? { nonce: 'unknown', epoch: 1 }
    return {
      type: 'settle',
      sender: this.#randomSender(),
      nonce: lease.nonce,
      epoch: dice.oneIn(10) ? this.#sender.known.epoch : lease.epoch,
      outcome: dice.pick('success', 'success', 'failure', 'cancel'),
      openFor: dice.pick(0, 500, dice.integer(0, 30_000), 100_000_000),
    }
  }

  #change(): ChangeCommand {
    const dice = this.#dice
    const sender = this.#randomSender()
    const repeated = dice.oneIn(5) ? dice.recent(this.#nonces) : undefined
    const nonce = repeated ?? `${this.#sender.reporter}-${this.#nonces.length}`
    if (repeated === undefined) this.#nonces.push(nonce)
    const reason = dice.pick('failureRate', 'manual', '')
    const openFor = dice.pick(0, 1_000, dice.integer(0, 60_000), 100_000_000)
    const { epoch, manual } = this.#sender.known
    if (!dice.oneIn(3)) return { type: 'change', to: 'open', sender, ifEpoch: epoch, nonce, reason, openFor }
    const ifManual = dice.pick(manual.epoch, manual.epoch, Math.max(0, manual.epoch - 1), manual.epoch + 1)
    const to = dice.pick(...STATES)
    return manualChange(sender, nonce, {
      to,
      openFor,
      policy: this.#policy(),
      reason,
      ifManual,
      actor: dice.pick('', 'code', 'cli:ü'),
    })
  }
}
