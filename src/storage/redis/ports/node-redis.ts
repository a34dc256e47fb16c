import { isObject } from '../../../base/validate.ts'
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

interface Client extends Omit<NodeRedisLike, 'sendCommand'> {
  readonly options?: { readonly socket?: object } | undefined
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
const RESET = { commandOptions: PLAIN, keyPrefix: undefined, clientSideCache: undefined }
// Nodes are connected on demand, so that a failed one does not prevent the use of the others.
const CLUSTER = { ...RESET, commandOptions: WITH_TIMEOUT, minimizeConnections: true, useReplicas: false }
// A rediscovery could send a command again that has already been executed.
const SENTINEL = { ...RESET, commandOptions: WITH_TIMEOUT, maxCommandRediscovers: 0, replicaPoolSize: 0 }
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
 * or Cluster has several sockets, and no other way to unref them. A TLS socket ignores the option: there the process
 * ends only after the storage has been disposed of.
 */
function construct(this: { unref(): unknown }, done: () => void): void {
  this.unref()
  done()
}

interface SeveralOptions {
  /** Only a Cluster has it. */
  readonly defaults?: { readonly socket?: object }
  readonly nodeClientOptions?: { readonly socket?: object }
  readonly sentinelClientOptions?: { readonly socket?: object }
}

/** Returns the options that the user's client was created with, which it passes only to its duplicates. */
function optionsOf(template: Client): SeveralOptions {
  let options: SeveralOptions = {}
  const { _self, commandOptions } = template as unknown as Record<string, unknown>
  // `duplicate()` calls the constructor of its prototype, which is this function here.
  function constructor(given: SeveralOptions): void {
    options = given
  }
  const receiver = Object.assign(Object.create({ constructor }) as object, { _self, commandOptions })
  template.duplicate?.call(receiver as unknown as Client, {})
  return options
}

const withUnref = (options: SeveralOptions['defaults']): object => ({
  ...options,
  socket: { ...options?.socket, construct },
})

function sentinelOverrides(template: Client): object {
  const { nodeClientOptions, sentinelClientOptions } = optionsOf(template)
  return {
    ...SENTINEL,
    nodeClientOptions: withUnref(nodeClientOptions),
    sentinelClientOptions: withUnref(sentinelClientOptions),
  }
}

/** A single connection is never reconnected. Clients for Cluster and Sentinel find their servers again. */
function overrides(template: Client, connectTimeout: number): object {
  if (isCluster(template)) return { ...CLUSTER, defaults: withUnref(optionsOf(template).defaults) }
  if (isSentinel(template)) return sentinelOverrides(template)
  return { ...RESET, socket: { ...template.options?.socket, reconnectStrategy: false, connectTimeout } }
}

export function nodeRedisPort(
  given: NodeRedisLike,
  ours: boolean,
  connectTimeout: number,
  ended: (error: unknown) => void,
): RedisPort {
  const template = given as unknown as Client
  const clustered = isCluster(given)
  const sentinel = isSentinel(given)
  const client = template.duplicate?.(overrides(template, connectTimeout)) ?? template
  if (ours && client !== template && template.isOpen) quietly(() => template.destroy())
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

/** Destroys a client, which may throw or reject if it is closed already. */
function quietly(destroy: () => unknown): void {
  try {
    Promise.resolve(destroy()).catch(() => {})
  } catch {
    // It was closed already.
  }
}
