import type { ChangeCommand } from '../../storage/commands.ts'
import { textOf } from '../../storage/redis/failure.ts'
import { Names } from '../../storage/redis/names.ts'
import { fromReply, toArguments } from '../../storage/redis/protocol.ts'
import { SCRIPT } from '../../storage/redis/script.ts'
import type { Changed } from '../../storage/replies.ts'
import { Failure } from '../exit.ts'
import { printable } from '../text.ts'
import { showServer, type FleetAddress, type RedisAddress } from './address.ts'
import { readEntry, toFields, type Entry, type Stored, type UnusableEntry } from './entry.ts'
import type { MakeClient } from './library.ts'
import { movedTo, RedisNode, sameServer, type Reply } from './node.ts'

const CHUNK = 100
const MOST_HOPS = 5
/** As a key has it where the name is too long: it ends in a hash. */
const HASHED = /^[\w.%-]{63}~[0-9a-f]{64}$/

/** The records of one prefix, on one server or on all masters of a cluster. */
export class FleetStore {
  readonly #make: MakeClient
  readonly #seed: RedisAddress
  readonly #names: Names
  readonly #nodes: Promise<RedisNode>[] = []
  readonly #addresses: RedisAddress[] = []

  constructor(make: MakeClient, { server, prefix }: FleetAddress) {
    this.#make = make
    this.#seed = server
    this.#names = new Names(prefix)
  }

  /** Where the records are, for messages. */
  get place(): string {
    return `${showServer(this.#seed)} (${printable(this.#names.prefix)})`
  }

  /** All records. */
  async list(): Promise<Entry[]> {
    const keys = new Map<string, RedisNode>()
    for (const address of await this.#masters()) {
      const node = await this.#node(address)
      for (const key of await this.#scan(node)) if (!keys.has(key)) keys.set(key, node)
    }
    const entries: Entry[] = []
    for (const node of new Set(keys.values())) {
      const own = [...keys].filter(([, holder]) => holder === node).map(([key]) => key)
      for (let at = 0; at < own.length; at += CHUNK) {
        entries.push(...(await this.#read(node, own.slice(at, at + CHUNK))))
      }
    }
    return entries
  }

  /** The record of one breaker, if there is one. */
  async find(name: string): Promise<Entry | undefined> {
    const key = this.#names.key(await this.#encode(name))
    const { node, reply } = await this.#ask(key, ['hgetall', key])
    const [entry] = await this.#understand(node, [[key, reply]])
    return entry
  }

  /**
   * Changes the state of the fleet.
   *
   * @throws {Failure} if it was not changed, or that is not known.
   */
  async change(name: string, command: ChangeCommand): Promise<Changed> {
    const encoded = await this.#encode(name)
    const key = this.#names.key(encoded)
    const args = [
      'eval',
      SCRIPT,
      '1',
      key,
      ...toArguments({ channel: this.#names.prefix, name: encoded }, command),
    ]
    const { node, reply } = await this.#ask(key, args, 'Whether it was done is not known.')
    const changed = fromReply(valueOf(node, reply))
    if (changed.type === 'unusable' && changed.why !== 'denied')
      throw cannotUse({ name, key, unusable: changed.why })
    if (changed.type !== 'changed')
      throw new Failure(`The script answered ${changed.type} instead of changed.`)
    return changed
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#nodes)) {
      if (opened.status === 'fulfilled') opened.value.close()
    }
  }

  async #encode(name: string): Promise<string> {
    return HASHED.test(name) ? name : this.#names.encode(name)
  }

  #node(address: RedisAddress): Promise<RedisNode> {
    const at = this.#addresses.findIndex((known) => sameServer(known, address))
    if (at >= 0) return this.#nodes[at]!
    const opening = RedisNode.connect(this.#make, address, this.#names.prefix)
    this.#addresses.push(address)
    this.#nodes.push(opening)
    return opening
  }

  async #masters(): Promise<readonly RedisAddress[]> {
    const node = await this.#node(this.#seed)
    const [reply] = await node.send('', [['cluster', 'slots']])
    if (!reply || 'error' in reply) {
      // It is no cluster, and says so, or what stands in between does not know the word.
      if (reply && /^-?ERR /.test(textOf(reply.error))) return [this.#seed]
      throw node.explain(reply?.error)
    }
    const masters: RedisAddress[] = []
    for (const range of Array.isArray(reply.value) ? (reply.value as unknown[]) : []) {
      const master: unknown = Array.isArray(range) ? range[2] : undefined
      const [host, port] = Array.isArray(master) ? (master as unknown[]) : []
      const known = typeof host === 'string' && host !== '' && host !== '?'
      const address = { ...this.#seed, host: known ? host : this.#seed.host, port: Number(port) }
      if (!masters.some((each) => sameServer(each, address))) masters.push(address)
    }
    return masters.length === 0 ? [this.#seed] : masters
  }

  async #scan(node: RedisNode): Promise<string[]> {
    const start = this.#names.key('').slice(0, -1)
    const pattern = `${start.replace(/[\\*?[\]^]/g, '\\$&')}*}`
    const keys: string[] = []
    let cursor = '0'
    do {
      const [reply] = await node.send('', [['scan', cursor, 'MATCH', pattern, 'COUNT', '1000']])
      const [next, found] = valueOf(node, reply) as [unknown, unknown[]]
      keys.push(...found.map(String))
      cursor = String(next)
    } while (cursor !== '0')
    return keys
  }

  async #read(node: RedisNode, keys: readonly string[]): Promise<Entry[]> {
    const replies = await node.send(
      keys[0] ?? '',
      keys.map((key) => ['hgetall', key]),
    )
    const found: [string, Reply][] = []
    for (const [i, key] of keys.entries()) {
      const reply = replies[i]!
      const moved = 'error' in reply && movedTo(reply.error, node.address)
      found.push([key, moved ? (await this.#ask(key, ['hgetall', key])).reply : reply])
    }
    return this.#understand(node, found)
  }

  async #understand(
    node: RedisNode,
    found: readonly (readonly [key: string, reply: Reply])[],
  ): Promise<Entry[]> {
    const [time] = await node.send('', [['time']])
    const [seconds, micros] = valueOf(node, time) as [unknown, unknown]
    const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
    const start = this.#names.key('').length - 1
    return found.flatMap(([key, reply]) => {
      const entry = readEntry(key, key.slice(start, -1), storedIn(node, reply), now)
      return entry ? [entry] : []
    })
  }

  /** Asks about one key whichever server has it. */
  async #ask(
    key: string,
    args: readonly string[],
    unsure?: string,
  ): Promise<{ readonly node: RedisNode; readonly reply: Reply }> {
    let address = this.#seed
    for (let hop = 0; ; hop++) {
      const node = await this.#node(address)
      const [reply] = await node.send(key, [args], unsure)
      const moved = 'error' in reply! ? movedTo(reply.error, address) : undefined
      if (!moved || hop === MOST_HOPS) return { node, reply: reply! }
      address = moved
    }
  }
}

function valueOf(node: RedisNode, reply: Reply | undefined): unknown {
  if (!reply || 'error' in reply) throw node.explain(reply?.error)
  return reply.value
}

function storedIn(node: RedisNode, reply: Reply): Stored {
  if ('error' in reply && /^-?WRONGTYPE /.test(textOf(reply.error))) return 'no hash'
  return toFields(valueOf(node, reply))
}

/** Why a record is left alone (F16). */
export function cannotUse({ name, key, unusable }: UnusableEntry): Failure {
  const where = `the key ${printable(key)}`
  const [what, advice] = {
    foreign: [
      `${where} holds something that is not ours`,
      'Move it away, or give the storage another `prefix`.',
    ],
    newer: [
      `${where} was written by a newer version of recloser`,
      'Use that version, such as npx recloser@latest.',
    ],
    corrupt: [
      `${where} holds a record that makes no sense`,
      'Once it is deleted, the next change makes a new one.',
    ],
  }[unusable]
  return new Failure(
    `The fleet of ${printable(name)} cannot be changed: ${what}. Nothing was written.`,
    `${advice} Until then the breakers of that name decide alone.`,
  )
}
