import { kindOf, textOf } from '../../storage/redis/failure.ts'
import { openPort } from '../../storage/redis/open-port.ts'
import type { RedisPort } from '../../storage/redis/ports/port.ts'
import { onNextTick } from '../../base/next-tick.ts'
import { Failure } from '../base/command.ts'
import { showServer, withoutBrackets, type RedisAddress } from './address.ts'
import { explainRedis, SilenceError } from './explain.ts'
import type { MakeClient } from './library.ts'

/** The reply of a server to one command. */
export type Reply = { readonly value: unknown } | { readonly error: unknown }

/** Milliseconds to wait for a connection, and for a reply. */
const PATIENCE = 5_000

/** One connection to one server. If the server does not answer, it throws a {@link Failure}; a refusal is a reply. */
export class RedisNode {
  readonly address: RedisAddress
  readonly #prefix: string
  readonly #port: RedisPort
  readonly #lost: Promise<never>

  private constructor(address: RedisAddress, prefix: string, port: RedisPort, lost: Promise<never>) {
    this.address = address
    this.#prefix = prefix
    this.#port = port
    this.#lost = lost
  }

  /** @throws {Failure} when the server cannot be reached or refuses the login. */
  static async connect(make: MakeClient, address: RedisAddress, prefix: string): Promise<RedisNode> {
    let end: (error: unknown) => void = () => {}
    const lost = new Promise<never>((_, reject) => (end = reject))
    // The connection may be lost while nothing waits for a reply.
    lost.catch(() => {})
    const port = openPort(() => make(address), PATIENCE, end)
    const node = new RedisNode(address, prefix, port, lost)
    try {
      await node.#within(port.connect(), '')
      return node
    } catch (error) {
      port.destroy()
      throw error
    }
  }

  /** Sends commands together. `unsure` is added to the error if there is no reply: it says what is unknown then. */
  async send(key: string, commands: readonly (readonly string[])[], unsure = ''): Promise<readonly Reply[]> {
    const answers = this.#port.send(commands.map((args) => ({ key, args })))
    const replies = answers.map(async (answer): Promise<Reply> => {
      try {
        return { value: await answer }
      } catch (error) {
        if (kindOf(error) === 'lost') throw error
        return { error }
      }
    })
    return this.#within(Promise.all(replies), unsure)
  }

  /** Converts a refusal to an error that explains it. */
  explain(error: unknown): Failure {
    return explainRedis(error, this.address, this.#prefix)
  }

  close(): void {
    this.#port.destroy()
  }

  async #within<T>(work: Promise<T>, unsure: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    // The timer also keeps the process alive, because the connection does not.
    const timeout = new Promise<never>((_, reject) => {
      const expire = (): void => reject(new SilenceError(PATIENCE))
      timer = setTimeout(() => onNextTick(expire), PATIENCE)
    })
    try {
      return await Promise.race([work, this.#lost, timeout])
    } catch (error) {
      const failure = this.explain(error)
      throw unsure === '' ? failure : new Failure(`${failure.message} ${unsure}`, failure.advice, failure)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Another server that has the key, as named in a redirection by Redis Cluster. */
export interface Elsewhere {
  readonly address: RedisAddress
  /** Whether the slot is being migrated: then an ASKING has to precede the command. */
  readonly asking: boolean
}

/** Parses a redirection by Redis Cluster. Returns `undefined` for any other error. */
export function elsewhere(error: unknown, from: RedisAddress): Elsewhere | undefined {
  const [, word, host = '', port] = /^(MOVED|ASK) \d+ (.*):(\d+)/.exec(textOf(error)) ?? []
  if (port === undefined) return undefined
  return {
    address: { ...from, host: withoutBrackets(host) || from.host, port: Number(port) },
    asking: word === 'ASK',
  }
}

export const sameServer = (a: RedisAddress, b: RedisAddress): boolean => showServer(a) === showServer(b)
