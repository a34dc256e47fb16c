import { Health } from '../../../../src/storage/contract/health.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { Dispatch, Job } from '../../../../src/storage/redis/dispatch.ts'
import type { Lane } from '../../../../src/storage/redis/lane.ts'
import type { RedisCommand, RedisPort } from '../../../../src/storage/redis/ports/port.ts'

/** A command that has been sent, whose reply a test gives. */
export interface Sent {
  readonly port: RedisPort
  readonly command: RedisCommand
  readonly answer: (reply: unknown) => void
  readonly fail: (message: string) => void
}

export const soon = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** A dispatch whose connections a test answers by hand. */
export class Stage {
  readonly #clustered: boolean
  sent: Sent[] = []
  readonly replaced: unknown[] = []
  readonly losses: (boolean | undefined)[] = []
  readonlyReplies = 0
  /** How often commands have been sent, however many at once. */
  batches = 0
  /** The renewals of the connection that have begun: whether each succeeds is for the test to say. */
  readonly renewals: ((renewed: boolean) => void)[] = []
  readonly health = new Health(true)
  readonly dispatch: Dispatch
  readonly lane: Pick<Lane, 'port' | 'ready' | 'replace' | 'renew'>

  constructor(clustered = false) {
    this.#clustered = clustered
    this.lane = {
      port: this.#port(),
      ready: () => Promise.resolve((this.lane.port ??= this.#port())),
      renew: () =>
        new Promise((resolve) => {
          this.renewals.push((renewed) => {
            if (renewed) this.lane.port = this.#port()
            resolve(renewed)
          })
        }),
      replace: (port, why, isLost) => {
        if (port !== this.lane.port) return
        this.replaced.push(why)
        this.losses.push(isLost)
        this.lane.port = this.#port()
        this.dispatch.lost(port, why)
      },
    }
    this.dispatch = new Dispatch(this.lane as Lane, this.health, () => this.readonlyReplies++)
  }

  run(count: number): Job[] {
    return Array.from({ length: count }, (_, i) => {
      const token = this.dispatch.token()
      const job = new Job(`key-${i}`, token, [token])
      job.reply.catch(() => {})
      void this.dispatch.start(job)
      return job
    })
  }

  #port(): RedisPort {
    const port: RedisPort = {
      clustered: this.#clustered,
      connect: () => Promise.resolve(),
      send: (commands) => {
        this.batches++
        return commands.map(
          (command) =>
            new Promise((answer, reject) => {
              this.sent.push({ port, command, answer, fail: (message) => reject(new Error(message)) })
            }),
        )
      },
      subscribe: () => Promise.resolve(),
      heartbeat: () => undefined,
      destroy: () => {},
    }
    return port
  }
}

export const replyTo = (job: Job): unknown => [job.token, 'unusable', 'corrupt']
export const tokenOf = ({ command }: Sent): string => command.args[4]!
export const outcome = (job: Job): Promise<StorageReply | string> => job.reply.catch(() => 'lost')

/** Waits for the digest of the script, which comes first. */
export async function sentBy(stage: Stage, count: number): Promise<Job[]> {
  const jobs = stage.run(count)
  while (stage.sent.length < count) await soon()
  return jobs
}
