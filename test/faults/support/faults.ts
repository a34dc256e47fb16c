import type { MortalServer } from './mortal-server.ts'
import type { Proxy } from './proxy.ts'
import { connect, type Client } from './script-storage.ts'

/** What a fault can happen to. */
export interface Scene {
  readonly server: MortalServer
  readonly proxy: Proxy
}

/** One way for a store to be of no use. */
export interface Fault {
  /** Completes the sentence "a store that …". */
  readonly what: string
  /** Whether every process loses the store until the fault ends; else they may not even notice. */
  readonly loses: boolean
  /** What the server must have answered at least once: proof that the processes met this fault and no other. */
  readonly answers?: string
  /** Before the fleet opens. */
  readonly prepare?: (scene: Scene) => Promise<void>
  /** Resolves to what ends it. */
  readonly happen: (scene: Scene) => Promise<() => Promise<void> | void>
}

const NOTHING = (): void => {}

async function addFillers({ server }: Scene): Promise<void> {
  const keys = Array.from({ length: 1_000 }, (_, i) => [`filler:${i}`, 'x'])
  await server.as((client) => client.sendCommand(['MSET', ...keys.flat()]))
  await server.save()
}

/** Repeats something on a connection of its own until it is told to stop. */
async function inLoop(
  { server }: Scene,
  step: (client: Client) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const client = await connect(server.url)
  const stop = new AbortController()
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) await step(client)
  }
  const looping = loop()
  return async () => {
    stop.abort()
    await looping
    client.destroy()
  }
}

/** Carries out a command now and another one to end it. */
async function command({ server }: Scene, begin: string[], end: string[]): Promise<() => Promise<void>> {
  await server.as((client) => client.sendCommand(begin))
  return () => server.as(async (client) => void (await client.sendCommand(end)))
}

export const serverFaults: readonly Fault[] = [
  {
    what: 'is killed and comes back empty',
    loses: true,
    async happen({ server }) {
      await server.die()
      return () => server.comeBack('empty')
    },
  },
  {
    what: 'is killed and comes back with old data',
    loses: true,
    prepare: ({ server }) => server.save(),
    async happen({ server }) {
      await server.die()
      return () => server.comeBack('saved')
    },
  },
  {
    what: 'hangs (SIGSTOP) and goes on',
    loses: true,
    happen: ({ server }) => {
      server.freeze()
      return Promise.resolve(() => server.thaw())
    },
  },
  {
    what: 'forgets the script again and again (SCRIPT FLUSH)',
    loses: false,
    happen: (scene) => inLoop(scene, (client) => client.scriptFlush()),
  },
  {
    what: 'has no memory left (OOM)',
    loses: true,
    answers: 'OOM',
    happen: (scene) =>
      command(scene, ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']),
  },
  {
    what: 'has become a replica (READONLY)',
    loses: true,
    answers: 'READONLY',
    happen: (scene) => command(scene, ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']),
  },
  {
    what: 'loads its data (LOADING)',
    loses: true,
    answers: 'LOADING',
    prepare: addFillers,
    async happen({ server }) {
      await server.die()
      // 3 ms per key, and a look at the connections between keys.
      const slowly = ['--key-load-delay', '3000', '--loading-process-events-interval-bytes', '1024']
      const loaded = server.comeBack('saved', ...slowly)
      return () => loaded
    },
  },
  {
    what: 'is busy with the script of somebody else (BUSY)',
    loses: true,
    answers: 'BUSY',
    async happen({ server }) {
      await server.as((client) => client.configSet('busy-reply-threshold', '20'))
      const other = await connect(server.url)
      const endless = other.eval('while true do end', {}).catch(NOTHING)
      return async () => {
        await server.as((client) => client.scriptKill())
        await endless
        other.destroy()
      }
    },
  },
]

/** Those that a record of its own recovers from only when it is looked at again, after 30 s (F16). */
export const slowFaults: readonly Fault[] = [
  {
    what: 'takes back the right to use our keys (NOPERM)',
    loses: true,
    answers: 'NOPERM',
    happen: (scene) =>
      command(
        scene,
        ['ACL', 'SETUSER', 'default', 'resetkeys', '~filler:*'],
        ['ACL', 'SETUSER', 'default', '~*'],
      ),
  },
  {
    what: 'takes back the right to run scripts (NOPERM)',
    loses: true,
    answers: 'NOPERM',
    happen: (scene) =>
      command(
        scene,
        ['ACL', 'SETUSER', 'default', '-eval', '-evalsha'],
        ['ACL', 'SETUSER', 'default', '+@all'],
      ),
  },
  {
    what: "has somebody else's value under our key (WRONGTYPE)",
    loses: true,
    answers: 'WRONGTYPE',
    async happen({ server }) {
      const key = 'recloser:1:{payments}'
      await server.as((client) => client.set(key, 'theirs'))
      return () =>
        server.as(async (client) => {
          if ((await client.get(key)) !== 'theirs') throw new Error('F16: what is foreign has been written')
          await client.del(key)
        })
    },
  },
]

const brief = (what: string, happen: (proxy: Proxy) => void): Fault => ({
  what,
  loses: false,
  happen: ({ proxy }) => {
    happen(proxy)
    return Promise.resolve(NOTHING)
  },
})

const lasting = (what: string, happen: (proxy: Proxy) => void): Fault => ({
  what,
  loses: true,
  happen: ({ proxy }) => {
    happen(proxy)
    return Promise.resolve(() => proxy.heal())
  },
})

export const networkFaults: readonly Fault[] = [
  brief('closes all connections', (proxy) => proxy.cut()),
  brief('resets all connections', (proxy) => proxy.reset()),
  brief('half-closes all connections', (proxy) => proxy.halfClose()),
  lasting('answers with garbage', (proxy) => proxy.garble()),
  lasting('carries out what it is told and never answers', (proxy) => proxy.eatReplies()),
]
