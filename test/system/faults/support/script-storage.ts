import { createClient } from 'redis'
import { withLimits } from '../../../../src/storage/contract/with-limits.ts'
import { malformed } from '../../../../src/storage/reducer/malformed.ts'
import { fromReply, toArguments } from '../../../../src/storage/redis/protocol.ts'
import { SCRIPT } from '../../../../src/storage/redis/script.ts'
import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  SettleCommand,
  StorageCommand,
} from '../../../../src/storage/contract/commands.ts'
import type { ReplyTo, StorageHint, StorageLimits } from '../../../../src/storage/contract/operations.ts'
import type {
  AcquireReply,
  ChangeReply,
  ExchangeReply,
  SettleReply,
} from '../../../../src/storage/contract/replies.ts'
import { CircuitBreakerStorage } from '../../../../src/storage/storage.ts'

/** A plain client, without any handling of its own. */
export async function connect(url: string) {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  return client
}

export type Client = Awaited<ReturnType<typeof connect>>

const CHANNEL = 'recloser-test'
const TOKEN = 'test.1'
/** The key that holds the time of a test; the script reads it instead of the server's clock. */
export const CLOCK = 'recloser-test-clock'
export const keyOf = (name: string): string => `recloser-test:{${encodeURIComponent(name)}}`

/** The bare script behind the storage interface: one connection for commands, one for hints, and no recovery. */
export class ScriptStorage extends CircuitBreakerStorage {
  readonly #client: Client
  readonly #subscriber: Client
  readonly #sha: string

  private constructor(client: Client, subscriber: Client, sha: string) {
    super()
    this.#client = client
    this.#subscriber = subscriber
    this.#sha = sha
  }

  static async connect(url: string): Promise<ScriptStorage> {
    const client = await connect(url)
    return new ScriptStorage(client, await connect(url), await client.scriptLoad(SCRIPT))
  }

  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply> {
    return this.#send(name, command, limits)
  }

  acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply> {
    return this.#send(name, command, limits)
  }

  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply> {
    return this.#send(name, command, limits)
  }

  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply> {
    return this.#send(name, command, limits)
  }

  async subscribe(listener: (hint: StorageHint) => void): Promise<() => Promise<void>> {
    const onMessage = (message: string): void => {
      const [name = '', epoch] = message.split(' ')
      listener({ name: decodeURIComponent(name), epoch: Number(epoch) })
    }
    await this.#subscriber.subscribe(CHANNEL, onMessage)
    return () => this.#subscriber.unsubscribe(CHANNEL, onMessage)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy()
    this.#subscriber.destroy()
    return Promise.resolve()
  }

  #send<Command extends StorageCommand>(
    name: string,
    command: Command,
    limits: StorageLimits | undefined,
  ): Promise<ReplyTo<Command>> {
    const address = { channel: CHANNEL, name: encodeURIComponent(name) }
    const evaluate = async (): Promise<ReplyTo<Command>> => {
      const call = { keys: [keyOf(name), CLOCK], arguments: toArguments(address, command, TOKEN) }
      const reply = fromReply(await this.#client.evalSha(this.#sha, call), TOKEN)
      const what = reply.type === 'malformed' && malformed(command)
      return (what ? { type: 'malformed', what } : reply) as ReplyTo<Command>
    }
    return withLimits(command.type, evaluate, limits)
  }
}
