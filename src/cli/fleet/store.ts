import type { ManualChangeCommand } from '../../storage/contract/commands.ts'
import { textOf } from '../../storage/redis/failure.ts'
import { Names } from '../../storage/redis/names.ts'
import { fromReply, toArguments } from '../../storage/redis/protocol.ts'
import { SCRIPT } from '../../storage/redis/script.ts'
import { Failure, type Input } from '../base/command.ts'
import type { Io } from '../base/io.ts'
import { printable, quote } from '../base/text.ts'
import { readFleetAddress, showServer, type RedisAddress } from './address.ts'
import {
  readEntry,
  toEntry,
  toFields,
  type Entry,
  type RecordEntry,
  type Stored,
  type UnusableEntry,
} from './entry.ts'
import { loadLibrary, searchPaths, type MakeClient } from './library.ts'
import { elsewhere, type RedisNode, type Reply } from './node.ts'
import { findMaster, Servers } from './servers.ts'

const CHUNK = 100
/** The encoded form of a name that is too long: it ends in a hash. */
const HASHED = /^[\w.%-]{63}~[0-9a-f]{64}$/

/** Opens the store that the command line names, and closes it after the work. */
export async function withStore<T>(
  input: Input,
  io: Io,
  work: (store: FleetStore) => Promise<T>,
): Promise<T> {
  const { server, sentinel, prefix } = readFleetAddress(input, io.env)
  const make = await loadLibrary(searchPaths(io.cwd))
  const names = new Names(prefix)
  const master = sentinel === undefined ? server : await findMaster(make, server, sentinel, names.prefix)
  const store = new FleetStore(make, master, names)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** The records of one prefix, on one server or on all masters of a cluster. */
export class FleetStore {
  readonly #names: Names
  readonly #servers: Servers
  /** Where the records are, for messages. */
  readonly address: string

  constructor(make: MakeClient, server: RedisAddress, names: Names) {
    this.#names = names
    this.#servers = new Servers(make, server, names.prefix)
    this.address = `${showServer(server)} (${printable(names.prefix)})`
  }

  /** Returns all records. */
  async list(): Promise<Entry[]> {
    const holders = new Map<string, RedisNode>()
    for (const node of await this.#servers.masters()) {
      // While a slot is being migrated, two servers may list the same key.
      for (const key of await this.#scan(node)) if (!holders.has(key)) holders.set(key, node)
    }
    const entries: Entry[] = []
    for (const node of new Set(holders.values())) {
      const keys = [...holders].filter(([, holder]) => holder === node).map(([key]) => key)
      for (let at = 0; at < keys.length; at += CHUNK) {
        entries.push(...(await this.#read(node, keys.slice(at, at + CHUNK))))
      }
    }
    return entries
  }

  /** Returns the record of one breaker, if there is one. */
  async find(name: string): Promise<Entry | undefined> {
    const key = this.#names.key(await this.#encode(name))
    const { node, reply } = await this.#servers.ask(key, ['hgetall', key])
    const [entry] = await this.#toEntries(node, [[key, reply]])
    return entry
  }

  /**
   * Changes the state of the fleet. Returns the record after the change.
   *
   * @throws {Failure} when it was not changed, or when that is unknown.
   */
  async change(name: string, command: ManualChangeCommand): Promise<RecordEntry> {
    const encoded = await this.#encode(name)
    const key = this.#names.key(encoded)
    const token = command.nonce
    const args = toArguments({ channel: this.#names.prefix, name: encoded }, command, token)
    const unsure = 'Whether it was done is not known: list the fleet when it is back.'
    const { node, reply } = await this.#servers.ask(key, ['eval', SCRIPT, '1', key, ...args], unsure)
    const answer = fromReply(valueOf(node, reply), token)
    // A client that has sent it twice gets the second reply.
    if (answer.type === 'changed' || (answer.type === 'refused' && answer.why === 'repeated'))
      return toEntry(name, key, answer.record)
    if (answer.type === 'refused' && answer.why === 'overtaken')
      throw overtaken(toEntry(name, key, answer.record))
    const why = answer.type === 'unusable' ? answer.why : undefined
    if (why === 'foreign' || why === 'newer' || why === 'corrupt')
      throw cannotUse({ name, key, unusable: why })
    throw new Failure(`The script answered ${answer.type} instead of changed.`)
  }

  close(): Promise<void> {
    return this.#servers.close()
  }

  /** Encodes a name. The list shows a name that is too long in its encoded form, so that is accepted too. */
  async #encode(name: string): Promise<string> {
    return HASHED.test(name) ? name : this.#names.encode(name)
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
    const commands = keys.map((key) => ['hgetall', key])
    const replies = await node.send(keys[0] ?? '', commands)
    const found: [string, Reply][] = []
    for (const [i, key] of keys.entries()) {
      const reply = replies[i]!
      // The key has moved since the scan.
      const moved = 'error' in reply && elsewhere(reply.error, node.address)
      found.push([key, moved ? (await this.#servers.ask(key, ['hgetall', key])).reply : reply])
    }
    return this.#toEntries(node, found)
  }

  async #toEntries(
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
}

function valueOf(node: RedisNode, reply: Reply | undefined): unknown {
  if (!reply || 'error' in reply) throw node.explain(reply?.error)
  return reply.value
}

function storedIn(node: RedisNode, reply: Reply): Stored {
  if ('error' in reply && /^-?WRONGTYPE /.test(textOf(reply.error))) return 'no hash'
  return toFields(valueOf(node, reply))
}

/** Explains that somebody else has made a change since the record was read, and what stands (F9b). */
function overtaken({ name, state, reason, manual }: RecordEntry): Failure {
  return new Failure(
    `${quote(name)} was not changed, because ${printable(manual.actor) || 'somebody'} has just changed it: it is ${state} (${printable(reason)}).`,
    'If your change is still right, repeat the command.',
  )
}

/** Explains why a record is left untouched (F16). */
export function cannotUse({ name, key, unusable }: UnusableEntry): Failure {
  const where = `the key ${printable(key)}`
  const [reason, advice] = {
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
      'Once it is deleted, the next change creates a new one.',
    ],
  }[unusable]
  return new Failure(
    `The fleet of ${quote(name)} cannot be changed: ${reason}. Nothing was written.`,
    `${advice} Until then the breakers of that name decide alone.`,
  )
}
