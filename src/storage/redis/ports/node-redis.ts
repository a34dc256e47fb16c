import { isObject } from '../../../base/validate.ts'
import { only } from './only.ts'
import type { RedisPort } from './port.ts'

/** The subset of a client of node-redis that identifies it. */
export interface NodeRedisLike {
  /** Whether the client is connected or connecting. */
  readonly isOpen: boolean
  /** Sends a command. */
  sendCommand(...args: never[]): Promise<unknown>
  /** Opens the connection. */
  connect(): Promise<unknown>
}

interface Options {
  readonly socket?: object
  readonly RESP?: number
}

interface SeveralOptions extends Options {
  /** Only a Cluster has them. */
  readonly rootNodes?: readonly Options[]
  readonly defaults?: Options
  readonly nodeClientOptions?: Options
  readonly sentinelClientOptions?: Options
}

interface Client extends Omit<NodeRedisLike, 'sendCommand'> {
  /** Only a client for a single server has it. */
  readonly options?: Options
  /** Only a cluster has it: the node with the subscriptions. */
  readonly pubSubNode?: { readonly client: Client } | undefined
  sendCommand(...args: unknown[]): Promise<unknown>
  duplicate?(overrides: object): Client
  subscribe(channel: string, listener: (message: unknown) => void): Promise<unknown>
  ping(): Promise<unknown>
  destroy(): unknown
  unref?(): void
  on(event: string, listener: (error: unknown) => void): unknown
}

/** The type mapping and the timeout of a user's client are meant for the user's commands. */
const PLAIN = { typeMapping: {}, timeout: undefined }
/**
 * Commands to Cluster and Sentinel may wait until a server is found. After this time nobody needs their replies. A
 * single connection is given up before that, so it does without the signal and the timer that this costs per command.
 */
const WITH_TIMEOUT = { ...PLAIN, timeout: 1_000 }
// Nodes are connected on demand, so that a failed one does not prevent the use of the others.
const CLUSTER = { commandOptions: WITH_TIMEOUT, minimizeConnections: true }
// A rediscovery could send a command again that has already been executed.
const SENTINEL = { commandOptions: WITH_TIMEOUT, maxCommandRediscovers: 0 }
/** What is taken over from a user's client: where the server is, and how to introduce oneself to it (F27b). */
const KEPT = new Set(
  'url username password credentialsProvider database name disableClientInfo clientInfoTag'.split(' '),
)
const KEPT_OF_SEVERAL = new Set(['name', 'sentinelRootNodes', 'nodeAddressMap'])
/** Socket options that say neither where the server is nor how to use TLS. All options of TLS would be a long list. */
const PLAIN_SOCKET = {
  reconnectStrategy: undefined,
  socketTimeout: undefined,
  signal: undefined,
  allowHalfOpen: undefined,
  noDelay: undefined,
  keepAlive: undefined,
  keepAliveInitialDelay: undefined,
}
const ERRORS = ['error', 'node-error', 'client-error']

export const isNodeRedis = (client: unknown): client is NodeRedisLike =>
  isObject(client) && typeof client['sendCommand'] === 'function' && typeof client['isOpen'] === 'boolean'

/**
 * Whether this is version 4 or older, recognized by members that version 5 removed. It is not enough that a member is
 * missing which version 5 added: a user's mock may lack it.
 */
export const isNodeRedis4 = (client: unknown): boolean =>
  isNodeRedis(client)
    ? !('destroy' in client) && ('executeIsolated' in client || 'getSlotMaster' in client)
    : isObject(client) && 'internal_send_command' in client

const isCluster = (client: object): boolean => 'getSlotRandomNode' in client
const isSentinel = (client: object): boolean => 'getSentinelNode' in client

/**
 * The `construct` option of a stream, with which a socket does not keep the process alive (F28). A client for Sentinel
 * or Cluster has several sockets, and no other way to unref them. A TLS socket ignores the option: there the process ends only
 * after the storage has been disposed of.
 */
function construct(this: { unref(): unknown }, done: () => void): void {
  this.unref()
  done()
}

/** Returns the options for our connections to one server. */
const connection = (options: Options | undefined, socket: object): object => ({
  ...only(options, KEPT),
  socket: { ...options?.socket, ...PLAIN_SOCKET, ...socket },
  maintNotifications: 'disabled',
})

/** A server or a proxy may know only the older protocol. Replies to our commands are the same in both. */
const protocol = (options: Options): number | undefined => (options.RESP === 2 ? 2 : undefined)

/**
 * Returns the options of a client for Sentinel or Cluster, which are private. `duplicate()` passes them to
 * `this.constructor`, so it is called on an object that inherits from the client and has a constructor of ours.
 */
function optionsOf(template: Client): SeveralOptions {
  let options: SeveralOptions = {}
  const value = function (given: SeveralOptions): void {
    options = given
  }
  const heir = Object.create(Object.create(template, { constructor: { value } }) as object) as Client
  heir.duplicate?.({})
  return options
}

/** A single connection is never reconnected. Clients for Cluster and Sentinel find their servers again. */
function overrides(template: Client, connectTimeout: number): object {
  const cluster = isCluster(template)
  if (!cluster && !isSentinel(template)) {
    const { options = {} } = template
    const socket = { connectTimeout, reconnectStrategy: false }
    return { ...connection(options, socket), RESP: protocol(options), commandOptions: PLAIN }
  }
  const options = optionsOf(template)
  const kept = { ...only(options, KEPT_OF_SEVERAL), RESP: protocol(options) }
  const each = (given?: Options): object => connection(given, { connectTimeout, construct })
  if (cluster)
    return { ...kept, ...CLUSTER, rootNodes: options.rootNodes?.map(each), defaults: each(options.defaults) }
  const { nodeClientOptions, sentinelClientOptions } = options
  return {
    ...kept,
    ...SENTINEL,
    nodeClientOptions: each(nodeClientOptions),
    sentinelClientOptions: each(sentinelClientOptions),
  }
}

export function nodeRedisPort(
  given: NodeRedisLike,
  connectTimeout: number,
  ended: (error: unknown) => void,
): RedisPort {
  const template = given as unknown as Client
  const clustered = isCluster(given)
  const sentinel = isSentinel(given)
  const client = template.duplicate?.(overrides(template, connectTimeout)) ?? template
  // Whether an error ends the connection. It may be an unreadable reply, after which the client would take the next
  // reply for the missing one. And if a subscription were interrupted for a moment, hints would be lost unnoticed.
  let fatal = false
  for (const event of ERRORS) client.on(event, (error) => fatal && ended(error))

  return {
    clustered,
    async connect() {
      client.unref?.()
      if (!client.isOpen) await client.connect()
      fatal = !clustered && !sentinel
    },
    send: (commands) =>
      commands.map(({ key, args }) => {
        if (clustered) return client.sendCommand(key, false, args, WITH_TIMEOUT)
        return sentinel ? client.sendCommand(false, args, WITH_TIMEOUT) : client.sendCommand(args, PLAIN)
      }),
    async subscribe(channel, onMessage) {
      await client.subscribe(channel, (message) => onMessage(message))
      fatal = true
    },
    heartbeat: () => (sentinel ? undefined : (clustered ? client.pubSubNode?.client : client)?.ping()),
    destroy() {
      fatal = false
      quietly(() => client.destroy())
    },
  }
}

/** Lets a client that was never opened forget what it has registered. An open one is left alone. */
export function closeNewNodeRedis(given: NodeRedisLike): void {
  if (!given.isOpen) quietly(() => (given as unknown as Client).destroy())
}

/** Destroys a client, which may throw or reject if it is closed already. */
function quietly(destroy: () => unknown): void {
  try {
    Promise.resolve(destroy()).catch(() => {})
  } catch {
    // It was closed already.
  }
}
