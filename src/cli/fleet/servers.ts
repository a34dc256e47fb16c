import { kindOf, textOf } from '../../storage/redis/failure.ts'
import { Failure } from '../base/command.ts'
import { quote } from '../base/text.ts'
import { showServer, type RedisAddress } from './address.ts'
import type { MakeClient } from './library.ts'
import { elsewhere, RedisNode, sameServer, type Reply } from './node.ts'

const MOST_HOPS = 5

/** The servers that have the records: one, or all masters of a cluster, as named by the first server. */
export class Servers {
  readonly #make: MakeClient
  readonly #seed: RedisAddress
  /** For messages. */
  readonly #prefix: string
  readonly #nodes: { readonly address: RedisAddress; readonly opening: Promise<RedisNode> }[] = []

  constructor(make: MakeClient, seed: RedisAddress, prefix: string) {
    this.#make = make
    this.#seed = seed
    this.#prefix = prefix
  }

  /** Returns a connection to each master. */
  async masters(): Promise<readonly RedisNode[]> {
    const seed = await this.#node(this.#seed)
    const [reply] = await seed.send('', [['cluster', 'slots']])
    if (reply && 'error' in reply) {
      // The server is not part of a cluster, or a proxy does not know the command.
      if (/^-?ERR /.test(textOf(reply.error))) return [seed]
      throw seed.explain(reply.error)
    }
    const addresses: RedisAddress[] = []
    for (const range of arrayOf(reply?.value)) {
      const [host, port] = arrayOf(arrayOf(range)[2])
      const known = typeof host === 'string' && host !== '' && host !== '?'
      const address = { ...this.#seed, host: known ? host : this.#seed.host, port: Number(port) }
      if (!addresses.some((each) => sameServer(each, address))) addresses.push(address)
    }
    if (addresses.length === 0) return [seed]
    return Promise.all(addresses.map((address) => this.#node(address)))
  }

  /** Sends a command to the server that has the key. `unsure` says what is unknown if there is no reply. */
  async ask(
    key: string,
    args: readonly string[],
    unsure?: string,
  ): Promise<{ readonly node: RedisNode; readonly reply: Reply }> {
    let address = this.#seed
    let commands = [args]
    for (let hop = 0; ; hop++) {
      const node = await this.#node(address)
      const reply = (await node.send(key, commands, unsure)).at(-1) ?? { value: undefined }
      const next = 'error' in reply ? elsewhere(reply.error, address) : undefined
      if (!next || hop === MOST_HOPS) return { node, reply }
      address = next.address
      commands = next.asking ? [['asking'], args] : [args]
    }
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#nodes.map(({ opening }) => opening))) {
      if (opened.status === 'fulfilled') opened.value.close()
    }
  }

  #node(address: RedisAddress): Promise<RedisNode> {
    const known = this.#nodes.find((each) => sameServer(each.address, address))
    if (known) return known.opening
    const opening = RedisNode.connect(this.#make, address, this.#prefix)
    this.#nodes.push({ address, opening })
    return opening
  }
}

const arrayOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])

/**
 * Asks a Sentinel for the address of a master.
 *
 * @throws {Failure} when the Sentinel cannot be asked, or does not know the master.
 */
export async function findMaster(
  make: MakeClient,
  sentinel: RedisAddress,
  master: string,
  prefix: string,
): Promise<RedisAddress> {
  const ask = (credentials: Pick<RedisAddress, 'username' | 'password'>): Promise<unknown> =>
    askSentinel(make, { ...sentinel, ...credentials, database: 0 }, master, prefix)
  let answer: unknown
  try {
    // The credentials in the URL are for the master. Most Sentinels need none, so they get none at first.
    answer = await ask({ username: undefined, password: undefined })
  } catch (error) {
    const wanted = error instanceof Failure && kindOf(error.cause) === 'credentials'
    if (!wanted || sentinel.password === undefined) throw error
    answer = await ask(sentinel)
  }
  const [host, port] = arrayOf(answer)
  if (typeof host === 'string' && Number(port) > 0) return { ...sentinel, host, port: Number(port) }
  throw new Failure(
    `The Sentinel ${showServer({ ...sentinel, database: 0 })} knows no master ${quote(master)}.`,
    `This lists those that it knows: redis-cli -h ${sentinel.host} -p ${sentinel.port} sentinel masters`,
  )
}

async function askSentinel(
  make: MakeClient,
  address: RedisAddress,
  master: string,
  prefix: string,
): Promise<unknown> {
  const node = await RedisNode.connect(make, address, prefix)
  try {
    const [reply] = await node.send('', [['sentinel', 'get-master-addr-by-name', master]])
    if (!reply || 'value' in reply) return reply?.value
    if (!/^-?ERR unknown command/i.test(textOf(reply.error))) throw node.explain(reply.error)
    throw new Failure(`${showServer(address)} is no Sentinel.`, 'Leave out --sentinel for a single server.')
  } finally {
    node.close()
  }
}
