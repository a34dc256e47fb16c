// A process under load, with the version of the package that its settings name. Its only argument is UpgradeSettings in
// JSON. It does what its parent tells it, and reports to it every 20 ms.
import { pathToFileURL } from 'node:url'
import process from 'node:process'
import { createClient } from 'redis'
import type { CircuitBreaker } from '../../../../src/index.ts'
import type { RedisStorage } from '../../../../src/storage/redis/index.ts'

/** The settings of a member. */
export interface UpgradeSettings {
  /** The file that exports the version's classes. */
  readonly library: string
  readonly url: string
  readonly reporter: string
}

/** What the parent tells a member. */
export type UpgradeOrder = 'fail' | 'work' | 'isolate' | 'close' | 'end'

/** What a member reports. */
export interface UpgradeReport {
  readonly state: string
  readonly scope: string
  readonly link: string
  readonly epoch: number
  /** Completed calls. */
  readonly calls: number
  /** What went wrong: errors that no call may see, events of the link, and lines of the log. */
  readonly faults: readonly string[]
}

interface Library {
  readonly CircuitBreaker: typeof CircuitBreaker
  readonly RedisStorage: typeof RedisStorage
}

const { library, url, reporter } = JSON.parse(process.argv[2] ?? '') as UpgradeSettings
const { CircuitBreaker: Breaker, RedisStorage: Storage } = (await import(
  pathToFileURL(library).href
)) as Library

const faults: string[] = []
const storage = new Storage({
  client: () => createClient({ url }),
  log: (line) => void faults.push(line),
})
const breaker = new Breaker({ name: 'payments', storage, reporter, failMax: 5, timeoutDuration: 500 })
breaker.addListener({ link: ({ state, error }) => void faults.push(`${state}: ${String(error)}`) })

class DependencyError extends Error {}
let fails = false
let calls = 0

async function ask(): Promise<void> {
  try {
    await breaker.call(async () => {
      if (fails) throw new DependencyError('down')
    })
  } catch (error) {
    const { name } = error as Error
    if (!(error instanceof DependencyError) && name !== 'CircuitBreakerError') faults.push(String(error))
  }
  calls++
}

const load = setInterval(() => void ask(), 5)
const report = (): void => {
  const { state, scope, fleet } = breaker.snapshot()
  const { link = 'none', epoch = 0 } = fleet ?? {}
  if (process.connected) process.send?.({ state, scope, link, epoch, calls, faults } satisfies UpgradeReport)
}
const reports = setInterval(report, 20)

process.on('message', (order: UpgradeOrder) => {
  if (order === 'fail') fails = true
  else if (order === 'work') fails = false
  else if (order === 'isolate') breaker.isolate('maintenance')
  else if (order === 'close') breaker.close()
  else void end()
})

async function end(): Promise<void> {
  clearInterval(load)
  clearInterval(reports)
  await breaker[Symbol.asyncDispose]()
  await storage[Symbol.asyncDispose]()
  report()
  process.disconnect()
}
