import { isObject } from '../../../base/validate.ts'
import type { RedisPort } from './port.ts'

/** As much of a client of node-redis as tells it from others. */
export interface NodeRedisLike {
  readonly isOpen: boolean
  sendCommand(...args: never[]): Promise<unknown>
  connect(): Promise<unknown>
}

interface Client extends Omit<NodeRedisLike, 'sendCommand'> {
  readonly options?: { readonly socket?: object } | undefined
  /** Of a cluster, where subscriptions are. */
  readonly pubSubNode?: { readonly client: Client } | undefined
  sendCommand(...args: unknown[]): Promise<unknown>
  duplicate?(overrides: object): Client
  subscribe(channel: string, listener: (message: unknown) => void): Promise<unknown>
  ping(): Promise<unknown>
  destroy(): unknown
  unref?(): void
  on(event: string, listener: (error: unknown) => void): unknown
}

/** What a user's client makes of replies is meant for the user's commands. */
const PLAIN = { typeMapping: {}, timeout: undefined }
/**
 * Commands to Cluster and Sentinel may wait for a server to be found, and what waits for longer waits in vain. A single
 * connection is given up before that, and does without: this makes a signal and a timer for each command.
 */
const HASTY = { ...PLAIN, timeout: 1_000 }
const RESET = { commandOptions: PLAIN, keyPrefix: undefined, clientSideCache: undefined }
// Nodes are connected to when they are needed: one that has failed is no reason not to use the others.
const CLUSTER = { ...RESET, commandOptions: HASTY, minimizeConnections: true, useReplicas: false }
// It would send again what may have been carried out.
const SENTINEL = { ...RESET, commandOptions: HASTY, maxCommandRediscovers: 0, replicaPoolSize: 0 }
const ERRORS = ['error', 'node-error', 'client-error']

export const isNodeRedis = (client: unknown): client is NodeRedisLike =>
  isObject(client) && typeof client['sendCommand'] === 'function' && typeof client['isOpen'] === 'boolean'

/** Version 4 or older, recognised by what version 5 removed. A user's mock may lack what version 5 added. */
export const isNodeRedis4 = (client: unknown): boolean =>
  isNodeRedis(client)
    ? !('destroy' in client) && ('executeIsolated' in client || 'getSlotMaster' in client)
    : isObject(client) && 'internal_send_command' in client

const isCluster = (client: object): boolean => 'getSlotRandomNode' in client
const isSentinel = (client: object): boolean => 'getSentinelNode' in client

/**
 * A client for Sentinel or Cluster has several sockets and no way to keep them from keeping a process alive (F28). Node lets a
 * stream do something of its own when it is made; a socket with TLS does not do it, so there a process ends when the
 * storage is disposed of.
 */
function construct(this: { unref(): unknown }, done: () => void): void {
  this.unref()
  done()
}

interface SeveralOptions {
  /** Of a Cluster. */
  readonly defaults?: { readonly socket?: object }
  readonly nodeClientOptions?: { readonly socket?: object }
  readonly sentinelClientOptions?: { readonly socket?: object }
}

/** What the user's client was made with: it shows that to nobody but the duplicates that it makes. */
function optionsOf(template: Client): SeveralOptions {
  let options: SeveralOptions = {}
  const { _self, commandOptions } = template as unknown as Record<string, unknown>
  // It makes a duplicate with the constructor of its prototype.
  function constructor(given: SeveralOptions): void {
    options = given
  }
  const looker = Object.assign(Object.create({ constructor }) as object, { _self, commandOptions })
  template.duplicate?.call(looker as unknown as Client, {})
  return options
}

const quiet = (options: SeveralOptions['defaults']): object => ({
  ...options,
  socket: { ...options?.socket, construct },
})

function sentinelOverrides(template: Client): object {
  const { nodeClientOptions, sentinelClientOptions } = optionsOf(template)
  return {
    ...SENTINEL,
    nodeClientOptions: quiet(nodeClientOptions),
    sentinelClientOptions: quiet(sentinelClientOptions),
  }
}

/** A single connection is used once. Those to Cluster and Sentinel find their servers again. */
function overrides(template: Client, connectTimeout: number): object {
  if (isCluster(template)) return { ...CLUSTER, defaults: quiet(optionsOf(template).defaults) }
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
  // Whether an error is the end. It may be what cannot be read: the client would take the next reply for the one that is
  // missing. Of a subscription that has been away for a moment nobody would hear.
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
        if (clustered) return client.sendCommand(key, false, args, HASTY)
        return sentinel ? client.sendCommand(false, args, HASTY) : client.sendCommand(args, PLAIN)
      }),
    async subscribe(channel, hear) {
      await client.subscribe(channel, (message) => hear(message))
      fatal = true
    },
    heartbeat: () => (sentinel ? undefined : (clustered ? client.pubSubNode?.client : client)?.ping()),
    destroy() {
      fatal = false
      quietly(() => client.destroy())
    },
  }
}

/** One that is closed already may throw or reject. */
function quietly(destroy: () => unknown): void {
  try {
    Promise.resolve(destroy()).catch(() => {})
  } catch {
    // It was closed.
  }
}
