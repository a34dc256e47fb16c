import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What happens to the bytes from the server to the clients. */
type Mood = 'honest' | 'silent' | 'garbage'

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** A network between clients and a server that does what networks do. */
export class Proxy {
  readonly #server = createServer({ allowHalfOpen: true })
  readonly #pairs = new Set<Pair>()
  readonly #target: number
  #mood: Mood = 'honest'
  /** What was eaten, to arrive after all. */
  readonly #eaten: (() => void)[] = []
  /** Connections that have been made. */
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

  /** Replies arrive again; those that were eaten are gone. */
  heal(): void {
    this.#mood = 'honest'
    this.#eaten.length = 0
  }

  /** Replies do not arrive any more, although the server sends them. */
  eatReplies(): void {
    this.#mood = 'silent'
  }

  /** Replies arrive again, and those that were eaten arrive late. */
  regurgitate(): void {
    this.#mood = 'honest'
    for (const deliver of this.#eaten.splice(0)) deliver()
  }

  /** Replies are replaced by what is no Redis protocol. */
  garble(): void {
    this.#mood = 'garbage'
  }

  /** Ends all connections in an orderly way. */
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

  /** The server's side says that it will send no more, and still takes what is sent. */
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
      else this.#eaten.push(() => void (client.destroyed || client.write(bytes)))
    })
  }
}
