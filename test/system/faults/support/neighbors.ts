import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CircuitBreakerState } from '../../../../src/base/state.ts'
import { CircuitBreaker, failureRate } from '../../../../src/index.ts'
import { RedisStorage } from '../../../../src/storage/redis/index.ts'
import { Dice, seeded } from '../../../../src/testing/storage-kit/random.ts'
import { until } from '../../../helpers/until.ts'
import { allFamilies, type Family } from './clients.ts'
import { fail, History, reasonOf, reporterOf, type WatchedBreaker } from './history.ts'
import { GARBAGE, Proxy, type Treatment, type Wire } from './proxy.ts'
import { startRedis, type RedisServer } from './redis-server.ts'
import { connect, type Client } from './script-storage.ts'

/** Breakers on one connection. Each is in another situation. */
const NAMES = ['search', 'cart', 'stock', 'payments', 'mail', 'users'] as const
type Name = (typeof NAMES)[number]

/** What befalls one reply, as `delay` and `reply` say; those after it arrive as they should, if at all. */
type Fate = (reply: Buffer, wire: Wire, delay: number) => Treatment | void

/** The states in which a fault must leave all breakers of these names. */
const ALWAYS: Partial<Record<string, CircuitBreakerState>> = {
  search: 'isolated',
  cart: 'open',
  users: 'closed',
}

const pass: Treatment = (reply, wire) => wire.send(reply)

const FATES: Readonly<Record<string, Fate>> = {
  lost: () => {},
  doubled: (reply, wire) => {
    wire.send(reply)
    wire.send(reply)
  },
  'swapped with the next': (reply, first) => {
    let held: Buffer | undefined = reply
    return (next, wire) => {
      wire.send(next)
      if (!held || wire !== first) return
      wire.send(held)
      held = undefined
    }
  },
  'overtaken by others': (reply, wire, delay) => void setTimeout(() => wire.send(reply), delay),
  'late, and so are all after it': (reply, first, delay) => {
    const held = [reply]
    let isLate = true
    setTimeout(() => {
      isLate = false
      for (const each of held) first.send(each)
    }, delay)
    return (next, wire) => void (isLate && wire === first ? held.push(next) : wire.send(next))
  },
  'cut in the middle': (reply, wire) => {
    wire.send(reply.subarray(0, reply.length >> 1))
    wire.cut()
  },
  'cut in the middle, half-closed': (reply, wire) => {
    wire.send(reply.subarray(0, reply.length >> 1))
    wire.halfClose()
  },
  'reset before it': (_reply, wire) => wire.reset(),
  'preceded by garbage': (reply, wire) => {
    wire.send(GARBAGE)
    wire.send(reply)
  },
}

/** Milliseconds between calls. */
const PACE = 20
/** Milliseconds for which breakers are watched after a fault. */
const AFTERMATH = 800
/** Milliseconds for which a network mistreats replies again and again. */
const MEDDLING = 8_000
/** The most lines in the log of a storage in a minute (F28b). */
const MOST_LINES = 6
/** Rounds that run at the same time. */
const AT_A_TIME = 4

// Each round has another one; a failure reports it.
let seed = 1

/** One round: two processes' worth of breakers, one of them behind a network that treats one reply badly. */
export class Neighbors {
  readonly #admin: Client
  readonly #proxy: Proxy
  readonly #prefix: string
  readonly #round: Round
  readonly #log: string[] = []
  readonly #dice: Dice
  readonly #random: () => number
  readonly #history = new History()
  readonly #storages: readonly RedisStorage[]
  readonly #breakers: readonly WatchedBreaker[]
  readonly #stop = new AbortController()
  readonly #traffic: Promise<void>
  #recovering = false
  #fate = ''

  private constructor(family: Family, server: { url: string }, proxy: Proxy, admin: Client, round: Round) {
    this.#admin = admin
    this.#proxy = proxy
    this.#round = round
    this.#random = seeded(round.seed)
    this.#dice = new Dice(this.#random)
    this.#prefix = `round-${round.seed}`
    const log = (line: string): void => void this.#log.push(line)
    this.#storages = [proxy.url, server.url].map(
      (url) => new RedisStorage({ client: () => family.single(url), prefix: this.#prefix, log }),
    )
    this.#breakers = this.#storages.flatMap((storage) => NAMES.map((name) => this.#create(name, storage)))
    this.#traffic = this.#drive()
  }

  /** Runs one round. Rejects if anything happened that must not happen. */
  static async survive(
    family: Family,
    server: { url: string; port: number },
    admin: Client,
    round: Round,
  ): Promise<void> {
    const proxy = await Proxy.to(server.port)
    const neighbors = new Neighbors(family, server, proxy, admin, round)
    try {
      await neighbors.#survive()
    } catch (error) {
      throw new Error(`in round ${JSON.stringify(round)}, with a reply ${neighbors.#fate}`, { cause: error })
    } finally {
      await neighbors.#end()
    }
  }

  async #survive(): Promise<void> {
    const began = performance.now()
    const [search, cart] = this.#breakers as [WatchedBreaker, WatchedBreaker]
    await until(
      () => this.#all(({ fleet }) => fleet?.link === 'live' && fleet.state !== null),
      'all take part',
    )
    search.breaker.isolate(reasonOf('search', 'maintenance'))
    cart.breaker.open({ for: 600_000, reason: reasonOf('cart', 'sale') })
    await until(
      () => this.#all(({ name, state }) => state === (ALWAYS[name] ?? state)),
      'the manual changes are made',
    )
    for (const each of this.#breakers) {
      const always = ALWAYS[each.breaker.name]
      if (always) each.staysAs(always)
    }
    await (this.#round.meddled ? this.#mistreatMany() : this.#mistreatOne())
    await sleep(AFTERMATH)
    this.#recovering = true
    await until(
      () => this.#agree(),
      () => `all agree: ${this.#describe()}`,
    )
    this.#stop.abort()
    await this.#traffic
    assert.deepEqual(this.#history.end(), [])
    const minutes = Math.ceil((performance.now() - began) / 60_000)
    assert.ok(this.#log.length <= MOST_LINES * minutes * this.#storages.length, this.#log.join('\n'))
  }

  /** One reply, not the first one, suffers one fate. */
  async #mistreatOne(): Promise<void> {
    const { seed } = this.#round
    this.#fate = Object.keys(FATES)[seed % Object.keys(FATES).length]!
    let before = this.#dice.integer(0, 30)
    let happened = false
    this.#proxy.treat((reply, wire) => {
      if (before-- > 0) return pass(reply, wire)
      happened = true
      this.#proxy.treat(this.#mistreat(this.#fate, reply, wire) ?? pass)
    })
    await until(() => happened, 'a reply')
  }

  /** Every now and then, and on new connections too, a reply suffers some fate. */
  async #mistreatMany(): Promise<void> {
    this.#fate = 'mistreated again and again'
    const fates = Object.keys(FATES) as [string, ...string[]]
    const now: Treatment = (reply, wire) => {
      if (!this.#dice.oneIn(20)) return pass(reply, wire)
      const then = this.#mistreat(this.#dice.pick(...fates), reply, wire)
      if (!then) return
      // It lasts for some replies.
      let left = 5
      this.#proxy.treat((next, to) => {
        then(next, to)
        if (--left === 0) this.#proxy.treat(now)
      })
    }
    this.#proxy.treat(now)
    await sleep(MEDDLING)
    this.#proxy.heal()
  }

  #mistreat(fate: string, reply: Buffer, wire: Wire): Treatment | void {
    return FATES[fate]!(reply, wire, this.#dice.integer(20, 1_500))
  }

  #create(name: Name, storage: RedisStorage): WatchedBreaker {
    const windowed = name === 'mail' || name === 'stock' || name === 'users'
    const breaker = new CircuitBreaker({
      name,
      storage,
      reporter: reporterOf(name),
      minReporters: 1,
      timeoutDuration: 300,
      ...(windowed ? { trip: failureRate({ threshold: 0.1, window: 2_000, minCalls: 10 }) } : { failMax: 5 }),
    })
    return this.#history.watch(breaker)
  }

  /** Makes calls through all breakers, and watches them. */
  async #drive(): Promise<void> {
    const calls = new Set<Promise<void>>()
    for (let time = 0; !this.#stop.signal.aborted; time++) {
      for (const each of this.#breakers) {
        each.observe()
        const fails =
          !this.#recovering && each.breaker.name !== 'users' && this.#random() * 100 < this.#round.failing
        const call = each.call(() => (fails ? fail() : undefined))
        calls.add(call)
        void call.then(() => calls.delete(call))
      }
      if (time % 4 === 0) await this.#readRecords()
      await sleep(PACE)
    }
    await Promise.all(calls)
  }

  async #readRecords(): Promise<Map<string, ReturnType<History['record']>>> {
    const records = new Map<string, ReturnType<History['record']>>()
    for (const key of await this.#admin.keys(`${this.#prefix}:*`)) {
      const name = /\{(.*)\}/.exec(key)![1]!
      records.set(name, this.#history.record(name, { ...(await this.#admin.hGetAll(key)) }))
    }
    return records
  }

  async #agree(): Promise<boolean> {
    if (this.#history.violations.size > 0) return true
    if (!this.#all(({ fleet }) => fleet?.link === 'live')) return false
    const records = await this.#readRecords()
    return this.#all(({ name, state, fleet }) => {
      const { epoch = 0, state: recorded = 'closed' } = records.get(name) ?? {}
      const expected = ALWAYS[name] ?? 'closed'
      return state === expected && recorded === expected && fleet?.epoch === epoch
    })
  }

  #all(condition: (snapshot: ReturnType<CircuitBreaker['snapshot']>) => boolean): boolean {
    return this.#breakers.every(({ breaker }) => condition(breaker.snapshot()))
  }

  #describe(): string {
    const views = this.#breakers.map(({ breaker }) => {
      const { state, scope, fleet } = breaker.snapshot()
      return `${breaker.name} ${state} ${scope} ${JSON.stringify(fleet)}`
    })
    return ['', ...views].join('\n')
  }

  async #end(): Promise<void> {
    this.#stop.abort()
    await this.#traffic
    await Promise.all(this.#breakers.map(({ breaker }) => breaker[Symbol.asyncDispose]()))
    await Promise.all(this.#storages.map((storage) => storage[Symbol.asyncDispose]()))
    await this.#proxy.close()
  }
}

/** The conditions of a round. */
export interface Round {
  readonly seed: number
  /** The percentage of calls that fail. */
  readonly failing: number
  /** Whether the network mistreats more than one reply. */
  readonly meddled: boolean
}

/** Defines the tests: so many rounds per client and percentage of failing calls. */
export async function survivesMistreatedReplies(rounds: number, meddled = 0): Promise<void> {
  const families = await allFamilies()
  describe(
    'F22b, I1–I6: breakers on one connection that loses, doubles, swaps, delays or cuts a reply stay themselves',
    { concurrency: 3 },
    () => {
      let server: RedisServer
      let admin: Client
      before(async () => {
        server = await startRedis()
        admin = await connect(server.url)
      })
      after(async () => {
        admin.destroy()
        await server.stop()
      })
      for (const family of families) {
        for (const failing of [0, 15, 100]) {
          it(`with ${family.name}, while ${failing} % of the calls fail`, async () => {
            const waiting = Array.from({ length: rounds + meddled }, (_, i) => ({
              seed: seed++,
              failing,
              meddled: i >= rounds,
            }))
            const failed: unknown[] = []
            const work = async (): Promise<void> => {
              for (let round = waiting.shift(); round; round = waiting.shift())
                await Neighbors.survive(family, server, admin, round).catch((error: unknown) =>
                  failed.push(error),
                )
            }
            // A round waits most of the time.
            await Promise.all(Array.from({ length: AT_A_TIME }, work))
            assert.ok(
              failed.length === 0,
              `${failed.length} of ${rounds + meddled} rounds: ${inspect(failed[0], { depth: 5 })}`,
            )
          })
        }
      }
    },
  )
}
