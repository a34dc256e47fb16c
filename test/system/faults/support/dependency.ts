import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a dependency treats a request. */
export type Manner = 'answers' | 'fails' | 'hangs'

/** A received request. */
export interface Arrival {
  /** The process that sent it. */
  readonly pid: number
  /** The index of the member that sent it. */
  readonly member: number
  /** The index of the breaker that it came through. */
  readonly breaker: number
  /** When it arrived, by the wall clock. */
  readonly at: number
}

/** The dependency of the fleet: an HTTP server whose failures are controlled. */
export class Dependency {
  manner: Manner = 'answers'
  /** Overrides for single members, by index, whose own connection may be broken. */
  readonly mannerFor: Map<number, Manner> = new Map()
  readonly arrivals: Arrival[] = []
  readonly #server: Server
  readonly #hanging = new Set<ServerResponse>()

  private constructor() {
    // Never close an idle connection: a request sent at that moment would fail although nothing is wrong.
    this.#server = createServer({ keepAliveTimeout: 0 }, (request, response) =>
      this.#handle(request, response),
    )
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

  /** The number of requests that wait for an answer. */
  get hanging(): number {
    return this.#hanging.size
  }

  /** Answers the waiting requests. */
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

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const [, member, pid, breaker] = (request.url ?? '').split('/')
    const arrival = {
      member: Number(member),
      pid: Number(pid),
      breaker: Number(breaker),
      at: Date.now(),
    }
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
