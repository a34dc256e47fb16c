import type { MonotonicTime } from '../base/clock.ts'
import type { Lease } from '../core/generation/probe.ts'
import type { AcquireCommand, SettleCommand } from '../storage/contract/commands.ts'
import type { AcquireReply, Answered, RecordView, StorageReply } from '../storage/contract/replies.ts'
import { startTimer } from '../base/timer.ts'
import { newNonce } from './identity.ts'
import type { Link } from './link.ts'

/** A breaker that asks for leases. */
export interface LeaseHolder {
  acquireCommand(nonce: string): AcquireCommand
  settleCommand(lease: Lease, outcome: SettleCommand['outcome'], openFor: number): SettleCommand
}

/** What is known of the record whose leases they are. */
interface LeasedRecord {
  readonly name: string
  readonly link: Link
  readonly time: MonotonicTime
  readonly epoch: number
  readonly degraded: boolean
  /** Takes a reply. Whether it could be used. */
  accept(reply: StorageReply): reply is Extract<StorageReply, Answered>
}

/** How long a lease waits for a call before it is given back (F18), and how long the denied wait at most (F19). */
const HOLD_FOR = 1_000
const MAX_TRIES = 4
const MIN_PAUSE = 100
const MAX_PAUSE = 5_000

/** The leases of one process in one fleet: asks for them, keeps those that nobody uses yet, tells how probes ended. */
export class Leases {
  readonly #replica: LeasedRecord
  readonly #held: { readonly lease: Lease; readonly stop: () => void }[] = []
  readonly #waiters = new Set<() => void>()
  #acquiring = false
  #acquireAt = -Infinity
  #epoch = 0
  // Of a question without an answer: whether there is a lease is not known, and asking again finds out.
  #nonce: string | undefined

  constructor(replica: LeasedRecord) {
    this.#replica = replica
  }

  get held(): number {
    return this.#held.length
  }

  /** Milliseconds until asking makes sense. */
  get acquireIn(): number {
    return Math.max(0, this.#acquireAt - this.#replica.time.now())
  }

  /** Takes a lease that is held, for a call that begins now. */
  take(): { readonly lease: Lease; readonly left: number } | undefined {
    this.expire()
    const first = this.#held.shift()
    first?.stop()
    return first && { lease: first.lease, left: first.lease.deadline - this.#replica.time.now() }
  }

  /** Gives up what has ended; the record knows. */
  expire(): void {
    while (this.#held[0] && this.#replica.time.now() >= this.#held[0].lease.deadline)
      this.#held.shift()?.stop()
  }

  /** The record has been heard of: leases of another period are worth nothing. */
  recordChanged(view: RecordView): void {
    for (const each of this.#held.splice(0)) {
      if (view.state === 'half-open' && each.lease.epoch === view.epoch) this.#held.push(each)
      else each.stop()
    }
    const full = view.state === 'half-open' && view.remaining !== 0
    if (!full) this.#acquireAt = -Infinity
    else if (view.epoch !== this.#epoch) this.#postpone(view.remaining)
    this.#epoch = view.epoch
  }

  #postpone(wait: number | null): void {
    const least = Math.min(wait ?? HOLD_FOR, HOLD_FOR)
    this.#acquireAt = this.#replica.time.now() + least * (1 + 0.2 * Math.random())
  }

  /** Resolves when there is a lease, or no hope of one within `deadline` ms; `undefined` if that is certain now. */
  waitFor(holder: LeaseHolder, deadline: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    if (!this.#acquiring && this.acquireIn > 0) return undefined
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(end)
        stopTimer()
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        reject(signal?.reason)
        end()
      }
      const stopTimer = startTimer(deadline, end, false)
      this.#waiters.add(end)
      signal?.addEventListener('abort', abort)
      this.acquire(holder)
    })
  }

  /** Asks, unless that is being done or makes no sense yet. */
  acquire(holder: LeaseHolder): void {
    if (!this.#acquiring && this.acquireIn === 0) void this.#acquire(holder)
  }

  async #acquire(holder: LeaseHolder): Promise<void> {
    const { name, link } = this.#replica
    this.#acquiring = true
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const nonce = (this.#nonce ??= newNonce())
      const command = holder.acquireCommand(nonce)
      const reply = await link.send('acquire', (limits) => link.storage.acquire(name, command, limits))
      if (reply) this.#nonce = undefined
      if (!this.#applyReply(reply, holder, nonce)) break
    }
    this.#acquiring = false
    for (const end of this.#waiters) end()
    if (this.#nonce !== undefined && !this.#replica.degraded) this.#acquireAgain(holder)
  }

  /** There may be a lease that nobody knows of; it must not run out as a failed probe. */
  #acquireAgain(holder: LeaseHolder): void {
    startTimer(MIN_PAUSE, () => this.#nonce !== undefined && this.acquire(holder), false)
  }

  /** Whether to ask once more. */
  #applyReply(reply: AcquireReply | undefined, holder: LeaseHolder, nonce: string): boolean {
    if (!reply || !this.#replica.accept(reply)) return false
    if (reply.type === 'denied') {
      if (reply.why === 'stale' || reply.why === 'ended') return true
      if (reply.why !== 'closed') this.#postpone(reply.wait)
      return false
    }
    if (reply.type !== 'granted') return false
    // It was overtaken by another reply: a lease of a period that is over.
    if (reply.record.epoch !== this.#replica.epoch) return true
    const deadline = this.#replica.time.now() + reply.lease
    this.#hold({ nonce, epoch: reply.record.epoch, deadline }, holder)
    const [first] = this.#waiters
    first?.()
    return this.#waiters.size > 0 && reply.record.remaining === 0
  }

  #hold(lease: Lease, holder: LeaseHolder): void {
    const giveBack = (): void => {
      const at = this.#held.findIndex((each) => each.lease === lease)
      if (at < 0) return
      this.#held.splice(at, 1)
      void this.settle(lease, 'cancel', 0, holder)
    }
    this.#held.push({ lease, stop: startTimer(HOLD_FOR, giveBack, false) })
  }

  /** Gives back all that nobody uses. */
  async cancel(holder: LeaseHolder): Promise<void> {
    const held = this.#held.splice(0)
    held.forEach(({ stop }) => stop())
    await Promise.all(held.map(({ lease }) => this.#send(holder.settleCommand(lease, 'cancel', 0))))
  }

  /** Tells how a probe ended, until that is heard or the lease has ended (F18). */
  async settle(
    lease: Lease,
    outcome: SettleCommand['outcome'],
    openFor: number,
    holder: LeaseHolder,
  ): Promise<void> {
    for (let pause = MIN_PAUSE; ; pause = Math.min(MAX_PAUSE, pause * 2)) {
      if (await this.#send(holder.settleCommand(lease, outcome, openFor))) return
      if (this.#replica.time.now() >= lease.deadline) return
      await new Promise<void>((resolve) => void startTimer(pause, resolve, false))
    }
  }

  async #send(command: SettleCommand): Promise<boolean> {
    const { name, link } = this.#replica
    const reply = await link.send('settle', (limits) => link.storage.settle(name, command, limits))
    if (!reply) return false
    this.#replica.accept(reply)
    return true
  }
}
