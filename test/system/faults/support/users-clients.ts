import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { RedisClientLike, RedisClientSource } from '../../../../src/storage/redis/index.ts'
import { manualChange } from '../../../../src/testing/storage-kit/commands.ts'
import { until } from '../../../helpers/until.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { MINIMAL } from './acl.ts'
import { eventually, exchanges, host, Member } from './fleet-member.ts'
import { launch, startRedis, type RedisServer } from './redis-server.ts'
import { connect, type Client } from './script-storage.ts'

type Options = Readonly<Record<string, unknown>>
type Kind = 'single' | 'sentinel' | 'cluster'

/** A client as its user sees it. */
interface Users {
  readonly client: RedisClientLike
  open(): Promise<unknown>
  ping(): Promise<unknown>
  close(): unknown
}

/** How the users of a library create clients: `of` takes options for the client, `node` those for its connections. */
interface Library {
  readonly name: string
  make(kind: Kind, of?: Options, node?: Options, server?: RedisServer): RedisClientLike
  use(client: RedisClientLike): Users
  /** Options of the user's own traffic, by what they are called in the messages of failed assertions. */
  readonly hostile: Readonly<Record<Kind, readonly (readonly [of: Options, node?: Options])[]>>
}

const MASTER = 'hostile'
let single: RedisServer
/** No Sentinel watches this server, so all its connections are known. */
let unwatched: RedisServer
let clustered: RedisServer
let sentinel: RedisServer

const at = ({ port }: RedisServer): { host: string; port: number } => ({ host: '127.0.0.1', port })

function nodeRedis(name: string, exported: object): Library {
  const { createClient, createCluster, createSentinel } = exported as Readonly<
    Record<string, (options: object) => RedisClientLike>
  >
  const withSocket = (server: RedisServer, { socket, ...rest }: Options = {}): object => ({
    ...rest,
    socket: { ...at(server), ...(socket as object) },
  })
  const aborted = new AbortController()
  aborted.abort()
  const is6 = name === 'node-redis 6'
  const toBuffers = { 36: Buffer, 43: Buffer, 61: Buffer, 42: Set, 58: String, 37: String }
  const nodes: readonly Options[] = [
    { commandsQueueMaxLength: 1 },
    { commandsQueueMaxLength: 3, disableOfflineQueue: true },
    { pingInterval: 20 },
    { readonly: true },
    { socket: { socketTimeout: 300 } },
    { socket: { connectTimeout: 1, reconnectStrategy: () => new Error('enough') } },
    { socket: { signal: aborted.signal } },
    { socket: { noDelay: false, keepAlive: false, reconnectStrategy: false } },
    { RESP: 3, emitInvalidate: true },
    { RESP: 3, maintNotifications: 'enabled' },
  ]
  const clients: readonly Options[] = [
    { commandOptions: { timeout: 1, typeMapping: toBuffers } },
    { RESP: 3, commandOptions: { typeMapping: toBuffers } },
    { RESP: 3, clientSideCache: { ttl: 10, maxEntries: 1, evictPolicy: 'LRU' } },
    { modules: { ping: { subscribe: {} } }, functions: { library: {} }, scripts: {} },
    ...(is6 ? [{ keyPrefix: 'theirs:' }, { RESP: 2 }] : []),
  ]
  return {
    name,
    make(kind, of = {}, node = {}, server = single) {
      if (kind === 'single') return createClient!({ ...of, ...withSocket(server, node) })
      if (kind === 'cluster')
        return createCluster!({ rootNodes: [withSocket(clustered, node)], defaults: node, ...of })
      return createSentinel!({
        name: MASTER,
        sentinelRootNodes: [at(sentinel)],
        nodeClientOptions: node,
        ...of,
      })
    },
    use(client) {
      const given = client as unknown as Readonly<
        Record<string, (...args: unknown[]) => Promise<unknown>>
      > & {
        on(event: string, listener: () => void): void
      }
      given.on('error', () => {})
      const ping = ['PING']
      const args =
        'getSlotRandomNode' in given
          ? [undefined, false, ping]
          : 'getSentinelNode' in given
            ? [false, ping]
            : [ping]
      return {
        client,
        open: () => given['connect']!(),
        ping: () => given['sendCommand']!(...args),
        close: () => given['destroy']!(),
      }
    },
    hostile: {
      single: [...nodes.map((node) => [{}, node] as const), ...clients.map((of) => [of] as const)],
      cluster: [
        ...nodes.map((node) => [{ RESP: node['RESP'] }, node] as const),
        ...clients.map((of) => [of] as const),
        [{ useReplicas: true, maxCommandRedirections: 0, minimizeConnections: false }],
      ],
      // A client for Sentinel of version 5 cannot be duplicated.
      sentinel: [
        ...(is6 ? nodes.map((node) => [{ RESP: node['RESP'] }, node] as const) : []),
        ...(is6 ? clients : clients.slice(0, 2)).map((of) => [of] as const),
        [{ masterPoolSize: 3, replicaPoolSize: 1, reserveClient: true, scanInterval: 50 }],
      ],
    },
  }
}

function ioredis(name: string, exported: object): Library {
  const { Redis, Cluster } = exported as Readonly<Record<string, new (...args: unknown[]) => RedisClientLike>>
  const nodes: readonly Options[] = [
    { keyPrefix: 'theirs:' },
    { commandTimeout: 1 },
    { socketTimeout: 300 },
    { connectTimeout: 1, disconnectTimeout: 1 },
    { maxRetriesPerRequest: null, retryStrategy: () => 1, reconnectOnError: () => 2 },
    { enableAutoPipelining: true, stringNumbers: true, readOnly: true },
    { protocol: 3, replyMapping: 'resp3' },
    { blockingTimeout: 1, noDelay: false, keepAlive: 1 },
    {
      scripts: {
        subscribe: { lua: 'return 1', numberOfKeys: 0 },
        call: { lua: 'return 1', numberOfKeys: 0 },
      },
    },
  ]
  const clients: readonly Options[] = [
    { enableOfflineQueue: false },
    { monitor: true },
    { role: 'slave', preferredSlaves: [{ ip: '127.0.0.1', port: '1' }] },
    { sentinelCommandTimeout: 1, sentinelMaxConnections: 0, failoverDetector: true },
    ...(name === 'ioredis 6' ? [{ himportFieldsets: [{ name: 'theirs', fields: ['a'] }] }] : []),
  ]
  const singles = [...nodes.map((node) => [{}, node] as const), ...clients.map((of) => [of] as const)]
  return {
    name,
    make(kind, of = {}, node = {}, server = single) {
      const lazy = { lazyConnect: true }
      if (kind === 'cluster') return new Cluster!([at(clustered)], { ...lazy, ...of, redisOptions: node })
      const where = kind === 'single' ? at(server) : { sentinels: [at(sentinel)], name: MASTER }
      return new Redis!({ ...where, ...lazy, ...of, ...node })
    },
    use(client) {
      const given = client as unknown as Readonly<
        Record<string, (...args: unknown[]) => Promise<unknown>>
      > & {
        on(event: string, listener: () => void): void
      }
      given.on('error', () => {})
      return {
        client,
        open: () => given['connect']!(),
        ping: () => given['ping']!(),
        close: () => given['disconnect']!(),
      }
    },
    hostile: {
      single: singles,
      sentinel: singles,
      cluster: [
        ...nodes.map((node) => [{}, node] as const),
        [{ keyPrefix: 'theirs:' }],
        [{ enableOfflineQueue: false, maxRedirections: 0 }],
        [{ scaleReads: 'slave', enableAutoPipelining: true, shardedSubscribers: true }],
        [{ slotsRefreshTimeout: 1, slotsRefreshInterval: 20, retryDelayOnMoved: 60_000 }],
        [{ clusterRetryStrategy: () => 1, clusterNodeRetryStrategy: () => 1 }],
      ],
    },
  }
}

const LIBRARIES: readonly Library[] = [
  nodeRedis('node-redis 6', await import('redis')),
  nodeRedis('node-redis 5', await import('redis-5')),
  ioredis('ioredis 6', await import('ioredis')),
  ioredis('ioredis 5', await import('ioredis-5')),
  ioredis('iovalkey', await import('iovalkey')),
]
/** What a storage is given, and the clients that must survive it. */
interface Given {
  readonly source: RedisClientSource
  readonly clients: readonly RedisClientLike[]
}

const isNodeRedis = ({ name }: Library): boolean => name.startsWith('node-redis')
const KINDS: readonly Kind[] = ['single', 'sentinel', 'cluster']

const dir = mkdtempSync(join(tmpdir(), 'recloser-sentinel-'))

before(async () => {
  single = await startRedis()
  unwatched = await startRedis()
  clustered = await startRedis('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1')
  const admin = await connect(clustered.url)
  await admin.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
  await until(
    async () => (await admin.clusterInfo()).includes('cluster_state:ok'),
    () => 'the cluster is in order',
  )
  admin.destroy()
  const file = join(dir, 'sentinel.conf')
  writeFileSync(file, `sentinel monitor ${MASTER} 127.0.0.1 ${single.port} 1\n`)
  sentinel = await launch(await freePort(), [], {
    program: 'redis-sentinel',
    first: [file],
    ready: '+monitor',
  })
})
after(async () => {
  await Promise.all([single, unwatched, clustered, sentinel].map((server) => server.stop()))
  rmSync(dir, { recursive: true })
})

const member = (client: RedisClientSource): Member =>
  new Member({ single: () => assert.fail() }, '', { client, connectDeadline: 10_000 })

/** Fails unless commands and hints of storages work, for longer than the time limits in the tables. */
async function work(members: ReadonlyMap<string, Member>): Promise<void> {
  const failed = new Set<string>()
  const each = async (todo: (member: Member, what: string) => Promise<unknown>): Promise<void> => {
    // One after another: clients of node-redis are slow to make.
    for (const [what, member] of members) {
      await todo(member, what).catch((error: unknown) => failed.add(`${what}: ${String(error)}`))
    }
  }
  await each(async (member, what) => {
    await member.listen()
    await Promise.all(Array.from({ length: 10 }, (_, i) => exchanges(member.storage, `${what} ${i}`)))
  })
  await sleep(1_500)
  await each(async ({ storage, hints, log }, what) => {
    await exchanges(storage, what)
    const { type } = await storage.change(what, manualChange(host, 'n', { to: 'isolated' }))
    assert.equal(type, 'changed')
    await eventually(
      () => hints.some((hint) => hint !== 'resync' && hint.name === storage.recordName(what)),
      'a hint',
    )
    assert.deepEqual(log, [])
    assert.equal(storage.state, 'live')
  })
  await Promise.all([...members.values()].map((member) => member.end()))
  assert.deepEqual([...failed], [])
}

/** Tests what a storage takes over from the clients of these libraries, and what it leaves alone (F27b). */
export function leavesClientsAlone(names: readonly string[]): void {
  for (const library of LIBRARIES.filter(({ name }) => names.includes(name))) {
    describe(`the clients of users of ${library.name}`, () => {
      let admin: Client

      before(async () => {
        admin = await connect(single.url)
      })
      beforeEach(async () => {
        await admin.flushAll()
        const node = await connect(clustered.url)
        await node.flushAll()
        node.destroy()
      })
      after(() => admin.destroy())

      for (const kind of KINDS) {
        it(`F27b: whatever they do to the user's own traffic, they leave ours alone (${kind})`, async () => {
          const members = library.hostile[kind].map(([of, node], i) => {
            const what = `${i} ${JSON.stringify({ ...of, node })}`.slice(0, 40)
            return [what, member(() => library.make(kind, of, node))] as const
          })
          await work(new Map(members))
          const keys = await admin.keys('*')
          for (const key of keys) assert.match(key, /^recloser:\d+:/)
        })
      }

      for (const kind of KINDS) {
        // A client for Sentinel of version 5 cannot be duplicated.
        if (library.name === 'node-redis 5' && kind === 'sentinel') continue

        const make = (): RedisClientLike => library.make(kind, { lazyConnect: false })
        // A client of ioredis opens itself.
        const start = (client: RedisClientLike): Promise<unknown> =>
          isNodeRedis(library) ? library.use(client).open() : library.use(client).ping()
        const opened = async (): Promise<RedisClientLike> => {
          const client = make()
          await start(client)
          return client
        }
        const opening = async (): Promise<RedisClientLike> => {
          const client = make()
          void start(client)
          await nextTurn()
          return client
        }
        const inTurn = (...clients: RedisClientLike[]): Given => {
          let calls = 0
          return { source: () => clients[calls++ % clients.length]!, clients }
        }

        const itself = (client: RedisClientLike): Given => ({ source: client, clients: [client] })
        const ways: Readonly<Record<string, () => Promise<Given> | Given>> = {
          'an open client': async () => itself(await opened()),
          'a client that is being opened': async () => itself(await opening()),
          'a client that is opened later': () => itself(library.make(kind)),
          'an open client that a function returns': async () => inTurn(await opened()),
          'a client that is being opened and that a function returns': async () => inTurn(await opening()),
          'a client that is opened later and that a function returns': () => inTurn(library.make(kind)),
          'a client that a function makes once': () => {
            const clients: RedisClientLike[] = []
            return { source: () => (clients[0] ??= make()), clients }
          },
          'each of two open clients that a function returns in turn': async () =>
            inTurn(await opened(), await opened()),
          'each of two clients that are being opened and that a function returns in turn': async () =>
            inTurn(await opening(), await opening()),
        }
        for (const [way, give] of Object.entries(ways)) {
          it(`F27b: ${way} belongs to the application (${kind})`, async () => {
            const node = await connect((kind === 'cluster' ? clustered : single).url)
            const { source, clients } = await give()
            const ours = member(source)
            const answer = async (): Promise<void> => {
              for (const client of clients) assert.equal(String(await library.use(client).ping()), 'PONG')
            }
            try {
              await ours.listen()
              await exchanges(ours.storage)
              const unopened = clients.filter((client) => (client as { isOpen?: boolean }).isOpen === false)
              await Promise.all(unopened.map(start))
              await answer()
              // The storage makes a new connection, from what it has been given.
              ours.hints.length = 0
              await node.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
              await eventually(() => ours.hints.includes('resync'), 'the subscription is back')
              await answer()
              await ours.end()
              await answer()
            } finally {
              await ours.end()
              for (const client of clients) await library.use(client).close()
              node.destroy()
            }
          })
        }
      }

      for (const kind of ['single', 'cluster'] as const) {
        it(`F27b: a function's new clients are closed before they connect (${kind})`, async (t) => {
          const node = await connect((kind === 'cluster' ? clustered : unwatched).url)
          const stat = async (section: string, name: string): Promise<number> =>
            Number(new RegExp(`${name}:(\\d+)`).exec(await node.info(section))?.[1])
          const connected = (): Promise<number> => stat('clients', 'connected_clients')
          const printed = t.mock.method(console, 'error', () => {})
          const made = await stat('stats', 'total_connections_received')
          const ours = member(() => library.make(kind, { lazyConnect: false }, {}, unwatched))
          try {
            await ours.listen()
            await exchanges(ours.storage)
            await sleep(200)
            // A client for a cluster makes more connections than the two that stay.
            if (kind === 'single') assert.equal(await stat('stats', 'total_connections_received'), made + 2)
            await ours.end()
            await eventually(async () => (await connected()) === 1, 'all are closed')
            assert.equal(printed.mock.callCount(), 0)
          } finally {
            await ours.end()
            node.destroy()
          }
        })
      }

      it('F29: the minimal ACL is sufficient on a numbered database, for a client with a name, too', async () => {
        const rules = ['reset', 'on', '>secret', ...MINIMAL, '+client|setname']
        const where = isNodeRedis(library) ? { database: 2, name: 'ours' } : { db: 2, connectionName: 'ours' }
        const numbered = (): RedisClientLike =>
          library.make('single', { username: 'numbered', password: 'secret', ...where })
        await admin.aclSetUser(
          'numbered',
          rules.filter((rule) => rule !== '+select'),
        )
        const refused = member(numbered)
        try {
          await assert.rejects(exchanges(refused.storage), /NOPERM .*'select'/)
          assert.deepEqual(await admin.keys('*'), [])
        } finally {
          await refused.end()
        }
        await admin.aclSetUser('numbered', rules)
        const named = member(numbered)
        await exchanges(named.storage)
        assert.match(
          JSON.stringify(await admin.sendCommand(['CLIENT', 'LIST'])),
          / name=ours .* user=numbered /,
        )
        await work(new Map([[library.name, named]]))
        assert.deepEqual(await admin.keys('*'), [])
      })
    })
  }
  if (names.includes('node-redis 5')) refusesWhatCannotBeDuplicated()
}

function refusesWhatCannotBeDuplicated(): void {
  describe('a client for Sentinel of node-redis 5, which cannot be duplicated', () => {
    const library = LIBRARIES.find(({ name }) => name === 'node-redis 5')!

    it('F27b: is refused if a function returns it again', async () => {
      const client = library.make('sentinel')
      const ours = member(() => client)
      try {
        await assert.rejects(exchanges(ours.storage), /Expected `client\(\)` to be a new client each time/)
        assert.equal((client as { isOpen?: boolean }).isOpen, false)
      } finally {
        await ours.end()
      }
    })

    it('F27b: is refused if it is open already', async () => {
      const clients = [library.use(library.make('sentinel')), library.use(library.make('sentinel'))]
      await Promise.all(clients.map((client) => client.open()))
      let calls = 0
      const ours = member(() => clients[calls++ % 2]!.client)
      try {
        await assert.rejects(exchanges(ours.storage), /Expected `client\(\)` to be a new client each time/)
        for (const client of clients) assert.equal(String(await client.ping()), 'PONG')
      } finally {
        await ours.end()
        await Promise.all(clients.map((client) => client.close()))
      }
    })
  })
}
