import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../helpers/until.ts'
import type { Store } from './member-messages.ts'
import { MortalServer } from './mortal-server.ts'
import type { Fault, Stage } from './stage.ts'

const run = promisify(execFile)
const NODES = 6
const NODE_TIMEOUT = 2_000
/** The record of the breaker in the stories. */
const KEY = 'recloser:2:{payments}'

/** A cluster of three masters with a replica each. */
export class ClusterStage implements Stage {
  /** The failed master. */
  fallen: MortalServer | undefined
  readonly nodes: readonly MortalServer[]
  readonly store: Store

  private constructor(nodes: readonly MortalServer[]) {
    this.nodes = nodes
    this.store = { cluster: nodes.map(({ port }) => port) }
  }

  static async start(): Promise<ClusterStage> {
    const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT)]
    // A replica takes over no matter how long it has been disconnected from its master.
    options.push('--cluster-replica-validity-factor', '0')
    const nodes = await Promise.all(Array.from({ length: NODES }, () => MortalServer.start({ options })))
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'])
    const stage = new ClusterStage(nodes)
    await stage.whole(nodes)
    return stage
  }

  /** Waits until all these nodes report that the cluster is healthy. */
  async whole(nodes: readonly MortalServer[]): Promise<void> {
    const isFine = (node: MortalServer): Promise<boolean> =>
      node.as(async (admin) => (await admin.clusterInfo()).includes('cluster_state:ok'))
    await until(
      async () => (await Promise.all(nodes.map(isFine))).every(Boolean),
      () => 'the cluster is in order',
    )
  }

  slot(node: MortalServer): Promise<number> {
    return node.as(async (admin) => Number(await admin.sendCommand(['CLUSTER', 'KEYSLOT', KEY])))
  }

  /** The node that serves the slot of our key, as this node sees it. */
  async owner(asked: MortalServer): Promise<MortalServer> {
    const slot = await this.slot(asked)
    const ranges: unknown = await asked.as((admin) => admin.sendCommand(['CLUSTER', 'SLOTS']))
    const range = (ranges as [first: number, last: number, owner: [host: string, port: number]][]).find(
      ([first, last]) => first <= slot && slot <= last,
    )
    return this.nodes.find(({ port }) => port === range?.[2][1])!
  }

  async masters(): Promise<MortalServer[]> {
    const roles = await Promise.all(
      this.nodes.map((node) =>
        node.as(async (admin) => (await admin.info('replication')).includes('role:master')),
      ),
    )
    return this.nodes.filter((_, i) => roles[i])
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end()))
  }
}

const tell = (node: MortalServer, ...args: string[]): Promise<unknown> =>
  node.as((admin) => admin.sendCommand(args))
const idOf = async (node: MortalServer): Promise<string> => String(await tell(node, 'CLUSTER', 'MYID'))

/** Moves the slot of our key and its contents, as `redis-cli --cluster reshard` does. */
async function migrate(stage: ClusterStage): Promise<void> {
  const masters = await stage.masters()
  const from = await stage.owner(masters[0]!)
  const to = masters.find((master) => master !== from)!
  const slot = String(await stage.slot(from))
  await tell(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from))
  await tell(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to))
  await sleep(200)
  const keys = (await tell(from, 'CLUSTER', 'GETKEYSINSLOT', slot, '100')) as string[]
  for (const key of keys)
    await tell(from, 'MIGRATE', '127.0.0.1', String(to.port), key, '0', '1000', 'REPLACE')
  await sleep(200)
  const id = await idOf(to)
  for (const node of [to, from, ...masters]) await tell(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', id)
}

/** The owner of our slot fails, and its replica takes over. The owner stays down while the fleet is observed. */
function takeover(
  what: string,
  fall: (master: MortalServer) => Promise<void> | void,
  rise: (master: MortalServer) => Promise<void> | void,
): Fault<ClusterStage> {
  return {
    what,
    loses: false,
    async prepare(stage) {
      await stage.whole(stage.nodes)
      // The owner needs a replica with all of its data: one that was down may have other records.
      const owner = await stage.owner(stage.nodes[0]!)
      await until(
        () => owner.as(async (admin) => /^slave0:.*state=online/m.test(await admin.info('replication'))),
        () => 'the owner of our slot has a replica',
      )
    },
    async happen(stage) {
      const owner = await stage.owner(stage.nodes[0]!)
      stage.fallen = owner
      await fall(owner)
      const others = stage.nodes.filter((node) => node !== owner)
      return async () => {
        await until(
          async () => (await stage.owner(others[0]!)) !== owner,
          () => 'a replica takes over',
        )
        await stage.whole(others)
      }
    },
    async tidy(stage) {
      const { fallen } = stage
      stage.fallen = undefined
      if (fallen) await rise(fallen)
    },
  }
}

export const clusterFaults: readonly Fault<ClusterStage>[] = [
  {
    what: 'moves our slot from one node to another repeatedly',
    loses: false,
    async happen(stage) {
      const stop = new AbortController()
      const move = async (): Promise<void> => {
        while (!stop.signal.aborted) await migrate(stage)
      }
      const moving = move()
      return () => {
        stop.abort()
        return moving
      }
    },
  },
  takeover(
    'loses the master of our slot by kill -9 and promotes its replica',
    (master) => master.die(),
    (master) => master.comeBack('saved'),
  ),
  takeover(
    'has a master of our slot that hangs (SIGSTOP) and promotes its replica',
    (master) => master.freeze(),
    (master) => master.thaw(),
  ),
]
