/**
 * Three processes ask one service, each through a breaker of its own, and share what they learn through Redis:
 *
 *   node examples/fleet.ts
 *   REDIS_URL=redis://127.0.0.1:6379 node examples/fleet.ts    (instead of a redis-server of its own)
 *
 * The service is a real HTTP server on loopback that is down for a while. You see one opening reach all, one probe for
 * all, and the recovery. What you would copy is `work`: what each process does.
 */
import { setTimeout } from 'node:timers/promises'
import { createClient } from 'redis'
import { CircuitBreaker, isCircuitBreakerError } from 'recloser'
import { RedisStorage } from 'recloser/redis'
import { direct, type Report, type Role } from './support/fleet-stage.ts'

/** Tells the process that shows it all, as long as that is there. */
const report = (what: Report): void =>
  void (process.connected && process.send?.(what, undefined, undefined, () => {}))

async function work({ host, redis, service, every }: Role): Promise<void> {
  // One storage for all breakers of a process. It connects when it is first needed.
  const storage = new RedisStorage({ client: () => createClient({ url: redis }), prefix: 'fleet-example' })

  const prices = new CircuitBreaker({
    name: 'prices', // the same in every process: it names the shared record
    storage,
    failMax: 3, // three failures in a row, whichever processes see them
    minReporters: 2, // on at least two hosts
    reporter: host, // these processes stand for hosts; on real ones leave it out
    timeoutDuration: 2_000,
    callTimeout: 1_000,
    listeners: [
      {
        stateChange: ({ to, reason }) => report({ host, to, reason }),
        link: ({ state, error }) => console.error(`${host}: the link to Redis is ${state}`, error ?? ''),
      },
    ],
  })

  async function ask(): Promise<void> {
    try {
      await prices.run(async ({ signal }) => {
        const response = await fetch(service, { signal, headers: { 'x-host': host } })
        if (!response.ok) throw new Error(`HTTP ${response.status}`)
        return response.text()
      })
      report({ host, call: 'answered' })
    } catch (error) {
      // Nobody was asked, and nobody waited.
      report({ host, call: isCircuitBreakerError(error) ? 'rejected' : 'failed' })
    }
  }

  while (process.connected) {
    await ask()
    await setTimeout(every)
  }
  // First the breaker tells what it has not told, then the connections are closed.
  await prices[Symbol.asyncDispose]()
  await storage[Symbol.asyncDispose]()
}

// This file is both: the process that you start, and the three that it starts.
if (process.send) await work(JSON.parse(process.argv[2] ?? '') as Role)
else await direct(import.meta.filename)
