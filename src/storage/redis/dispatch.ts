import { onMicrotask } from '../../base/microtask.ts'
import { systemClock } from '../../base/clock.ts'
import { StorageUnavailableError } from '../contract/errors.ts'
import { FailureRun, MOST_MISSED, type Health } from '../contract/health.ts'
import type { StorageReply } from '../contract/replies.ts'
import { kindOf, MisfitsError, toRefusal, unavailable } from './failure.ts'
import type { Lane } from './lane.ts'
import { sha1 } from './names.ts'
import type { RedisPort } from './ports/port.ts'
import { fromReply, isReplyTo } from './protocol.ts'
import { SCRIPT } from './script.ts'

/** One run of the script. */
export class Job {
  readonly key: string
  /** The first argument, which the reply has to echo (F22b). */
  readonly token: string
  readonly args: readonly string[]
  readonly reply: Promise<StorageReply>
  resolve!: (reply: StorageReply) => void
  reject!: (error: unknown) => void
  /** The caller no longer waits for the reply. */
  abandoned = false
  /** Answered, refused, or lost with its connection. */
  done = false
  port: RedisPort | undefined
  /** When it was sent last. Jobs that were sent together have the same time. */
  sentAt = 0
  attempts = 0

  constructor(key: string, token: string, args: readonly string[]) {
    this.key = key
    this.token = token
    this.args = args
    this.reply = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

const MOST_ATTEMPTS = 3
/** Does nothing but echo a token, to find out whether the replies are still in their places. */
const ECHO = 'return ARGV[1]'
/** In lower case, because one of the clients finds the key only in lower-case commands. */
export const evaluate = (script: string, key: string, args: readonly string[]): string[] => [
  'eval',
  script,
  '1',
  key,
  ...args,
]

/** Sends runs of the script, those of one tick together, and replaces the connection when they fail. */
export class Dispatch {
  readonly #lane: Lane
  readonly #health: Health
  /** Called when the server accepts no writes. */
  readonly #onReadonly: () => void
  readonly #instance = [...crypto.getRandomValues(new Uint32Array(2))].map((n) => n.toString(36)).join('')
  #tokens = 0
  #digest: Promise<string> | undefined
  #sha = ''
  #fresh: Job[] = []
  /** Jobs to send again because the server did not have the script. */
  #again: Job[] = []
  #scheduled = false
  readonly #unanswered = new Set<Job>()
  readonly #failures = new Map<string, FailureRun>()
  #answers = 0
  // The connection on which a reply has fitted its command, and the connections in a row on which none has.
  #fitting: RedisPort | undefined
  #misfits = 0

  constructor(lane: Lane, health: Health, onReadonly: () => void) {
    this.#lane = lane
    this.#health = health
    this.#onReadonly = onReadonly
  }

  /** Returns a token that no other command of any storage has. */
  token(): string {
    return `${this.#instance}.${(++this.#tokens).toString(36)}`
  }

  /** Whether a caller waits for the reply to a command that has been sent. */
  get isPending(): boolean {
    for (const job of this.#unanswered) if (!job.abandoned) return true
    return false
  }

  async start(job: Job): Promise<void> {
    try {
      this.#sha ||= await (this.#digest ??= sha1(SCRIPT))
      if (!this.#lane.port) await this.#lane.ready()
      this.#fresh.push(job)
      this.#schedule()
    } catch (error) {
      this.#end(job, () => job.reject(error))
    }
  }

  /** Marks a job that its caller no longer waits for. A missed deadline counts against the connection. */
  abandon(job: Job, missed: boolean): void {
    job.abandoned = true
    if (missed && !job.done)
      this.#miss(job, new StorageUnavailableError('several deadlines were missed in a row'))
  }

  /** Rejects the jobs that a connection has not answered, because it has been closed. */
  lost(port: RedisPort, error: unknown): void {
    if (!port.clustered) this.#failures.clear()
    for (const job of this.#unanswered) if (job.port === port) this.#end(job, () => job.reject(error))
  }

  /** Replaces a connection whose replies are out of place, so that none of them can be trusted (F22b). */
  #distrust(port: RedisPort): void {
    if (port === this.#lane.port) this.#lane.replace(port, this.misfit(port))
  }

  /** Counts a connection with a reply that does not fit. Returns the error: a lasting one after two that never had one. */
  misfit(port: RedisPort): Error {
    if (this.#fitting !== port) this.#misfits++
    return new MisfitsError(this.#misfits > 1)
  }

  #fits(port: RedisPort): void {
    if (this.#fitting === port) return
    this.#fitting = port
    this.#misfits = 0
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // After the microtasks of this tick, so that jobs that they start are in the same batch.
    onMicrotask(() => onMicrotask(() => this.#flush()))
  }

  #flush(): void {
    const [fresh, again] = [this.#fresh, this.#again].map((jobs) => jobs.filter((job) => !job.abandoned))
    this.#fresh = []
    this.#again = []
    this.#scheduled = false
    const { port } = this.#lane
    if (!port) for (const job of [...again!, ...fresh!]) void this.start(job)
    else {
      // The first job carries the script, and those after it find it loaded. A job that does not find it carries it on
      // its next attempt.
      this.#send(port, again!, (job, i) => i === 0 || job.attempts > 1)
      this.#send(port, fresh!, () => false)
    }
  }

  #send(port: RedisPort, jobs: readonly Job[], bringsScript: (job: Job, index: number) => boolean): void {
    if (jobs.length === 0) return
    const sentAt = systemClock.now()
    const commands = jobs.map((job, i) => {
      const { key, args } = job
      const brings = bringsScript(job, i)
      Object.assign(job, { port, sentAt, attempts: job.attempts + 1 })
      this.#unanswered.add(job)
      return { key, args: brings ? evaluate(SCRIPT, key, args) : ['evalsha', this.#sha, '1', key, ...args] }
    })
    port.send(commands).forEach((answer, i) => {
      const job = jobs[i]!
      answer.then(
        (given) => this.#answered(job, port, given),
        (error: unknown) => this.#failed(job, port, error),
      )
    })
  }

  #answered(job: Job, port: RedisPort, given: unknown): void {
    if (job.done) return
    if (!isReplyTo(given, job.token)) return this.#distrust(port)
    this.#answers++
    this.#fits(port)
    // A late reply shows that the connection works, but too slowly.
    if (!job.abandoned) {
      this.#failures.get(trackOf(job, port))?.end(job.sentAt)
      this.#health.answered(job.sentAt)
    }
    this.#end(job, () => job.resolve(fromReply(given, job.token)))
  }

  #failed(job: Job, port: RedisPort, error: unknown): void {
    if (job.done) return
    if (toRefusal(error)) return void this.#verify(job, port, error)
    const kind = kindOf(error)
    this.#end(job, () => job.reject(unavailable(error)))
    if (kind === 'busy' || port.clustered) this.#miss(job, error, kind !== 'busy')
    // Whether it refuses us, a new connection shows: this error may belong to another command (F22b).
    else this.#lane.replace(port, error, false)
  }

  /**
   * Attributes an error of the server to its command. An error carries no token, so it may belong to another one: the
   * next reply has to be in its place first (F22b).
   */
  async #verify(job: Job, port: RedisPort, error: unknown): Promise<void> {
    const { key } = job
    const token = this.token()
    const [echo] = port.send([{ key, args: evaluate(ECHO, key, [token]) }])
    try {
      if ((await echo) !== token) return this.#distrust(port)
    } catch (second) {
      // Whoever may not do this may do nothing.
      if (kindOf(second) !== kindOf(error)) return this.#failed(job, port, second)
    }
    if (job.done) return
    const kind = kindOf(error)
    if (kind === 'script' && job.attempts < MOST_ATTEMPTS && !job.abandoned) {
      this.#again.push(job)
      return this.#schedule()
    }
    this.#fits(port)
    this.#failures.get(trackOf(job, port))?.end(job.sentAt)
    this.#end(job, () => job.resolve(toRefusal(error)!))
    if (kind === 'readonly') this.#onReadonly()
  }

  #miss(job: Job, why: unknown, fatal = false): void {
    const { port, sentAt } = job
    if (!port || port !== this.#lane.port) return
    const track = trackOf(job, port)
    const run = this.#failures.get(track) ?? new FailureRun()
    this.#failures.set(track, run)
    if (fatal) run.length = MOST_MISSED
    if (run.add(sentAt) < MOST_MISSED) return
    // One more failure on the next connection will do.
    run.length = MOST_MISSED - 1
    if (port.clustered) void this.#renew(port, why)
    else this.#lane.replace(port, why, true)
  }

  /**
   * Renews the connection to a cluster in which one node seems to have failed. If that fails, and no other node has
   * answered meanwhile, the whole cluster counts as lost.
   */
  async #renew(port: RedisPort, why: unknown): Promise<void> {
    const answers = this.#answers
    const renewed = await this.#lane.renew()
    if (!renewed && this.#answers === answers) this.#lane.replace(port, why, true)
  }

  #end(job: Job, complete: () => void): void {
    job.done = true
    this.#unanswered.delete(job)
    complete()
  }
}

/** Returns the key by which failures are counted: in a cluster per record, because one node may fail alone. */
const trackOf = (job: Job, port: RedisPort): string => (port.clustered ? job.key : '')
