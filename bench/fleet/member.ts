// A process of the fleet that bench/fleet/spread.ts measures. Arguments: the URL of the server, the number of breakers.
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { recloser, redis } from '../libraries.ts'

/** A command to a member. */
export type Command =
  | { readonly do: 'take part' | 'rest' | 'fail' | 'close' | 'race' }
  | { readonly do: 'open'; readonly for: number }

/** A message from a member. `at` is in milliseconds of a clock that all processes of the machine share. */
export type Message =
  | { readonly type: 'done' }
  | { readonly type: 'open' | 'closed'; readonly at: number }
  | { readonly type: 'probes'; readonly count: number }

const [, , url = '', count = '1'] = process.argv
const now = (): number => performance.timeOrigin + performance.now()
const send = (message: Message): void => void process.send?.(message)
const PROBES = 3

const storages = Array.from(
  { length: Number(count) },
  () => new redis.RedisStorage({ client: () => createClient({ url }) }),
)
const breakers = storages.map(
  (storage) =>
    new recloser.CircuitBreaker({
      name: 'payments',
      storage,
      reporter: `host-${process.pid}`,
      trip: recloser.failureCount({ count: 2, window: 10_000 }),
      timeoutDuration: 60_000,
      halfOpen: { calls: PROBES },
    }),
)
for (const breaker of breakers) {
  breaker.addListener({
    stateChange: ({ to, scope }) => {
      if (to === 'closed' || (to === 'open' && scope === 'fleet')) send({ type: to, at: now() })
    },
  })
}

const each = async (run: (breaker: (typeof breakers)[number]) => Promise<unknown>): Promise<void> => {
  await Promise.all(breakers.map((breaker) => run(breaker).catch(() => {})))
}
const isLive = (): boolean => breakers.every((breaker) => breaker.snapshot().fleet?.link === 'live')

/** No probe ends before all breakers have asked for a lease, so that none can use the lease of another. */
async function race(): Promise<number> {
  let probes = 0
  const end = AbortSignal.timeout(1_500)
  const attempts = Array.from({ length: 10 }, async (_, attempt) => {
    await sleep(attempt * 100)
    await each((breaker) =>
      breaker.run(async () => {
        probes++
        if (!end.aborted) await once(end, 'abort')
      }),
    )
  })
  await Promise.all(attempts)
  return probes
}

let traffic: NodeJS.Timeout | undefined

async function carryOut(command: Command): Promise<Message> {
  switch (command.do) {
    case 'take part':
      traffic ??= setInterval(() => void each((breaker) => breaker.call(async () => {})), 100)
      while (!isLive()) await sleep(50)
      break
    case 'fail':
      await each((breaker) => breaker.call(() => Promise.reject(new Error('down'))))
      break
    case 'open':
      breakers[0]?.open({ for: command.for })
      break
    case 'close':
      breakers[0]?.close()
      break
    case 'rest':
      clearInterval(traffic)
      break
    case 'race':
      return { type: 'probes', count: await race() }
  }
  return { type: 'done' }
}

// The measuring process has exited.
process.on('disconnect', () => process.exit())
process.on('message', (command: Command) => void carryOut(command).then(send))
