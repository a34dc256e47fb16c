import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { freePort } from '../../../helpers/free-port.ts'
import { launch, type Launch, type RedisServer } from './redis-server.ts'
import { connect, type Client } from './script-storage.ts'

/** A Redis server that can be killed and restarted at its port, with its saved data or empty. */
export class MortalServer {
  readonly port: number
  readonly #dir = mkdtempSync(join(tmpdir(), 'recloser-data-'))
  readonly #launch: Launch
  #server: RedisServer | undefined

  private constructor(port: number, how: Launch) {
    this.port = port
    this.#launch = how
  }

  static async start(how: Launch = {}): Promise<MortalServer> {
    const server = new MortalServer(await freePort(55_000), how)
    await server.comeBack('empty')
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Does something on a connection of its own, unaffected by faults of the fleet's connections. */
  async as<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await connect(this.url)
    try {
      return await work(client)
    } finally {
      client.destroy()
    }
  }

  /** Saves the current data for a later `comeBack`. */
  async save(): Promise<void> {
    await this.as((client) => client.sendCommand(['SAVE']))
  }

  /** kill -9. */
  async die(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.stop()
  }

  async comeBack(having: 'empty' | 'saved', ...options: string[]): Promise<void> {
    if (having === 'empty') rmSync(join(this.#dir, 'dump.rdb'), { force: true })
    this.#server = await launch(this.port, ['--dir', this.#dir, ...options], this.#launch)
  }

  freeze(): void {
    process.kill(this.#server!.pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.#server!.pid, 'SIGCONT')
  }

  async end(): Promise<void> {
    await this.die()
    rmSync(this.#dir, { recursive: true })
  }
}
