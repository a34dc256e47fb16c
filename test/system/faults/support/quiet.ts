import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { CircuitBreaker } from '../../../../src/index.ts'
import { RedisStorage } from '../../../../src/storage/redis/index.ts'
import { until } from '../../../helpers/until.ts'
import type { Family } from './clients.ts'
import { History } from './history.ts'
import { startRedis } from './redis-server.ts'
import { connect } from './script-storage.ts'

/** Lines in the log of a storage per minute (F28b). */
const MOST_LINES = 6
/** Milliseconds between calls. */
const PACE = 20

/** One process's worth of breakers, with what they and their storage report. */
class Quiet {
  readonly log: string[] = []
  readonly links: unknown[] = []
  readonly history = new History()
  readonly #storage: RedisStorage
  readonly #breakers: readonly ReturnType<History['watch']>[]

  constructor(family: Family, url: string) {
    const storage = new RedisStorage({
      client: () => family.single(url),
      log: (line) => void this.log.push(`${Math.round(performance.now())}: ${line}`),
    })
    this.#storage = storage
    this.#breakers = ['search', 'cart', 'mail'].map((name) => {
      const breaker = new CircuitBreaker({ name, storage })
      breaker.addListener({ link: ({ state }) => void this.links.push(`${name} ${state}`) })
      return this.history.watch(breaker)
    })
  }

  get isLive(): boolean {
    return this.#breakers.every(({ breaker }) => breaker.snapshot().fleet?.link === 'live')
  }

  async call(): Promise<void> {
    await Promise.all(this.#breakers.map((each) => each.call(() => {})))
  }

  async callFor(ms: number): Promise<void> {
    const end = performance.now() + ms
    while (performance.now() < end) {
      await this.call()
      await sleep(PACE)
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#breakers.map(({ breaker }) => breaker[Symbol.asyncDispose]()))
    await this.#storage[Symbol.asyncDispose]()
    assert.deepEqual(this.history.end(), [])
  }
}

/** The server closes the connections of an idle process, and then of one that makes calls. */
export async function idlesQuietly(family: Family, ms: number): Promise<void> {
  const server = await startRedis('--timeout', '2')
  const quiet = new Quiet(family, server.url)
  try {
    await quiet.call()
    await until(() => quiet.isLive, 'all take part')
    // On a busy machine, it may have been lost at first.
    quiet.log.length = quiet.links.length = 0
    const admin = await connect(server.url)
    // The connection for hints is never idle.
    const clients = async (): Promise<string[]> => {
      const list = await admin.sendCommand<string>(['CLIENT', 'LIST', 'TYPE', 'normal'])
      return [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => id!)
    }
    const before = await clients()
    await sleep(ms)
    const after = new Set(await clients())
    // The server has closed this one too.
    assert.deepEqual(
      before.filter((id) => after.has(id)),
      [],
    )
    admin.destroy()
    assert.deepEqual(quiet.log, [], 'F28b: a connection that rests is not worth a word')
    assert.deepEqual(quiet.links, [])
    await quiet.call()
    await until(() => quiet.isLive, 'all take part again')
    assert.deepEqual(quiet.log, [])
    assert.deepEqual(quiet.links, [])
  } finally {
    await quiet.end()
    await server.stop()
  }
}

/** All connections are killed every 200 ms. */
export async function saysLittle(family: Family, ms: number): Promise<void> {
  const server = await startRedis()
  const admin = await connect(server.url)
  const quiet = new Quiet(family, server.url)
  const stop = new AbortController()
  const kill = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const type of ['normal', 'pubsub'])
        await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'])
      await sleep(200)
    }
  }
  try {
    await quiet.call()
    await until(() => quiet.isLive, 'all take part')
    quiet.log.length = 0
    const killing = kill()
    await quiet.callFor(ms)
    stop.abort()
    await killing
    const minutes = Math.ceil(ms / 60_000)
    assert.ok(quiet.log.length <= MOST_LINES * minutes, `F28b: ${quiet.log.join('\n')}`)
    const live = async (): Promise<boolean> => {
      await quiet.call()
      return quiet.isLive
    }
    await until(live, 'the link is live')
  } finally {
    stop.abort()
    await quiet.end()
    admin.destroy()
    await server.stop()
  }
}
