import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a dependency does with a request. */
export type Manner = 'answers' | 'fails' | 'hangs'

/** A request that has arrived. */
export interface Arrival {
  /** The process that sent it. */
  readonly pid: number
  /** The place of its member in the fleet. */
  readonly member: number
  /** When, by the wall clock. */
  readonly at: number
}

/** What the fleet depends on: an HTTP server that can be told to be ill. */
export class Dependency {
  manner: Manner = 'answers'
  /** What single members meet, by their place in the fleet: their own way to it may be broken. */
  readonly mannerFor: Map<number, Manner> = new Map()
  readonly arrivals: Arrival[] = []
  readonly #server: Server
  readonly #hanging = new Set<ServerResponse>()

  private constructor() {
    // It closes no idle connection: a request that is on its way then would fail although nobody is ill.
    this.#server = createServer({ keepAliveTimeout: 0 }, (request, response) => this.#hear(request, response))
  }

  static async start(): Promise<Dependency> {
    const dependency = new Dependency()
    dependency.#server.listen(0, '127.0.0.1')
    await once(dependency.#server, 'listening')
    return dependency
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Requests that wait for an answer. */
  get hanging(): number {
    return this.#hanging.size
  }

  /** Answers those that wait. */
  release(manner: 'answers' | 'fails'): void {
    for (const response of this.#hanging) end(response, manner)
    this.#hanging.clear()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #hear(request: IncomingMessage, response: ServerResponse): void {
    const [, member, pid] = (request.url ?? '').split('/')
    const arrival = { member: Number(member), pid: Number(pid), at: Date.now() }
    this.arrivals.push(arrival)
    const manner = this.mannerFor.get(arrival.member) ?? this.manner
    if (manner !== 'hangs') return end(response, manner)
    this.#hanging.add(response)
    response.on('close', () => this.#hanging.delete(response))
  }
}

function end(response: ServerResponse, manner: 'answers' | 'fails'): void {
  response.statusCode = manner === 'answers' ? 200 : 503
  response.end(manner)
}
