import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { renderError } from '../../../../src/base/error-sink.ts'
import { CircuitBreaker, failureRate } from '../../../../src/index.ts'
import { RedisStorage } from '../../../../src/storage/redis/index.ts'
import { until } from '../../../helpers/until.ts'
import type { Family } from './clients.ts'
import { fail, History, reasonOf, type WatchedBreaker } from './history.ts'
import { startRedis, type RedisServer } from './redis-server.ts'
import { connect, type Client } from './script-storage.ts'

const EACH = 20
/** Breakers that write with each exchange, and breakers that only read while they are healthy. */
const WINDOWED = Array.from({ length: EACH }, (_, i) => `window${i}`)
const PLAIN = Array.from({ length: EACH }, (_, i) => `plain${i}`)
const NAMES = [...WINDOWED, ...PLAIN]
/** A breaker that has written a record, and whose record stays what it is. */
const GENUINE = WINDOWED.at(-1)!
/** Milliseconds between the calls of a breaker. */
const PACE = 200
/** Every so many breakers have failing calls; too few to open. */
const FAILING = 4
/** Milliseconds before a refused record is tried again (F16). */
const NEXT_LOOK = 30_000
/** Milliseconds without an answer after which the machine is said to have stood still: half a deadline. */
const STANDSTILL = 500
const MOST_TRIES = 3
/** Lines in the log of a storage per minute (F28b). */
const MOST_LINES = 6

/** How a store refuses what breakers want of it. */
export interface Refusal {
  /** Completes the sentence "a store that …". */
  readonly what: string
  /** Options of the server. */
  readonly options?: () => readonly string[]
  /** Begins it. Resolves to a function that ends it. */
  readonly begin: (stage: Stage) => Promise<() => Promise<unknown>>
  /** Whether it concerns this breaker while it is healthy. */
  readonly concerns: (name: string) => boolean
  /** Breakers of which it refuses manual changes. */
  readonly orders: readonly string[]
}

interface Stage {
  readonly admin: Client
  readonly server: RedisServer
  /** The key of a record. */
  readonly key: (name: string) => string
}

interface Seen {
  readonly name: string
  readonly at: number
  readonly state: string
  readonly error: string
  readonly unsent: string | undefined
}

const isWindowed = (name: string): boolean => name.startsWith('window')
const hasFailures = (name: string): boolean => NAMES.indexOf(name) % FAILING === 0
/** Without a window, only what fails is written. */
const writes = (name: string): boolean => isWindowed(name) || hasFailures(name)
const all = (): boolean => true

const rights =
  (...change: string[]): Refusal['begin'] =>
  async ({ admin }) => {
    await admin.aclSetUser('member', change)
    return () => admin.aclSetUser('member', ['allkeys', '+@all'])
  }

const setting =
  (name: string, value: string, normal: string): Refusal['begin'] =>
  async ({ admin }) => {
    await admin.configSet(name, value)
    return () => admin.configSet(name, normal)
  }

/** What a record is turned into, and what its breaker must say, or may say. */
interface Forgery {
  /** Changes the fields of a closed record; each character is a byte. */
  readonly change: (genuine: Fields) => Fields | string
  readonly says: 'foreign' | 'corrupt' | 'newer' | 'corrupt, or nothing'
}

type Fields = Readonly<Record<string, string>>

const withField =
  (field: string, value: string): Forgery['change'] =>
  (genuine) => ({ ...genuine, [field]: value })
const withLine =
  (part: RegExp, value: string): Forgery['change'] =>
  (genuine) => ({ ...genuine, recloser: genuine['recloser']!.replace(part, value) })
const withMany =
  (field: (i: number) => string, value: string): Forgery['change'] =>
  (genuine) => ({
    ...genuine,
    ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [field(i), value])),
  })
const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

const FORGERIES: readonly Forgery[] = [
  { change: () => 'theirs', says: 'foreign' },
  { change: ({ reason = 'none' }) => ({ reason }), says: 'foreign' },
  { change: withLine(/^\d+/, '999'), says: 'newer' },
  { change: withLine(/closed/, 'ajar'), says: 'corrupt' },
  { change: withLine(/epoch=\d+/, 'epoch=soon'), says: 'corrupt' },
  { change: withLine(/epoch=\d+/, `epoch=${'9'.repeat(400)}`), says: 'corrupt' },
  { change: withLine(/by=[\w-]*/, `by=${'x'.repeat(100_000)}`), says: 'corrupt' },
  { change: withLine(/by=[\w-]*/, 'by=\xed\xa0\x80'), says: 'corrupt' },
  { change: withLine(/$/, ' and=more'), says: 'corrupt' },
  { change: withField('reason', 'x'.repeat(300)), says: 'corrupt' },
  { change: withField('reason', utf8('🔌').repeat(100)), says: 'corrupt' },
  { change: withField('reason', 'f\xff\xfe\xc0\x80'), says: 'corrupt' },
  { change: withField('actor', 'x'.repeat(300)), says: 'corrupt' },
  { change: withField('run', `1,${'x'.repeat(33)}`), says: 'corrupt' },
  { change: withMany((i) => `field-${i}`, 'x'), says: 'corrupt, or nothing' },
  { change: withMany((i) => `${1_000 + i}:10:0`, '0:1;1,1,0,1a'), says: 'corrupt, or nothing' },
  { change: withMany((i) => `ring:${1_000 + i}:10:0`, '0:1;1,1,0,1a'), says: 'corrupt, or nothing' },
]
/** Half of the forged records belong to breakers of each kind. */
const forged = (i: number): string => (i % 2 === 0 ? WINDOWED : PLAIN)[2 + (i >> 1)]!
const FORGED = new Map(FORGERIES.map((forgery, i) => [forged(i), forgery]))

/** Writes forged records over those of some breakers; in the end they must be as they were. */
const forge: Refusal['begin'] = async ({ admin, key }) => {
  const genuine = { ...(await admin.hGetAll(key(GENUINE))) }
  for (const [name, { change }] of FORGED) {
    const value = change(genuine)
    assert.notDeepEqual(value, genuine)
    // At once, so that no breaker writes its record in between.
    const forging = admin.multi().del(key(name))
    if (typeof value === 'string') forging.set(key(name), value)
    else {
      const pairs = Object.entries(value).flat()
      forging.addCommand(['HSET', key(name), ...pairs.map((text) => Buffer.from(text, 'latin1'))])
    }
    await forging.exec()
  }
  const dump = (name: string): Promise<unknown> => admin.sendCommand(['DEBUG', 'DIGEST-VALUE', key(name)])
  const certain = [...FORGED].filter(([, { says }]) => !says.includes('nothing')).map(([name]) => name)
  const before = await Promise.all(certain.map(dump))
  return async () => {
    assert.deepEqual(await Promise.all(certain.map(dump)), before, 'F16: what is forged is left alone')
    await Promise.all([...FORGED.keys()].map((name) => admin.del(key(name))))
  }
}

export const REFUSALS: readonly Refusal[] = [
  {
    what: 'is full (OOM)',
    begin: setting('maxmemory', '1', '0'),
    concerns: writes,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'cannot save its data (MISCONF)',
    options: () => {
      const dir = mkdtempSync(join(tmpdir(), 'recloser-misconf-'))
      return ['--dir', dir, '--save', '3600', '1000000', '--enable-protected-configs', 'yes']
    },
    async begin({ admin }) {
      const { dir } = await admin.configGet('dir')
      rmSync(dir!, { recursive: true })
      const save = async (status: string): Promise<void> => {
        await admin.sendCommand(['BGSAVE']).catch(() => {})
        await until(
          async () => (await admin.info('persistence')).includes(`rdb_last_bgsave_status:${status}`),
          `saving is ${status}`,
        )
      }
      await save('err')
      return async () => {
        mkdirSync(dir!)
        await admin.configSet('dir', dir!)
        await save('ok')
        rmSync(dir!, { recursive: true })
      }
    },
    concerns: writes,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'has become a replica (READONLY)',
    async begin({ admin }) {
      await admin.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
      return () => admin.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    },
    concerns: all,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'revokes access to the keys of some (NOPERM)',
    begin: rights('resetkeys', '~*{plain*'),
    concerns: isWindowed,
    orders: ['window1'],
  },
  {
    what: 'revokes access to all keys (NOPERM)',
    begin: rights('resetkeys', '~nothing'),
    concerns: all,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'revokes the right to run scripts (NOPERM)',
    begin: rights('-eval', '-evalsha'),
    concerns: all,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'revokes the right to write (an error of the script)',
    begin: rights('-hset'),
    concerns: writes,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'revokes the right to read (an error of the script)',
    begin: rights('-hgetall', '-hget', '-hmget', '-type'),
    concerns: all,
    orders: ['window1', 'plain1'],
  },
  {
    what: 'has foreign and corrupt records',
    begin: forge,
    concerns: (name) => FORGED.has(name),
    orders: [forged(0), forged(1), forged(4)],
  },
]

class StoodStillError extends Error {
  constructor(milliseconds: number, cause: unknown) {
    super(`the machine stood still for ${Math.round(milliseconds)} ms`, { cause })
  }
}

/** One process with many breakers, of which a store refuses some or all. */
class Refused {
  readonly #stage: Stage
  readonly #storage: RedisStorage
  readonly #history = new History()
  readonly #breakers: ReadonlyMap<string, WatchedBreaker>
  readonly #log: string[] = []
  readonly #seen: Seen[] = []
  readonly #stop = new AbortController()
  readonly #traffic: Promise<unknown>
  /** The longest time that the server, or this process, has taken to answer, in milliseconds. */
  #longestSilence = 0
  /** The beginning of all keys. */
  #base = ''

  private constructor(family: Family, server: RedisServer, admin: Client) {
    this.#stage = { admin, server, key: (name) => `${this.#base}{${name}}` }
    const url = server.url.replace('//', '//member:secret@')
    const log = (line: string): void => void this.#log.push(line)
    const storage = new RedisStorage({ client: () => family.single(url), log })
    this.#storage = storage
    this.#breakers = new Map(NAMES.map((name) => [name, this.#create(name)]))
    this.#traffic = Promise.all([...NAMES.map((name, i) => this.#drive(name, i)), this.#listen()])
  }

  /** Has breakers survive a refusal; once more where this machine stood still, as that looks like an outage. */
  static async survive(family: Family, refusal: Refusal, length: Length): Promise<void> {
    for (let tries = 1; ; tries++)
      try {
        return await Refused.#surviveOnce(family, refusal, length)
      } catch (error) {
        if (!(error instanceof StoodStillError) || tries === MOST_TRIES) throw error
      }
  }

  static async #surviveOnce(family: Family, refusal: Refusal, length: Length): Promise<void> {
    const server = await startRedis('--enable-debug-command', 'yes', ...(refusal.options?.() ?? []))
    const admin = await connect(server.url)
    try {
      await admin.aclSetUser('member', ['on', '>secret', 'allkeys', 'allchannels', '+@all'])
      const refused = new Refused(family, server, admin)
      try {
        await refused.#survive(refusal, length)
      } catch (error) {
        if (refused.#longestSilence > STANDSTILL) throw new StoodStillError(refused.#longestSilence, error)
        throw error
      } finally {
        await refused.#end()
      }
    } finally {
      admin.destroy()
      await server.stop()
    }
  }

  async #survive({ begin, concerns, orders }: Refusal, { lasts, recovers }: Length): Promise<void> {
    const { admin } = this.#stage
    await until(() => NAMES.every((name) => this.#isLive(name)), 'all take part')
    const key = async (): Promise<string | undefined> => (await admin.keys(`*{${GENUINE}}`))[0]
    await until(async () => (await key()) !== undefined, 'a record')
    this.#base = (await key())!.replace(`{${GENUINE}}`, '')

    this.#seen.length = 0
    this.#log.length = 0
    const scripts = await this.#scripts()
    const began = performance.now()
    const endIt = await begin(this.#stage)
    try {
      await sleep(2_000)
      for (const name of orders) this.#breakers.get(name)!.breaker.isolate(reasonOf(name, 'maintenance'))
      await sleep(lasts === 'briefly' ? 3_000 : NEXT_LOOK + 5_000)
      const seconds = (performance.now() - began) / 1_000
      const made = (await this.#scripts()) - scripts
      // An exchange per second and breaker, and another one per failure, ten of them at once.
      const most = NAMES.length * (1.3 * seconds + 2) + (NAMES.length / FAILING) * (seconds + 10)
      assert.ok(made <= most, `${made} scripts in ${seconds} s`)
      this.#check(concerns, orders)
      assert.ok(this.#log.length <= MOST_LINES, this.#log.join('\n'))
    } finally {
      await endIt()
    }
    if (recovers) await this.#recover(orders)
    assert.deepEqual(this.#history.end(), [])
  }

  /** Checks what all breakers have said and are. */
  #check(concerns: Refusal['concerns'], orders: readonly string[]): void {
    for (const [name, { breaker }] of this.#breakers) {
      const seen = this.#seen.filter((each) => each.name === name)
      const ordered = orders.includes(name)
      const describe = (): string => `${name}: ${JSON.stringify(seen)}`
      const close = seen.filter(({ at }, i) => i > 0 && at - seen[i - 1]!.at < NEXT_LOOK * 0.95)
      assert.ok(close.length <= (ordered ? 1 : 0), `F28b: an event per 30 s, ${describe()}`)
      assert.equal(breaker.state, ordered ? 'isolated' : 'closed', describe())
      if (ordered)
        assert.equal(seen.at(-1)?.unsent, 'isolated', `F9b: it is reported as unsent, ${describe()}`)
      else if (!concerns(name)) assert.deepEqual(seen, [], `${name} is not concerned`)
      const says = concerns === FORGERY.concerns && FORGED.get(name)?.says
      if (!says) continue
      for (const { error } of seen) assert.ok(says.includes(error), `F16: ${says}, ${describe()}`)
      if (says.includes('nothing')) continue
      // An event less than 30 s before, while the store came up, delays this one; the snapshot shows it at once.
      assert.equal(breaker.snapshot().fleet!.link, 'degraded', `F16: ${name} is not ${says}`)
    }
  }

  /** Within the time of the next look, all are live, and the manual changes are made. */
  async #recover(orders: readonly string[]): Promise<void> {
    const { admin, key } = this.#stage
    await until(
      async () => {
        const records = await Promise.all(
          orders.map(async (name) => ({ ...(await admin.hGetAll(key(name))) })),
        )
        const states = orders.map((name, i) => this.#history.record(name, records[i]!).state)
        return states.every((state) => state === 'isolated') && NAMES.every((name) => this.#isLive(name))
      },
      () => JSON.stringify(NAMES.filter((name) => !this.#isLive(name))),
      NEXT_LOOK * 1.5,
    )
    for (const name of orders) {
      const last = (): Seen | undefined => this.#seen.findLast((each) => each.name === name)
      await until(
        () => last()?.state === 'live',
        () => JSON.stringify(last()),
        // An event that came too soon after another one waits.
        NEXT_LOOK * 1.5,
      )
      assert.equal(await admin.hGet(key(name), 'reason'), reasonOf(name, 'maintenance'))
    }
  }

  #create(name: string): WatchedBreaker {
    const trip = isWindowed(name) && failureRate({ threshold: 0.9, window: 10_000, minCalls: 20 })
    const breaker = new CircuitBreaker({
      name,
      storage: this.#storage,
      ...(trip ? { trip } : { failMax: 50 }),
    })
    breaker.addListener({
      link: ({ state, error, unsent }) => {
        const text = error === undefined ? '' : typeof error === 'string' ? error : renderError(error)
        this.#seen.push({ name, at: performance.now(), state, error: text, unsent })
      },
    })
    return this.#history.watch(breaker)
  }

  async #drive(name: string, i: number): Promise<void> {
    const breaker = this.#breakers.get(name)!
    await sleep((i * PACE) / NAMES.length)
    for (let time = 0; !this.#stop.signal.aborted; time++) {
      breaker.observe()
      await breaker.call(() => (hasFailures(name) && time % 3 === 0 ? fail() : undefined))
      await sleep(PACE)
    }
  }

  async #listen(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const began = performance.now()
      await sleep(PACE)
      // A server that cannot save its data refuses PING.
      await this.#stage.admin.echo('')
      this.#longestSilence = Math.max(this.#longestSilence, performance.now() - began - PACE)
    }
  }

  #isLive(name: string): boolean {
    return this.#breakers.get(name)!.breaker.snapshot().fleet?.link === 'live'
  }

  async #scripts(): Promise<number> {
    const stats = await this.#stage.admin.info('commandstats')
    const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+).*?rejected_calls=(\d+)/g)]
    return calls.reduce((sum, [, made, rejected]) => sum + Number(made) + Number(rejected), 0)
  }

  async #end(): Promise<void> {
    this.#stop.abort()
    await this.#traffic
    await Promise.all([...this.#breakers.values()].map(({ breaker }) => breaker[Symbol.asyncDispose]()))
    await this.#storage[Symbol.asyncDispose]()
  }
}

const FORGERY = REFUSALS.at(-1)!

/** How long a story is. */
export interface Length {
  readonly lasts: 'briefly' | 'beyond the next look'
  /** Whether it also waits for the recovery, up to the next look. */
  readonly recovers: boolean
}

export const survivesRefusal = (family: Family, refusal: Refusal, length: Length): Promise<void> =>
  Refused.survive(family, refusal, length)
