import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../helpers/until.ts'
import type { Store } from './member-messages.ts'
import { MortalServer } from './mortal-server.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { launch, type RedisServer } from './redis-server.ts'
import { connect } from './script-storage.ts'
import type { Fault, Stage } from './stage.ts'

const MASTER = 'recloser'
const SENTINELS = 3
const QUORUM = 2
const DOWN_AFTER = 1_000

/** What a Sentinel reports about a server. */
type About = Readonly<Record<string, string>>

/** A master, a replica and three Sentinels. */
export class SentinelStage implements Stage {
  /** The failed master. */
  fallen: MortalServer | undefined
  readonly store: Store
  readonly #servers: readonly MortalServer[]
  readonly #sentinels: readonly RedisServer[]
  readonly #dir: string

  private constructor(servers: readonly MortalServer[], sentinels: readonly RedisServer[], dir: string) {
    this.#servers = servers
    this.#sentinels = sentinels
    this.#dir = dir
    this.store = { sentinels: sentinels.map(({ port }) => port), master: MASTER }
  }

  static async start(): Promise<SentinelStage> {
    const servers = await Promise.all([MortalServer.start(), MortalServer.start()])
    const [{ port }, replica] = servers
    await replica.as((admin) => admin.sendCommand(['REPLICAOF', '127.0.0.1', String(port)]))
    const dir = mkdtempSync(join(tmpdir(), 'recloser-sentinels-'))
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, async (_, i) => {
        const file = join(dir, `${i}.conf`)
        const about = [
          `sentinel monitor ${MASTER} 127.0.0.1 ${port} ${QUORUM}`,
          `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER}`,
          `sentinel failover-timeout ${MASTER} 5000`,
        ]
        writeFileSync(file, about.join('\n'))
        const how = { program: 'redis-sentinel', first: [file], ready: '+monitor' }
        return launch(await freePort(), [], how)
      }),
    )
    const stage = new SentinelStage(servers, sentinels, dir)
    await stage.whole()
    return stage
  }

  async #ask(sentinel: RedisServer, ...args: string[]): Promise<unknown> {
    const client = await connect(sentinel.url)
    try {
      return await client.sendCommand(['SENTINEL', ...args])
    } finally {
      client.destroy()
    }
  }

  /** The server that the Sentinels consider the master, once they agree. */
  async master(): Promise<MortalServer | undefined> {
    const answers = await Promise.all(
      this.#sentinels.map((each) => this.#ask(each, 'get-master-addr-by-name', MASTER)),
    )
    const [port, ...others] = answers.map((address) => Number((address as string[])[1]))
    if (others.some((other) => other !== port)) return undefined
    return this.#servers.find((server) => server.port === port)
  }

  /** Waits until the Sentinels are able to fail over: they know each other and a healthy replica. */
  async whole(): Promise<void> {
    const seen = new Map<number, unknown>()
    const isWhole = async (sentinel: RedisServer): Promise<boolean> => {
      const master = (await this.#ask(sentinel, 'master', MASTER)) as About
      const replicas = (await this.#ask(sentinel, 'replicas', MASTER)) as About[]
      seen.set(sentinel.port, [master, replicas])
      const inOrder = ({ flags, ...about }: About): boolean =>
        flags === 'slave' && about['master-link-status'] === 'ok'
      const knowsOthers = master['num-other-sentinels'] === String(SENTINELS - 1)
      return master['flags'] === 'master' && knowsOthers && replicas.some(inOrder)
    }
    await until(
      async () => (await Promise.all(this.#sentinels.map(isWhole))).every(Boolean),
      () => `the Sentinels know each other and a replica: ${JSON.stringify([...seen])}`,
    )
  }

  /** Waits until another server is the master. */
  async failover(from: MortalServer): Promise<void> {
    const isMaster = async (): Promise<boolean> => {
      const master = await this.master()
      if (!master || master === from) return false
      return master.as(async (admin) => (await admin.info('replication')).includes('role:master'))
    }
    await until(isMaster, () => 'a failover')
  }

  /** Makes a former master a replica. The Sentinels would do so too, but later. */
  async demote(server: MortalServer): Promise<void> {
    const master = await this.master()
    if (!master || master === server) return
    await server.as((admin) => admin.sendCommand(['REPLICAOF', '127.0.0.1', String(master.port)]))
  }

  async end(): Promise<void> {
    await Promise.all(this.#sentinels.map((each) => each.stop()))
    await Promise.all(this.#servers.map((each) => each.end()))
    rmSync(this.#dir, { recursive: true })
  }
}

/** The old master stays down while the fleet is observed, so that no process can still use it. */
function failover(
  what: string,
  fall: (master: MortalServer) => Promise<void> | void,
  rise: (master: MortalServer) => Promise<void> | void,
): Fault<SentinelStage> {
  return {
    what,
    loses: false,
    prepare: (stage) => stage.whole(),
    async happen(stage) {
      const master = await stage.master()
      if (!master) throw new Error('the Sentinels know no master')
      stage.fallen = master
      await fall(master)
      return () => stage.failover(master)
    },
    async tidy(stage) {
      const { fallen } = stage
      stage.fallen = undefined
      if (!fallen) return
      await rise(fallen)
      await stage.demote(fallen)
    },
  }
}

export const sentinelFaults: readonly Fault<SentinelStage>[] = [
  failover(
    'loses its master by kill -9 and gets another',
    (master) => master.die(),
    (master) => master.comeBack('empty'),
  ),
  failover(
    'has a master that hangs (SIGSTOP) and gets another',
    (master) => master.freeze(),
    (master) => master.thaw(),
  ),
]
