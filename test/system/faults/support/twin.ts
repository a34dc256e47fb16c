import assert from 'node:assert/strict'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import { fromFields, toFields } from '../../../../src/storage/redis/fields.ts'
import { fromReply, toArguments } from '../../../../src/storage/redis/protocol.ts'
import { SCRIPT } from '../../../../src/storage/redis/script.ts'
import type { StorageCommand } from '../../../../src/storage/contract/commands.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { CLOCK, keyOf, type Client } from './script-storage.ts'

const NAME = 'twin'
const KEY = keyOf(NAME)

/** The script names the argument that is malformed, the specification the field. */
const coarse = (reply: StorageReply): unknown => (reply.type === 'malformed' ? reply.type : reply)

/**
 * Runs commands twice: by the specification synchronously, and by the script on a server. It does not wait in between,
 * so that thousands of commands take a second; `compare` waits, and finds the first difference in a reply, in the hash
 * or in its time to live.
 */
export class Twin {
  readonly #client: Client
  readonly #sha: string
  readonly #comparisons: (() => Promise<void>)[] = []
  #stored: unknown
  #until = Infinity
  /** The hash is not only what the script has written, so it may be in other words than `toFields` would use. */
  #planted = false
  commands = 0

  constructor(client: Client, sha: string) {
    this.#client = client
    this.#sha = sha
    this.forget()
  }

  static load(client: Client): Promise<string> {
    return client.scriptLoad(SCRIPT)
  }

  forget(): void {
    this.#stored = undefined
    this.#until = Infinity
    this.#planted = false
    this.#later(this.#client.del(KEY), () => {})
  }

  /** The fields of the hash. */
  get fields(): Readonly<Record<string, string>> {
    return this.#stored === undefined ? {} : toFields(this.#stored as BreakerRecord)
  }

  /** Replaces the record with any hash. */
  plant(fields: Readonly<Record<string, string>>): void {
    this.forget()
    this.#stored = fromFields(fields)
    this.#planted = true
    if (Object.keys(fields).length > 0) this.#later(this.#client.hSet(KEY, { ...fields }), () => {})
  }

  send(command: StorageCommand, now: number): StorageReply {
    // The server expires keys by a clock that cannot be set.
    if (now >= this.#until) this.forget()
    const before = this.#stored
    const { record, reply, ttl } = reduce(before, command, now)
    this.#stored = record
    if (ttl !== undefined) this.#until = now + ttl
    this.commands++

    const what = (): string => `at ${now}: ${JSON.stringify(command)} on ${JSON.stringify(before)}`
    const address = { channel: 'twins', name: NAME }
    const token = `twin.${this.commands}`
    const call = { keys: [KEY, CLOCK], arguments: toArguments(address, command, token) }
    this.#later(this.#client.set(CLOCK, String(now)), () => {})
    this.#later(this.#client.evalSha(this.#sha, call), (answer) =>
      assert.deepEqual(coarse(fromReply(answer, token)), coarse(reply), what()),
    )
    if (ttl !== undefined || record === undefined) {
      const planted = this.#planted
      this.#later(this.#client.hGetAll(KEY), (hash) => {
        assert.deepEqual(fromFields({ ...hash }), record, what())
        if (planted) return
        assert.deepEqual({ ...hash }, record === undefined ? {} : toFields(record as BreakerRecord), what())
      })
    }
    if (ttl !== undefined) {
      this.#later(this.#client.pTTL(KEY), (left) =>
        assert.ok(
          ttl === Infinity ? left === -1 : left <= ttl && left > ttl - 10_000,
          `${left} of ${ttl} ${what()}`,
        ),
      )
    }
    return reply
  }

  /** Rejects with the first difference. */
  async compare(): Promise<void> {
    for (const comparison of this.#comparisons.splice(0)) await comparison()
  }

  #later<T>(answer: Promise<T>, check: (answer: T) => void): void {
    answer.catch(() => {}) // handled below, unless an earlier comparison failed
    this.#comparisons.push(async () => check(await answer))
  }
}
