import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** The treatment of the bytes from the server to the clients. */
type Mood = 'honest' | 'silent' | 'garbage'

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** A network between clients and a server, with the faults of a network. */
export class Proxy {
  readonly #server = createServer({ allowHalfOpen: true })
  readonly #pairs = new Set<Pair>()
  readonly #target: number
  #mood: Mood = 'honest'
  /** Withheld replies, to deliver later. */
  readonly #withheld: (() => void)[] = []
  /** The number of connections made so far. */
  connections = 0

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

  /** Delivers replies again; withheld ones are lost. */
  heal(): void {
    this.#mood = 'honest'
    this.#withheld.length = 0
  }

  /** Withholds replies, although the server sends them. */
  withholdReplies(): void {
    this.#mood = 'silent'
  }

  /** Delivers replies again, including the withheld ones, late. */
  deliverWithheld(): void {
    this.#mood = 'honest'
    for (const deliver of this.#withheld.splice(0)) deliver()
  }

  /** Replaces replies with data that is not the Redis protocol. */
  garble(): void {
    this.#mood = 'garbage'
  }

  /** Closes all connections in an orderly way. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
  }

  /** Resets all connections. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.destroy()
    }
  }

  /** Half-closes all connections from the server's side, which still accepts data. */
  halfClose(): void {
    for (const { client } of this.#pairs) client.end()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    this.connections++
    const server = connect({ port: this.#target, host: '127.0.0.1' })
    const pair = { client, server }
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
    client.on('data', (bytes) => server.write(bytes)).on('end', end)
    server.on('end', end).on('data', (bytes) => {
      if (client.writableEnded) return
      if (this.#mood === 'honest') client.write(bytes)
      else if (this.#mood === 'garbage') client.write('\u0007 HTTP/1.1 400 Bad Request\r\n\r\n')
      else this.#withheld.push(() => void (client.destroyed || client.write(bytes)))
    })
  }
}
