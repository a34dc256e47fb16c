import type { MonotonicTime } from '../base/clock.ts'
import type { Lease } from '../core/generation/probe.ts'
import type { AcquireCommand, ProbePolicy, SettleCommand } from '../storage/contract/commands.ts'
import type { AcquireReply, Answered, RecordView, StorageReply } from '../storage/contract/replies.ts'
import { startTimer } from '../base/timer.ts'
import { DAY } from '../storage/contract/limits.ts'
import { newNonce } from './identity.ts'
import type { Link } from './link.ts'

/** A breaker that acquires and settles leases. */
export interface LeaseHolder {
  readonly policy: ProbePolicy
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

/** A call that waits for a lease. */
export interface Waiting {
  /** Resolves when a lease is held or cannot be had now. */
  readonly answer: Promise<void>
  /** Ends the wait. */
  readonly leave: () => void
}

/** Milliseconds that a lease is held for a call (F18), and the longest wait after a denial, before jitter (F19). */
const HOLD_FOR = 1_000
const MAX_TRIES = 4
const NONE: readonly never[] = []
const MIN_PAUSE = 100
const MAX_PAUSE = 5_000

/** A lease from its first acquire to the reply to its settle, unless its time or its period ends before. */
class OwnLease implements Lease {
  /** `asked` until the store has granted it, `held` until a call uses it, `settling` until the store has the outcome. */
  state: 'asked' | 'held' | 'used' | 'settling' = 'asked'
  nonce: string = newNonce()
  /** The epoch of its period; while it is asked for, the epoch that was known then. */
  epoch: number
  deadline: number
  /** The breaker that asked for it, then the one that uses it. */
  holder: LeaseHolder
  outcome: SettleCommand['outcome'] = 'cancel'
  openFor = 0
  /** The command in flight. Without one, an asked or settling lease has a timer that repeats the command. */
  sending: Promise<void> | undefined
  tries = 0
  /** The most milliseconds that it is held. */
  holdFor: number = HOLD_FOR
  pause: number = MIN_PAUSE
  stopTimer = (): void => {}

  constructor(holder: LeaseHolder, epoch: number, deadline: number) {
    this.holder = holder
    this.epoch = epoch
    this.deadline = deadline
  }
}

/**
 * The leases of one process in one fleet. Each that the store may have granted is used by a call, or given back before
 * it expires: an acquire is repeated until it is answered (F18). No more calls wait than acquires are in flight (F20b).
 */
export class Leases {
  readonly #replica: LeasedRecord
  // Replaced, never changed, so that it may be changed while it is iterated.
  #leases: readonly OwnLease[] = NONE
  // Ends the waits; the call that has waited longest is the first.
  #waiting: readonly (() => void)[] = NONE
  // `-Infinity` unless the record is known to have no place.
  #acquireAt = -Infinity

  constructor(replica: LeasedRecord) {
    this.#replica = replica
  }

  /** The number of leases that no call uses yet. */
  get held(): number {
    return this.#in('held').length
  }

  /** Milliseconds until a call of the breaker may wait for a lease. */
  acquireIn(holder: LeaseHolder): number {
    if (this.#waiting.length < this.#inFlight) return 0
    return Math.max(this.#hasPlace(holder) ? 0 : HOLD_FOR, this.#acquireAt - this.#replica.time.now())
  }

  /** Takes a held lease for a call that starts now, with the milliseconds that remain of it. */
  take(holder: LeaseHolder): { readonly lease: Lease; readonly left: number } | undefined {
    this.expire()
    const [lease] = this.#in('held')
    if (!lease) return undefined
    lease.stopTimer()
    lease.state = 'used'
    lease.holder = holder
    return { lease, left: lease.deadline - this.#replica.time.now() }
  }

  /** Forgets the leases that have ended. They need not be settled: the record expires them by itself (F17). */
  expire(): void {
    const now = this.#replica.time.now()
    for (const lease of this.#leases) if (now >= lease.deadline) this.#forget(lease)
  }

  /** Forgets the leases of other periods, and works out when the next acquire may be sent. */
  recordChanged({ state, epoch, remaining }: RecordView): void {
    const probing = state === 'half-open'
    for (const lease of this.#leases) {
      // The period of a lost acquire is not known: it may have begun one.
      const isOver =
        lease.state === 'asked' ? !probing && epoch > lease.epoch : !probing || epoch !== lease.epoch
      if (isOver && !(lease.state === 'asked' && lease.sending)) this.#forget(lease)
    }
    if (!probing || remaining === 0) this.#acquireAt = -Infinity
    else if (this.#acquireAt === -Infinity) this.#postpone(remaining)
  }

  /** Waits for a lease; returns `undefined` if there is no place for one more call to wait for (F20b). */
  wait(holder: LeaseHolder): Waiting | undefined {
    this.expire()
    if (this.acquireIn(holder) > 0) return undefined
    if (this.#waiting.length >= this.#inFlight) this.#ask(holder)
    let leave = (): void => {}
    const answer = new Promise<void>((resolve) => {
      leave = () => {
        this.#waiting = this.#waiting.filter((each) => each !== leave)
        resolve()
      }
    })
    this.#waiting = [...this.#waiting, leave]
    return { answer, leave }
  }

  /** Acquires a lease for a later call, unless one is held or asked for, or cannot be had now. */
  acquire(holder: LeaseHolder): void {
    this.expire()
    if (this.#in('asked', 'held').length === 0 && !this.#replica.degraded && this.acquireIn(holder) === 0)
      this.#ask(holder)
  }

  /** Sends what has not been answered again, because the link can be used. */
  resume(): void {
    for (const lease of this.#in('asked', 'settling')) this.#send(lease)
  }

  /** Reports the outcome of a probe, until the store replies or the lease has ended (F18). */
  settle(given: Lease, outcome: SettleCommand['outcome'], openFor: number): void {
    const lease = given as OwnLease
    if (!this.#leases.includes(lease)) return
    lease.stopTimer()
    Object.assign(lease, { state: 'settling', outcome, openFor, pause: MIN_PAUSE })
    this.#send(lease)
  }

  /** Gives back the leases of a breaker's calls in flight: their results will be late. */
  giveBack(holder: LeaseHolder): void {
    for (const lease of this.#in('used')) if (lease.holder === holder) this.settle(lease, 'cancel', 0)
  }

  /** Gives back all leases that no call uses, and with `all` those that are still asked for. Resolves when it is sent. */
  async flush(all: boolean): Promise<void> {
    this.resume()
    for (const lease of this.#in('asked')) lease.holdFor = 0
    for (const lease of this.#in('held')) this.settle(lease, 'cancel', 0)
    if (all) for (const { sending } of this.#in('asked')) await sending
    for (const { sending } of this.#in('settling')) await sending
  }

  #in(...states: readonly OwnLease['state'][]): readonly OwnLease[] {
    return this.#leases.filter(({ state }) => states.includes(state))
  }

  /** The number of acquires in flight. */
  get #inFlight(): number {
    return this.#in('asked').filter(({ sending }) => sending !== undefined).length
  }

  /** Whether one more lease may be granted. One whose outcome is on its way is free when an acquire arrives. */
  #hasPlace({ policy }: LeaseHolder): boolean {
    return this.#in('asked', 'held', 'used').length < policy.concurrent
  }

  #postpone(wait: number | null): void {
    const delay = Math.min(wait ?? HOLD_FOR, HOLD_FOR)
    this.#acquireAt = this.#replica.time.now() + delay * (1 + 0.2 * Math.random())
  }

  #ask(holder: LeaseHolder): void {
    const { epoch, time } = this.#replica
    // After a day, the record of a period has expired (F15).
    const lease = new OwnLease(holder, epoch, time.now() + DAY)
    this.#leases = [...this.#leases, lease]
    this.#send(lease)
  }

  /** Sends the next command of a lease, unless it is in flight. Does not ask for one while the link is down. */
  #send(lease: OwnLease): void {
    this.expire()
    if (!this.#leases.includes(lease) || lease.sending) return
    lease.stopTimer()
    const { degraded, link } = this.#replica
    if (lease.state === 'asked' && degraded && !link.mayRetry) return this.#sendLater(lease)
    // Not at once, because the user code that a command needs may call the breaker.
    lease.sending = Promise.resolve().then(() =>
      lease.state === 'asked' ? this.#acquire(lease) : this.#settle(lease),
    )
  }

  #sendLater(lease: OwnLease): void {
    lease.stopTimer = startTimer(lease.pause, () => this.#send(lease), false)
    lease.pause = Math.min(MAX_PAUSE, lease.pause * 2)
  }

  async #acquire(lease: OwnLease): Promise<void> {
    const { name, link, time } = this.#replica
    const sentAt = time.now()
    const command = lease.holder.acquireCommand(lease.nonce)
    const reply = await link.send('acquire', (limits) => link.storage.acquire(name, command, limits))
    if (reply) this.#applyReply(reply, lease, sentAt)
    else {
      lease.sending = undefined
      this.#sendLater(lease)
    }
    this.#endWaits(this.#inFlight)
  }

  #applyReply(reply: AcquireReply, lease: OwnLease, sentAt: number): void {
    const isUsable = this.#replica.accept(reply)
    lease.sending = undefined // not before: members that learn of the record may resume
    const { time, epoch } = this.#replica
    if (isUsable && reply.type === 'granted' && reply.record.epoch === epoch) {
      const now = time.now()
      Object.assign(lease, { state: 'held', epoch, deadline: now + reply.lease })
      // Half of the time that is certainly left is enough to give it back.
      const left = Math.min(lease.holdFor, (reply.lease - (now - sentAt)) / 2)
      const cancel = (): void => this.settle(lease, 'cancel', 0)
      if (left <= 0 && this.#waiting.length === 0) return cancel()
      lease.stopTimer = startTimer(Math.max(0, left), cancel, false)
      return this.#endWaits(this.#waiting.length - 1)
    }
    // The process knew an older state, or a newer reply arrived first: the acquire may succeed now.
    const wasLate = isUsable && (reply.type === 'granted' || reply.why === 'stale' || reply.why === 'ended')
    if (isUsable && !wasLate && reply.type === 'denied' && reply.why !== 'closed') this.#postpone(reply.wait)
    if (wasLate && this.#waiting.length > this.#inFlight && ++lease.tries < MAX_TRIES) {
      lease.nonce = newNonce()
      this.#send(lease)
    } else this.#forget(lease)
  }

  async #settle(lease: OwnLease): Promise<void> {
    const { name, link } = this.#replica
    const command = lease.holder.settleCommand(lease, lease.outcome, lease.openFor)
    const reply = await link.send('settle', (limits) => link.storage.settle(name, command, limits))
    lease.sending = undefined
    if (!reply) return this.#sendLater(lease)
    this.#forget(lease)
    this.#replica.accept(reply)
  }

  /** Lets the calls that have waited longest go on, so that only `most` still wait. */
  #endWaits(most: number): void {
    for (const leave of this.#waiting.slice(0, Math.max(0, this.#waiting.length - most))) leave()
  }

  #forget(lease: OwnLease): void {
    lease.stopTimer()
    this.#leases = this.#leases.filter((each) => each !== lease)
  }
}
