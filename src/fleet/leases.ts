import type { MonotonicTime } from '../base/clock.ts'
import type { Lease } from '../core/generation/probe.ts'
import type { AcquireCommand, SettleCommand } from '../storage/contract/commands.ts'
import type { AcquireReply, Answered, RecordView, StorageReply } from '../storage/contract/replies.ts'
import { startTimer } from '../base/timer.ts'
import { newNonce } from './identity.ts'
import type { Link } from './link.ts'

/** A breaker that acquires and settles leases. */
export interface LeaseHolder {
  acquireCommand(nonce: string): AcquireCommand
  settleCommand(lease: Lease, outcome: SettleCommand['outcome'], openFor: number): SettleCommand
}

/** The subset of `Replica` that `Leases` uses. */
interface LeasedRecord {
  readonly name: string
  readonly link: Link
  readonly time: MonotonicTime
  readonly epoch: number
  readonly degraded: boolean
  /** Takes over the record of a reply. Returns whether the record is usable. */
  accept(reply: StorageReply): reply is Extract<StorageReply, Answered>
}

/** Milliseconds that a lease is held for a call (F18), and the longest wait after a denial, before jitter (F19). */
const HOLD_FOR = 1_000
const MAX_TRIES = 4
const MIN_PAUSE = 100
const MAX_PAUSE = 5_000

/** The leases of one process in one fleet: acquires them, holds those that no call uses yet, and settles them. */
export class Leases {
  readonly #replica: LeasedRecord
  readonly #held: { readonly lease: Lease; readonly stop: () => void }[] = []
  readonly #waiters = new Set<() => void>()
  #acquiring = false
  #acquireAt = -Infinity
  #epoch = 0
  // The nonce of an acquire without a reply. It may have been granted, which repeating it finds out (F18).
  #nonce: string | undefined

  constructor(replica: LeasedRecord) {
    this.#replica = replica
  }

  /** The number of leases that no call uses yet. */
  get held(): number {
    return this.#held.length
  }

  /** Milliseconds until the next acquire may be sent. */
  get acquireIn(): number {
    return Math.max(0, this.#acquireAt - this.#replica.time.now())
  }

  /** Takes a held lease for a call that starts now, with the milliseconds that remain of it. */
  take(): { readonly lease: Lease; readonly left: number } | undefined {
    this.expire()
    const first = this.#held.shift()
    first?.stop()
    return first && { lease: first.lease, left: first.lease.deadline - this.#replica.time.now() }
  }

  /** Discards the leases that have ended. They need not be settled: the record expires them by itself (F17). */
  expire(): void {
    while (this.#held[0] && this.#replica.time.now() >= this.#held[0].lease.deadline)
      this.#held.shift()?.stop()
  }

  /** Discards the leases of other periods, and works out when the next acquire may be sent. */
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
    const delay = Math.min(wait ?? HOLD_FOR, HOLD_FOR)
    this.#acquireAt = this.#replica.time.now() + delay * (1 + 0.2 * Math.random())
  }

  /**
   * Resolves when a lease is held or cannot be had now, at the latest after `deadline` milliseconds. Rejects with the
   * signal's reason when the signal aborts. Returns `undefined` if it is too early to acquire a lease.
   */
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

  /** Acquires a lease, unless an acquire is in flight or it is too early for one. */
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

  /** Repeats an acquire whose reply was lost: if it was granted, the unused lease would expire as a failed probe. */
  #acquireAgain(holder: LeaseHolder): void {
    startTimer(MIN_PAUSE, () => this.#nonce !== undefined && this.acquire(holder), false)
  }

  /** Returns whether to send another acquire. */
  #applyReply(reply: AcquireReply | undefined, holder: LeaseHolder, nonce: string): boolean {
    if (!reply || !this.#replica.accept(reply)) return false
    if (reply.type === 'denied') {
      if (reply.why === 'stale' || reply.why === 'ended') return true
      if (reply.why !== 'closed') this.#postpone(reply.wait)
      return false
    }
    if (reply.type !== 'granted') return false
    // A newer reply arrived first: the lease belongs to a period that has ended.
    if (reply.record.epoch !== this.#replica.epoch) return true
    const deadline = this.#replica.time.now() + reply.lease
    this.#hold({ nonce, epoch: reply.record.epoch, deadline }, holder)
    const [first] = this.#waiters
    first?.()
    return this.#waiters.size > 0 && reply.record.remaining === 0
  }

  #hold(lease: Lease, holder: LeaseHolder): void {
    const giveBack = (): void => {
      const index = this.#held.findIndex((each) => each.lease === lease)
      if (index < 0) return
      this.#held.splice(index, 1)
      void this.settle(lease, 'cancel', 0, holder)
    }
    this.#held.push({ lease, stop: startTimer(HOLD_FOR, giveBack, false) })
  }

  /** Gives back all held leases. */
  async cancel(holder: LeaseHolder): Promise<void> {
    const held = this.#held.splice(0)
    held.forEach(({ stop }) => stop())
    await Promise.all(held.map(({ lease }) => this.#send(holder.settleCommand(lease, 'cancel', 0))))
  }

  /** Reports the outcome of a probe, and retries until the store replies or the lease has ended (F18). */
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
