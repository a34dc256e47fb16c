// Measures what sharing a breaker costs the process and the store.
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { recloser, redis } from '../libraries.ts'
import { connect, type Client } from '../../test/system/faults/support/script-storage.ts'
import { heapUsed } from '../../test/helpers/heap.ts'
import { median } from '../median.ts'

const SLOW_RATE = 10
const FAST_RATE = 100_000
const BREAKERS = 1_000
/** The number of exchanges that are sent together when many breakers report (F24). */
const CHUNK = 100

export interface Load {
  /** Operations per second on the store, by one process with one breaker, at two rates of calls. */
  readonly operations: {
    readonly slow: { readonly calls: number; readonly perSecond: number }
    readonly fast: { readonly calls: number; readonly perSecond: number }
    /** Operations per second by 100 breakers that are no longer called. */
    readonly idle: number
  }
  /** Microseconds of server time for one exchange with a window of ten buckets, of those that are sent together. */
  readonly script: number
  /** Median milliseconds until 1,000 breakers have sent their counts. */
  readonly flush: number
  /** Bytes of heap for a breaker with a storage that has been called and has reported it. */
  readonly bytes: number
  /** Microseconds that aiobreaker's protocol, one GET and one SET per call, adds to a call over loopback. */
  readonly commandsPerCall: number
}

export async function measureLoad(url: string, quick: boolean): Promise<Load> {
  const admin = await connect(url)
  try {
    const period = quick ? 1_500 : 30_000
    return {
      operations: {
        slow: await operationsAt(SLOW_RATE, url, admin, period),
        fast: await operationsAt(FAST_RATE, url, admin, period),
        idle: await operationsOfIdle(url, admin, quick ? 1_000 : 10_000),
      },
      script: await scriptTime(url, admin, quick ? 200 : 20_000),
      flush: await flushTime(url, quick ? 2 : 20),
      bytes: await bytesOfBreaker(url, quick ? 200 : 2_000),
      commandsPerCall: await commandsPerCall(admin, quick ? 100 : 20_000),
    }
  } finally {
    admin.destroy()
  }
}

const newStorage = (url: string): InstanceType<typeof redis.RedisStorage> =>
  new redis.RedisStorage({ client: () => createClient({ url }) })

/** The number of script runs so far, and their total time in microseconds. */
async function scriptRuns(admin: Client): Promise<{ count: number; time: number }> {
  const info = await admin.info('commandstats')
  let [count, time] = [0, 0]
  for (const [, calls, usec] of info.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+),usec=(\d+)/gm)) {
    count += Number(calls)
    time += Number(usec)
  }
  return { count, time }
}

async function operationsAt(
  rate: number,
  url: string,
  admin: Client,
  period: number,
): Promise<{ calls: number; perSecond: number }> {
  const storage = newStorage(url)
  const breaker = new recloser.CircuitBreaker({ name: `at-${rate}`, storage })
  const work = async (): Promise<void> => {}
  let calls = 0
  // Timers fire late, so each makes all the calls that are due.
  const drive = async (ms: number): Promise<number> => {
    const begun = performance.now()
    for (let made = 0; ; await sleep(Math.max(1, 1_000 / rate))) {
      const elapsed = performance.now() - begun
      const due = (Math.min(elapsed, ms) / 1_000) * rate
      for (; made < due; made++, calls++) void breaker.call(work)
      if (elapsed >= ms) return elapsed
    }
  }
  await drive(1_000)
  calls = 0
  const { count } = await scriptRuns(admin)
  const seconds = (await drive(period)) / 1_000
  const perSecond = ((await scriptRuns(admin)).count - count) / seconds
  await storage[Symbol.asyncDispose]()
  return { calls: calls / seconds, perSecond }
}

async function operationsOfIdle(url: string, admin: Client, period: number): Promise<number> {
  const storage = newStorage(url)
  const breakers = Array.from(
    { length: 100 },
    (_, n) => new recloser.CircuitBreaker({ name: `idle-${n}`, storage }),
  )
  await Promise.all(breakers.map((breaker) => breaker.call(async () => {})))
  await sleep(3_000)
  const { count } = await scriptRuns(admin)
  await sleep(period)
  const perSecond = ((await scriptRuns(admin)).count - count) / (period / 1_000)
  await storage[Symbol.asyncDispose]()
  return perSecond
}

const RULE = recloser.failureRate({ threshold: 0.5, window: 10_000 })

async function scriptTime(url: string, admin: Client, times: number): Promise<number> {
  const storage = newStorage(url)
  const breakers = Array.from(
    { length: CHUNK },
    (_, n) => new recloser.CircuitBreaker({ name: `script-${n}`, storage, trip: RULE, reporter: 'host' }),
  )
  const exchange = async (): Promise<void> => {
    await Promise.all(breakers.map((breaker) => breaker.call(async () => {})))
    await Promise.all(breakers.map((breaker) => breaker.flush()))
  }
  for (let n = 0; n < 20; n++) await exchange()
  const before = await scriptRuns(admin)
  for (let n = 0; n < times; n += CHUNK) await exchange()
  const after = await scriptRuns(admin)
  await storage[Symbol.asyncDispose]()
  return (after.time - before.time) / (after.count - before.count)
}

async function flushTime(url: string, rounds: number): Promise<number> {
  const storage = newStorage(url)
  const breakers = Array.from(
    { length: BREAKERS },
    (_, n) => new recloser.CircuitBreaker({ name: `flush-${n}`, storage, trip: RULE }),
  )
  const times: number[] = []
  // The first round connects and creates the records, and is not timed.
  for (let round = -1; round < rounds; round++) {
    await Promise.all(breakers.map((breaker) => breaker.call(async () => {})))
    const start = performance.now()
    await Promise.all(breakers.map((breaker) => breaker.flush()))
    if (round >= 0) times.push(performance.now() - start)
  }
  await storage[Symbol.asyncDispose]()
  return median(times)
}

async function bytesOfBreaker(url: string, count: number): Promise<number> {
  const storage = newStorage(url)
  const kept: object[] = []
  const add = async (): Promise<number> => {
    const before = await heapUsed()
    for (let n = 0; n < count; n++) {
      const breaker = new recloser.CircuitBreaker({ name: `bytes-${kept.length}`, storage })
      kept.push(breaker)
      await breaker.call(async () => {})
    }
    await sleep(3_000)
    return ((await heapUsed()) - before) / count
  }
  // The first ones also pay for what all share.
  await add()
  const bytes = await add()
  await storage[Symbol.asyncDispose]()
  return bytes
}

/** Times what aiobreaker's CircuitRedisStorage does around each call that succeeds. */
async function commandsPerCall(admin: Client, times: number): Promise<number> {
  const work = async (): Promise<number> => 42
  const timed = async (call: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    for (let n = 0; n < times; n++) await call()
    return ((performance.now() - start) * 1_000) / times
  }
  const bare = await timed(work)
  const guarded = await timed(async () => {
    await admin.get('aiobreaker:state')
    const result = await work()
    await admin.set('aiobreaker:fail_counter', 0)
    return result
  })
  return guarded - bare
}
