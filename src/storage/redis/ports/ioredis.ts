import { isObject } from '../../../base/validate.ts'
import { onNextTick } from '../../../base/next-tick.ts'
import { only } from './only.ts'
import type { RedisPort } from './port.ts'

/** The subset of a client of ioredis or iovalkey that identifies it. */
export interface IoredisLike {
  /** The status of the connection, such as `'ready'`. */
  readonly status: string
  /** Sends a command. */
  call(command: string, ...args: never[]): Promise<unknown>
  /** Closes the connection at once. */
  disconnect(): void
}

type Listener = (...args: never[]) => void

interface Client extends Omit<IoredisLike, 'call'> {
  readonly options?: { readonly redisOptions?: object }
  readonly isCluster?: boolean
  readonly stream?: { unref?: () => void; cork?: () => void; uncork?: () => void }
  call(command: string, args: readonly string[]): Promise<unknown>
  duplicate(...overrides: unknown[]): Client
  connect(): Promise<void>
  subscribe(channel: string): Promise<unknown>
  nodes?(role: 'master' | 'all'): readonly Client[]
  /** Only a Cluster has it: its own connection for subscriptions. */
  readonly subscriber?: { getInstance?(): Client | null }
  on(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
}

/** What is taken over from a user's client: how to find the server, and how to introduce oneself to it (F27b). */
const KEPT = new Set(
  (
    'host port path family familyFallback natMap Connector tls username password db protocol connectionName ' +
    'disableClientInfo clientInfoTag sentinels name updateSentinels sentinelUsername sentinelPassword ' +
    'sentinelTLS enableTLSForSentinelMode'
  ).split(' '),
)
const KEPT_OF_CLUSTER = new Set(['dnsLookup', 'natMap', 'useSRVRecords', 'resolveSrv'])

// A connection is never reconnected, so that no command is sent twice.
const ONCE = {
  lazyConnect: true,
  retryStrategy: null,
  sentinelRetryStrategy: null,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  // The first run of the script checks more, and needs no permission for INFO.
  enableReadyCheck: false,
}
const CLUSTER = {
  lazyConnect: true,
  clusterRetryStrategy: null,
  enableReadyCheck: false,
  // A retry could send a command that has already been executed.
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
}

export const isIoredis = (client: unknown): client is IoredisLike =>
  isObject(client) && typeof client['status'] === 'string' && typeof client['call'] === 'function'

/** Whether this is version 4 or older, as shown by what version 5 removed and by what only version 5 has. */
export const isIoredis4 = (client: unknown): boolean =>
  isIoredis(client) && ('_addedScriptHashes' in client || (!('isCluster' in client) && hasOldParts(client)))

function hasOldParts(client: object): boolean {
  const { options } = client as { readonly options?: unknown }
  return 'connectionPool' in client || (isObject(options) && 'dropBufferSupport' in options)
}

export function ioredisPort(
  given: IoredisLike,
  connectTimeout: number,
  ended: (error: unknown) => void,
): RedisPort {
  const template = given as unknown as Client
  const once = { ...ONCE, connectTimeout }
  const { options, isCluster: clustered = false } = template
  const client = clustered
    ? template.duplicate([], {
        ...only(options, KEPT_OF_CLUSTER),
        ...CLUSTER,
        redisOptions: { ...only(options?.redisOptions, KEPT), ...once },
      })
    : template.duplicate({ ...only(options, KEPT), ...once })
  /** In a cluster, the subscribed connection to one node: every node receives all that is published. */
  let subscribed: Client | undefined
  let failure: unknown
  const watch = (each: Client, isNode: boolean): void => {
    // When the server refuses the credentials or the database, the client only emits an error and goes on.
    each.on('error', (error: never) => {
      failure = error
      if (isNode) ended(error)
    })
    each.on('end', () => ended(failure ?? new Error('the connection was closed')))
  }
  const connect = async (each: Client): Promise<void> => {
    try {
      const connected = each.connect()
      onNextTick(() => release(each)) // there is a socket by then
      await connected
    } catch (error) {
      throw failure ?? error
    }
    release(each)
    each.on('ready', () => release(each))
  }
  watch(client, !clustered)
  // A Cluster connects to a node on the first command for it, also to nodes that others have named, and reconnects.
  client.on('+node', (node: never) =>
    (node as Client).on('connecting', () => onNextTick(() => release(node))),
  )
  let heartbeat = (): Promise<unknown> | undefined => undefined

  return {
    clustered,
    connect: () => connect(client),
    send(commands) {
      // One write for all. A pipeline of the client would hold back each reply until the last one has arrived, so that a
      // reply out of place would go unnoticed.
      const { stream } = client
      stream?.cork?.()
      const replies = commands.map(({ args: [name = '', ...args] }) => client.call(name, args))
      stream?.uncork?.()
      return replies
    },
    async subscribe(channel, onMessage) {
      let single = client
      if (clustered) {
        const nodes = client.nodes?.('master') ?? []
        single = subscribed = nodes[Math.floor(Math.random() * nodes.length)]!.duplicate(once)
        watch(single, true)
        await connect(single)
      }
      single.on('message', (_channel: never, message: never) => onMessage(message))
      // Subscribes again, which the server confirms again. Replies to PING differ by mode and version.
      heartbeat = () => single.subscribe(channel)
      await heartbeat()
    },
    heartbeat: () => heartbeat(),
    destroy() {
      client.disconnect()
      subscribed?.disconnect()
    },
  }
}

/**
 * Closes a client that was made in this tick and connects by itself, before it opens a socket. It announces in Node's
 * next tick that it connects; a client that was made earlier has done so already, and is left alone.
 */
export function closeNewIoredis(given: IoredisLike): void {
  if (given.status !== 'connecting') return
  const client = given as unknown as Client
  const close = (): void => {
    client.on('error', () => {})
    client.disconnect()
  }
  client.on('connecting', close)
  onNextTick(() => client.off('connecting', close))
}

/** Keeps a client's connections from keeping the process alive, including the one that a Cluster subscribes with. */
function release(client: Client): void {
  const all = [...(client.nodes?.('all') ?? [client]), client.subscriber?.getInstance?.()]
  for (const each of all) each?.stream?.unref?.()
}
