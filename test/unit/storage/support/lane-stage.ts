import { install } from '@sinonjs/fake-timers'
import { Lane } from '../../../../src/storage/redis/lane.ts'
import type { RedisPort } from '../../../../src/storage/redis/ports/port.ts'

/** How a server treats new connections. */
export type Manner = 'accepts' | 'refuses' | 'hangs' | 'rejects the login' | 'denies'

/** A lane to a server of a test, in virtual time. */
export class Stage {
  manner: Manner = 'accepts'
  isNeeded = true
  readonly attempts: number[] = []
  readonly opened: RedisPort[] = []
  /** For each of them, whether commands have been lost or rejected for want of it. */
  readonly missed: boolean[] = []
  readonly lost: string[] = []
  readonly gone: RedisPort[] = []
  whenGone = (): void => {}
  readonly lane: Lane
  readonly #timers = install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  readonly #ends = new Map<RedisPort, (error: unknown) => void>()
  readonly #hanging: { readonly accept: () => void; readonly reject: (error: Error) => void }[] = []
  readonly #alive = new Set<RedisPort>()
  /** Makes a connection ready for use. */
  prepare: (port: RedisPort) => Promise<void> = () => Promise.resolve()

  constructor() {
    this.lane = new Lane({
      connectDeadline: 5_000,
      open: (ended) => this.#open(ended),
      prepare: (port) => this.prepare(port),
      isNeeded: () => this.isNeeded,
      onOpen: (port, wasMissed) => {
        this.opened.push(port)
        this.missed.push(wasMissed)
      },
      onLost: (error) => void this.lost.push(error.message),
      onGone: (port) => {
        this.gone.push(port)
        this.whenGone()
      },
    })
  }

  static async play(body: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage()
    try {
      await body(stage)
    } finally {
      stage.lane.close()
      stage.#timers.uninstall()
    }
  }

  async pass(duration: number): Promise<void> {
    for (let left = duration; left > 0; left -= 10) {
      this.#timers.tick(10)
      await new Promise((resolve) => void setImmediate(resolve))
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }

  /** The connections that have not been closed. */
  get alive(): RedisPort[] {
    return [...this.#alive]
  }

  get timers(): number {
    return this.#timers.countTimers()
  }

  /** The server closes a connection. */
  end(port: RedisPort = this.lane.port!, error: Error = new Error('the connection was closed')): void {
    this.#ends.get(port)!(error)
  }

  /** Opens the connection. */
  async start(): Promise<RedisPort> {
    const [port] = await Promise.all([this.lane.ready(), this.pass(10)])
    return port
  }

  /** Connections that hang are accepted. */
  thaw(): void {
    this.manner = 'accepts'
    for (const { accept } of this.#hanging.splice(0)) accept()
  }

  /** Connections that hang are refused. */
  refuse(error: Error): void {
    for (const { reject } of this.#hanging.splice(0)) reject(error)
  }

  #open(ended: (error: unknown) => void): RedisPort {
    this.attempts.push(performance.now())
    const port: RedisPort = {
      clustered: false,
      connect: () => this.#connect(),
      send: () => [],
      subscribe: () => Promise.resolve(),
      heartbeat: () => undefined,
      destroy: () => void this.#alive.delete(port),
    }
    this.#alive.add(port)
    this.#ends.set(port, ended)
    return port
  }

  #connect(): Promise<void> {
    if (this.manner === 'refuses') return Promise.reject(new Error('connect ECONNREFUSED'))
    if (this.manner === 'rejects the login') return Promise.reject(new Error('WRONGPASS no'))
    if (this.manner === 'denies') return Promise.reject(new Error('NOPERM no'))
    if (this.manner === 'hangs')
      return new Promise((accept, reject) => void this.#hanging.push({ accept, reject }))
    return Promise.resolve()
  }
}
