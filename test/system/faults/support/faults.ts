import assert from 'node:assert/strict'
import type { Proxy } from './proxy.ts'
import { connect, type Client } from './script-storage.ts'
import type { SingleStage } from './single-stage.ts'
import type { Fault } from './stage.ts'

type SingleFault = Fault<SingleStage>

const NOTHING = (): void => {}

async function addFillers({ server }: SingleStage): Promise<void> {
  const keys = Array.from({ length: 1_000 }, (_, i) => [`filler:${i}`, 'x'])
  await server.as((client) => client.sendCommand(['MSET', ...keys.flat()]))
  await server.save()
}

/** Repeats a step on a connection of its own until it is stopped. */
async function inLoop(
  { server }: SingleStage,
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

/**
 * A fault that makes the server answer with this error. It verifies that the server did so at least once, which proves
 * that the processes met this fault and no other.
 */
const answering =
  (error: string, happen: SingleFault['happen']): SingleFault['happen'] =>
  async (stage) => {
    const { server } = stage
    await server.as((admin) => admin.sendCommand(['CONFIG', 'RESETSTAT']))
    const end = await happen(stage)
    return async () => {
      await end()
      const errors = await server.as((admin) => admin.info('errorstats'))
      assert.match(errors, new RegExp(`errorstat_${error}:`))
    }
  }

/** Runs one command now, and another to end the fault. */
async function command(
  { server }: SingleStage,
  begin: string[],
  end: string[],
): Promise<() => Promise<void>> {
  await server.as((client) => client.sendCommand(begin))
  return () => server.as(async (client) => void (await client.sendCommand(end)))
}

/** Faults of the server. */
export const serverFaults = {
  killedEmpty: {
    what: 'is killed and comes back empty',
    loses: true,
    async happen({ server }) {
      await server.die()
      return () => server.comeBack('empty')
    },
  },
  killedWithOldData: {
    what: 'is killed and comes back with old data',
    loses: true,
    prepare: ({ server }) => server.save(),
    async happen({ server }) {
      await server.die()
      return () => server.comeBack('saved')
    },
  },
  hung: {
    what: 'hangs (SIGSTOP) and continues',
    loses: true,
    happen: ({ server }) => {
      server.freeze()
      return Promise.resolve(() => server.thaw())
    },
  },
  forgetful: {
    what: 'forgets the script repeatedly (SCRIPT FLUSH)',
    loses: false,
    happen: (stage) => inLoop(stage, (client) => client.scriptFlush()),
  },
  full: {
    what: 'has no memory left (OOM)',
    loses: true,
    readable: true,
    happen: answering('OOM', (stage) =>
      command(stage, ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']),
    ),
  },
  replica: {
    what: 'has become a replica (READONLY)',
    loses: true,
    readable: true,
    happen: answering('READONLY', (stage) =>
      command(stage, ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']),
    ),
  },
  loading: {
    what: 'loads its data (LOADING)',
    loses: true,
    prepare: addFillers,
    happen: answering('LOADING', async ({ server }) => {
      await server.die()
      // 3 ms per key, and connections are served between keys.
      const slowly = ['--key-load-delay', '3000', '--loading-process-events-interval-bytes', '1024']
      const loaded = server.comeBack('saved', ...slowly)
      return () => loaded
    }),
  },
  busy: {
    what: 'is busy with the script of another client (BUSY)',
    loses: true,
    happen: answering('BUSY', async ({ server }) => {
      await server.as((client) => client.configSet('busy-reply-threshold', '20'))
      const other = await connect(server.url)
      const endless = other.eval('while true do end', {}).catch(NOTHING)
      return async () => {
        await server.as((client) => client.scriptKill())
        await endless
        other.destroy()
      }
    }),
  },
} satisfies Record<string, SingleFault>

/** Faults from which a record recovers only at the next attempt, after 30 s (F16). */
export const slowFaults: readonly SingleFault[] = [
  {
    what: 'revokes access to our keys (NOPERM)',
    loses: true,
    happen: answering('NOPERM', (stage) =>
      command(
        stage,
        ['ACL', 'SETUSER', 'default', 'resetkeys', '~filler:*'],
        ['ACL', 'SETUSER', 'default', '~*'],
      ),
    ),
  },
  {
    what: 'revokes the right to run scripts (NOPERM)',
    loses: true,
    happen: answering('NOPERM', (stage) =>
      command(
        stage,
        ['ACL', 'SETUSER', 'default', '-eval', '-evalsha'],
        ['ACL', 'SETUSER', 'default', '+@all'],
      ),
    ),
  },
  {
    what: 'has a foreign value under our key (WRONGTYPE)',
    loses: true,
    happen: answering('WRONGTYPE', async ({ server }) => {
      const key = 'recloser:2:{payments}'
      await server.as((client) => client.set(key, 'theirs'))
      return () =>
        server.as(async (client) => {
          assert.equal(await client.get(key), 'theirs', 'F16: what is foreign is not written')
          await client.del(key)
        })
    }),
  },
]

const brief = (what: string, happen: (proxy: Proxy) => void): SingleFault => ({
  what,
  loses: false,
  happen: ({ proxy }) => {
    happen(proxy)
    return Promise.resolve(NOTHING)
  },
})

const lasting = (what: string, happen: (proxy: Proxy) => void): SingleFault => ({
  what,
  loses: true,
  happen: ({ proxy }) => {
    happen(proxy)
    return Promise.resolve(() => proxy.heal())
  },
})

/** Faults of the network between the processes and the store. */
export const networkFaults = {
  cut: brief('closes all connections', (proxy) => proxy.cut()),
  reset: brief('resets all connections', (proxy) => proxy.reset()),
  halfClosed: brief('half-closes all connections', (proxy) => proxy.halfClose()),
  garbled: lasting('answers with garbage', (proxy) => proxy.garble()),
  silent: lasting('carries out commands and never answers', (proxy) => proxy.withholdReplies()),
} satisfies Record<string, SingleFault>
