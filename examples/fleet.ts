/**
 * Three processes call one service, each through its own breaker, and share what they learn through Redis:
 *
 *   node examples/fleet.ts
 *   REDIS_URL=redis://127.0.0.1:6379 node examples/fleet.ts    (uses this Redis instead of starting a redis-server)
 *
 * The service is a real HTTP server on loopback that is down for a while. You see one opening reach every process, a
 * single probe on behalf of all of them, and the recovery. The part to copy is `work`, which every process runs.
 */
import { setTimeout } from 'node:timers/promises'
import { createClient } from 'redis'
import { CircuitBreaker, exponentialBackoff, isCircuitBreakerError } from 'recloser'
import { RedisStorage } from 'recloser/redis'
import { direct, type Report, type Role } from './support/fleet-stage.ts'

/** Sends a report to the parent process, which displays it, while that process is still connected. */
const report = (message: Report): void =>
  void (process.connected && process.send?.(message, undefined, undefined, () => {}))

async function work({ host, redis, service, every }: Role): Promise<void> {
  // One storage for all breakers of a process. It connects on first use.
  const storage = new RedisStorage({ client: () => createClient({ url: redis }), prefix: 'fleet-example' })

  const prices = new CircuitBreaker({
    name: 'prices', // the same in every process: it names the shared record
    storage,
    failMax: 3, // three failures in a row, whichever processes see them
    minReporters: 2, // on at least two hosts
    reporter: host, // these processes simulate hosts; omit this option on real ones
    timeoutDuration: exponentialBackoff({ initial: 2_000, max: 60_000 }),
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
      // A rejection never reached the service, and did not wait.
      report({ host, call: isCircuitBreakerError(error) ? 'rejected' : 'failed' })
    }
  }

  while (process.connected) {
    await ask()
    await setTimeout(every)
  }
  // Flush the breaker's unsent reports first, then close the connections.
  await prices[Symbol.asyncDispose]()
  await storage[Symbol.asyncDispose]()
}

// This file is both the process that you start and the three that it starts.
if (process.send) await work(JSON.parse(process.argv[2] ?? '') as Role)
else await direct(import.meta.filename)
