import { onMicrotask } from '../../base/microtask.ts'
import { StorageUnavailableError } from '../contract/errors.ts'
import { kindOf, type Failure } from './failure.ts'
import type { Lane } from './lane.ts'
import { digest } from './names.ts'
import type { RedisPort } from './ports/port.ts'
import { SCRIPT } from './script.ts'

/** One run of the script. */
export class Job {
  readonly key: string
  readonly args: readonly string[]
  readonly answer: Promise<unknown>
  resolve!: (answer: unknown) => void
  reject!: (error: unknown) => void
  /** Called with an answer that arrives after its connection has been replaced. */
  readonly onLateAnswer: (answer: unknown) => void
  /** The caller no longer waits for the answer. */
  abandoned = false
  /** Answered, refused, or lost with its connection. */
  done = false
  port: RedisPort | undefined
  /** Jobs that were sent together have the same number. */
  batch = 0
  attempts = 0

  constructor(key: string, args: readonly string[], onLateAnswer: (answer: unknown) => void = () => {}) {
    this.key = key
    this.args = args
    this.onLateAnswer = onLateAnswer
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** Deadlines missed in a row, at most one per batch, after which a connection is given up (F27). */
const MOST_MISSED = 3
const MOST_ATTEMPTS = 3

/** Failures which mean that the connection leads to the wrong server, or to none. */
const FATAL: ReadonlySet<Failure> = new Set<Failure>(['lost', 'stale', 'credentials'])

/** Sends runs of the script, those of one tick together, and replaces the connection when they fail. */
export class Dispatch {
  readonly #lane: Lane
  #digest: Promise<string> | undefined
  #sha = ''
  #fresh: Job[] = []
  /** Jobs to send again because the server did not have the script. */
  #again: Job[] = []
  #scheduled = false
  readonly #unanswered = new Set<Job>()
  readonly #missed = new Map<string, { times: number; batch: number }>()
  #batches = 0
  #answers = 0

  constructor(lane: Lane) {
    this.#lane = lane
  }

  async start(job: Job): Promise<void> {
    try {
      this.#sha ||= await (this.#digest ??= digest('SHA-1', SCRIPT))
      await this.#lane.ready()
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

  /** Replaces a connection that gave a job an impossible answer: no other answer of it can be trusted. */
  distrust(job: Job, why: unknown): void {
    if (job.port) this.#lane.replace(job.port, why)
  }

  /** Rejects the jobs that a connection has not answered, because it is no longer in use. */
  lost(port: RedisPort, error: unknown): void {
    for (const [track, missed] of this.#missed) {
      // A cluster node that did not answer may not answer the new connection either: then one more miss is enough.
      if (port.clustered && missed.times >= MOST_MISSED) missed.times = MOST_MISSED - 1
      else this.#missed.delete(track)
    }
    for (const job of this.#unanswered) if (job.port === port) this.#end(job, () => job.reject(error))
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
    const batch = ++this.#batches
    const commands = jobs.map((job, i) => {
      const { key, args } = job
      // In lower case, because one of the clients finds the key only in lower-case commands.
      const run = bringsScript(job, i) ? ['eval', SCRIPT] : ['evalsha', this.#sha]
      return { key, args: [...run, '1', key, ...args] }
    })
    for (const job of jobs) {
      Object.assign(job, { port, batch, attempts: job.attempts + 1 })
      this.#unanswered.add(job)
    }
    port.send(commands).forEach((answer, i) => {
      const job = jobs[i]!
      answer.then(
        (given) => this.#answered(job, port, given),
        (error: unknown) => this.#failed(job, port, error),
      )
    })
  }

  #answered(job: Job, port: RedisPort, answer: unknown): void {
    if (job.done) return job.onLateAnswer(answer)
    this.#answers++
    // A late answer proves nothing: after a lost reply, the client takes each reply for that of the command before.
    if (!job.abandoned) this.#missed.delete(trackOf(job, port))
    this.#end(job, () => job.resolve(answer))
  }

  #failed(job: Job, port: RedisPort, error: unknown): void {
    if (job.done) return
    const kind = kindOf(error)
    if (kind === 'script' && job.attempts < MOST_ATTEMPTS && !job.abandoned) {
      this.#again.push(job)
      return this.#schedule()
    }
    this.#end(job, () => job.reject(error))
    const fatal = FATAL.has(kind)
    if (kind === 'busy' || (fatal && port.clustered)) this.#miss(job, error, fatal)
    else if (fatal) this.#lane.replace(port, error)
  }

  #miss(job: Job, why: unknown, fatal = false): void {
    const { port, batch } = job
    if (!port || port !== this.#lane.port) return
    const track = trackOf(job, port)
    const missed = this.#missed.get(track) ?? { times: 0, batch: 0 }
    if (missed.batch === batch) return
    missed.times = fatal ? MOST_MISSED : missed.times + 1
    missed.batch = batch
    this.#missed.set(track, missed)
    if (missed.times < MOST_MISSED) return
    if (port.clustered) void this.#renew(track, port, why)
    else this.#lane.replace(port, why, true)
  }

  /**
   * Renews the connection to a cluster in which one node seems to have failed. If that fails, and no other node has
   * answered meanwhile, the whole cluster counts as lost.
   */
  async #renew(track: string, port: RedisPort, why: unknown): Promise<void> {
    const answers = this.#answers
    const renewed = await this.#lane.renew(port, why, () => this.#missed.has(track))
    if (!renewed && this.#answers === answers) this.#lane.replace(port, why, true)
  }

  #end(job: Job, complete: () => void): void {
    job.done = true
    this.#unanswered.delete(job)
    complete()
  }
}

/** Returns the key by which misses are counted: in a cluster per record, because one node may fail alone. */
const trackOf = (job: Job, port: RedisPort): string => (port.clustered ? job.key : '')
