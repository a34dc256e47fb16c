import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createDashboard,
  type Dashboard,
  type DashboardOptions,
} from '../../../../src/dashboard/server/index.ts'
import type { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'

/** A dashboard on a local port, which can be stopped and restarted. */
export class DashboardServer {
  readonly #monitor: CircuitBreakerMonitor
  readonly #options: DashboardOptions
  #server: Server | undefined
  #dashboard: Dashboard | undefined
  #port = 0

  constructor(monitor: CircuitBreakerMonitor, options: DashboardOptions = { authorize: () => true }) {
    this.#monitor = monitor
    this.#options = options
  }

  get url(): string {
    return `http://localhost:${this.#port}/ops/`
  }

  /** Starts the server, at its previous port if it had one. */
  async start(): Promise<this> {
    const dashboard = createDashboard(this.#monitor, this.#options)
    const server = createServer(dashboard.node)
    this.#dashboard = dashboard
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.#port, 'localhost', resolve))
    this.#port = (server.address() as AddressInfo).port
    return this
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#dashboard?.close()
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
    this.#server = undefined
  }
}
