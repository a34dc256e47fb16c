// Measures what it costs to observe many breakers: a snapshot of 1,000, and a stream of their events.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { dashboard, monitor, recloser } from './libraries.ts'
import { median } from './median.ts'

const BREAKERS = 1_000

export interface Operation {
  /** Median milliseconds for a snapshot of 1,000 breakers with two minutes of history. */
  readonly snapshot: number
  /** The share of one core that a stream of 1,000 breakers takes, each of which is called every second. */
  readonly stream: number
}

export async function measureOperation(quick: boolean): Promise<Operation> {
  return { snapshot: await snapshotTime(quick ? 3 : 50), stream: await streamShare(quick ? 1_500 : 15_000) }
}

async function snapshotTime(rounds: number): Promise<number> {
  let time = 0
  const clock = { now: () => time }
  const { breakers, watcher } = watched(clock)
  for (let second = 0; second < 130; second++) {
    time = second * 1_000
    for (const breaker of breakers) {
      await breaker.call(async () => (time += 0.01))
      if (second % 7 === 0) await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
    }
  }
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now()
    const { breakers: reports } = watcher.snapshot()
    const took = performance.now() - start
    if (reports.length !== BREAKERS) throw new Error(`Expected ${BREAKERS} reports, got ${reports.length}`)
    return took
  })
  return median(times)
}

/** Measures the CPU time of this process beyond what the calls take; the reader runs in another process. */
async function streamShare(period: number): Promise<number> {
  const { breakers, watcher } = watched()
  const board = dashboard.createDashboard(watcher)
  const server = createServer(board.node).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const traffic = setInterval(() => {
    for (const breaker of breakers) void breaker.call(async () => 42)
  }, 500)
  await sleep(1_000)
  const before = await cpuShare(period)
  const { port } = server.address() as AddressInfo
  const reader = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `for await (const _ of (await fetch('http://127.0.0.1:${port}/events')).body);`,
  ])
  await sleep(2_000)
  const during = await cpuShare(period)
  clearInterval(traffic)
  if (reader.exitCode !== null) throw new Error(`The reader of the stream ended: ${reader.exitCode}`)
  reader.kill()
  board.close()
  server.close()
  await once(server, 'close')
  return during - before
}

function watched(clock?: { now: () => number }): {
  readonly breakers: InstanceType<typeof recloser.CircuitBreaker>[]
  readonly watcher: InstanceType<typeof monitor.CircuitBreakerMonitor>
} {
  const watcher = new monitor.CircuitBreakerMonitor()
  const breakers = Array.from(
    { length: BREAKERS },
    (_, n) => new recloser.CircuitBreaker({ name: `host-${n}.example.com`, clock }),
  )
  for (const breaker of breakers) watcher.watch(breaker)
  return { breakers, watcher }
}

async function cpuShare(period: number): Promise<number> {
  const start = performance.now()
  const before = process.cpuUsage()
  await sleep(period)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / (performance.now() - start)
}
