import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createDashboard, type DashboardOptions } from '../../../src/dashboard/server/index.ts'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { root } from './pack.ts'

const COMMAND = join(root, 'dist/cli/index.js')

/** A `recloser` that runs in a process of its own. */
export class Running {
  readonly child: ChildProcess
  out = ''
  err = ''
  readonly #ended: Promise<unknown[]>

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, ...ours } = process.env
    this.child = spawn(process.execPath, [COMMAND, ...args], { env: { ...ours, ...env } })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text))
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.err += text))
    this.#ended = once(this.child, 'close')
  }

  /** Resolves once it has written that. */
  async until(pattern: RegExp, stream: 'out' | 'err' = 'out'): Promise<void> {
    const end = Date.now() + 60_000
    while (!pattern.test(this[stream])) {
      if (Date.now() > end || this.child.exitCode !== null) {
        throw new Error(`${String(pattern)} was not written.\nstdout: ${this.out}\nstderr: ${this.err}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Its exit code, or the signal that ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | string> {
    if (signal !== undefined) this.child.kill(signal)
    const [code, by] = (await this.#ended) as [number | null, string | null]
    return code ?? by ?? 'neither'
  }
}

export interface Ended {
  readonly code: number | string
  readonly out: string
  readonly err: string
}

/** Runs a command to its end. */
export async function recloser(...args: readonly string[]): Promise<Ended> {
  const running = new Running(args)
  const code = await running.end()
  return { code, out: running.out, err: running.err }
}

export interface Listening {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/** A server on loopback; on a port of its own, or on that of one that has been stopped. */
export async function serve(listener: RequestListener, port = 0): Promise<Listening> {
  const server = createServer(listener)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const actual = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${actual}/`,
    port: actual,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A program that watches breakers and mounts a dashboard at /breakers. */
export class Program {
  readonly monitor: CircuitBreakerMonitor = new CircuitBreakerMonitor()
  readonly #options: DashboardOptions
  #listening: Listening | undefined

  constructor(options: DashboardOptions = { authorize: () => true }) {
    this.#options = options
  }

  add(name: string, options: CircuitBreakerOptions = {}): CircuitBreaker {
    const breaker = new CircuitBreaker({ name, ...options })
    this.monitor.watch(breaker)
    return breaker
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listening!.port}/breakers`
  }

  async start(port?: number): Promise<this> {
    const dashboard = createDashboard(this.monitor, { path: '/breakers', ...this.#options })
    const { stop, ...listening } = await serve(dashboard.node, port)
    this.#listening = {
      ...listening,
      stop: () => {
        dashboard.close()
        return stop()
      },
    }
    return this
  }

  async stop(): Promise<number> {
    const { port, stop } = this.#listening!
    await stop()
    return port
  }
}
