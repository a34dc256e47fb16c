import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createDashboard, type DashboardOptions } from '../../../src/dashboard/server/index.ts'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { serve, type TestServer } from '../../helpers/server.ts'
import { until } from '../../helpers/until.ts'
import { root } from './pack.ts'

const COMMAND = join(root, 'dist/cli/index.js')

/** A running `recloser` process. */
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

  /** Resolves once the output matches the pattern. */
  async until(pattern: RegExp, stream: 'out' | 'err' = 'out'): Promise<void> {
    const what = (): string => `${String(pattern)} is written.\nstdout: ${this.out}\nstderr: ${this.err}`
    await until(() => {
      if (pattern.test(this[stream])) return true
      assert.ok(this.child.exitCode === null, `it ended before: ${what()}`)
      return false
    }, what)
  }

  /** Waits for its end, after an optional signal. Resolves to the exit code, or the signal that ended it. */
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

/** A program that watches breakers and mounts a dashboard at /breakers. */
export class Program {
  readonly monitor: CircuitBreakerMonitor = new CircuitBreakerMonitor()
  readonly #options: DashboardOptions
  #listening: TestServer | undefined

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
