import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Replies } from './replies.ts'

/** A connection of one client, as the network sees it. */
export interface Wire {
  /** Delivers to the client. */
  send(bytes: Buffer | string): void
  /** Closes it in an orderly way. */
  cut(): void
  reset(): void
  /** Half-closes it from the server's side, which still accepts data. */
  halfClose(): void
}

/** What the network does with one whole reply of the server. */
export type Treatment = (reply: Buffer, wire: Wire) => void

const HONEST: Treatment = (reply, wire) => wire.send(reply)
/** Not the Redis protocol. */
export const GARBAGE = '\u0007 HTTP/1.1 400 Bad Request\r\n\r\n'

/** A network between clients and a server, with the faults of a network. */
export class Proxy {
  readonly #server = createServer({ allowHalfOpen: true })
  readonly #wires = new Set<Wire>()
  readonly #target: number
  #treat = HONEST
  #drops: 'nothing' | 'bytes' | 'connections' = 'nothing'
  /** Withheld replies, to deliver later. */
  readonly #withheld: (() => void)[] = []
  /** When each connection was made, by `performance.now()`. */
  readonly connectedAt: number[] = []

  private constructor(target: number) {
    this.#target = target
    this.#server.on('connection', (client) => this.#join(client))
  }

  static async to(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** The number of connections made so far. */
  get connections(): number {
    return this.connectedAt.length
  }

  /** Treats each reply in this way from now on. */
  treat(how: Treatment): void {
    this.#treat = how
  }

  /** Delivers everything again; what was withheld or dropped is lost. */
  heal(): void {
    this.#treat = HONEST
    this.#drops = 'nothing'
    this.#withheld.length = 0
  }

  /** Withholds replies, although the server sends them. */
  withholdReplies(): void {
    this.#treat = (reply, wire) => void this.#withheld.push(() => wire.send(reply))
  }

  /** Delivers replies again, including the withheld ones, late. */
  deliverWithheld(): void {
    this.#treat = HONEST
    for (const deliver of this.#withheld.splice(0)) deliver()
  }

  /** Replaces replies with data that is not the Redis protocol. */
  garble(): void {
    this.#treat = (_reply, wire) => wire.send(GARBAGE)
  }

  /** Drops everything in both directions and closes nothing, so that its end finds all connections as they were. */
  drop(): void {
    this.#drops = 'bytes'
  }

  /** Closes all connections, and new ones at once. */
  block(): void {
    this.#drops = 'connections'
    this.cut()
  }

  /** Closes all connections in an orderly way. */
  cut(): void {
    for (const wire of this.#wires) wire.cut()
  }

  /** Resets all connections. */
  reset(): void {
    for (const wire of this.#wires) wire.reset()
  }

  /** Half-closes all connections from the server's side, which still accepts data. */
  halfClose(): void {
    for (const wire of this.#wires) wire.halfClose()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    this.connectedAt.push(performance.now())
    if (this.#drops === 'connections') return void client.on('error', () => {}).destroy()
    const server = connect({ port: this.#target, host: '127.0.0.1' })
    const end = (): void => {
      this.#wires.delete(wire)
      client.destroy()
      server.destroy()
    }
    const wire = {
      send: (bytes: Buffer | string): void => void (client.writable && client.write(bytes)),
      cut: end,
      reset: (): void => {
        client.resetAndDestroy()
        server.destroy()
      },
      halfClose: (): void => void client.end(),
    }
    this.#wires.add(wire)
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
    client.on('end', end).on('data', (bytes) => this.#drops === 'nothing' && server.write(bytes))
    const replies = new Replies()
    server.on('end', end).on('data', (bytes) => {
      for (const reply of replies.split(bytes)) if (this.#drops === 'nothing') this.#treat(reply, wire)
    })
  }
}
