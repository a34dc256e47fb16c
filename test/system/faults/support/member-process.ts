// One process of a fleet: breakers on a RedisStorage, in front of a dependency. Its only argument is MemberSettings in
// JSON.
import { Agent, request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import {
  CircuitBreaker,
  failureRate,
  isCallTimeoutError,
  isCircuitBreakerError,
} from '../../../../src/index.ts'
import { renderError } from '../../../../src/base/error-sink.ts'
import { RedisStorage, type RedisClientLike } from '../../../../src/storage/redis/index.ts'
import { familyOf } from './clients.ts'
import type { LinkReport, MemberSettings, Message, Question, Tally, View } from './member-messages.ts'

const settings = JSON.parse(process.argv[2] ?? '') as MemberSettings
const { index, store, names = ['payments'], failureRateOver } = settings

const LOOK_EVERY = 10
const agent = new Agent({ keepAlive: true })
const ends: Record<string, number> = {}
const foreign: string[] = []
const backward: string[] = []
const links: LinkReport[] = []
let longestWait = 0
const lag = monitorEventLoopDelay({ resolution: 10 })
lag.enable()

const send = (message: Message): void => void (process.connected && process.send?.(message))

const family = await familyOf(settings.client)

function connect(): RedisClientLike {
  if ('url' in store) return family.single(store.url)
  return 'cluster' in store ? family.cluster(store.cluster) : family.sentinel(store.sentinels, store.master)
}

function reportLink(breaker: number | undefined, error: unknown, rest: Partial<LinkReport> = {}): void {
  const text = error === undefined ? undefined : renderError(error)
  links.push({ breaker, at: Date.now(), error: text, unsent: undefined, overtaken: undefined, ...rest })
}

const newStorage = (): RedisStorage =>
  new RedisStorage({ client: connect, log: (line) => reportLink(undefined, line), ...settings.storage })

const storages: RedisStorage[] = []
const breakers = names.map((name, at) => {
  const shared = names.indexOf(name) === at ? storages[0] : undefined
  const storage = shared ?? newStorage()
  if (!shared) storages.push(storage)
  const breaker = new CircuitBreaker({
    reporter: `host-${index}`,
    ...settings.breaker,
    name,
    storage,
    ...(failureRateOver !== undefined && {
      trip: failureRate({ threshold: 0.5, window: failureRateOver, minCalls: 5 }),
    }),
  })
  breaker.addListener({
    link: ({ error, unsent, overtaken }) => reportLink(at, error, { unsent, overtaken }),
  })
  return breaker
})

class DependencyError extends Error {}

/** Sends a request to the dependency. */
async function ask(breaker: number, signal: AbortSignal): Promise<void> {
  if (settings.dependency === undefined) return
  await new Promise<void>((resolve, reject) => {
    const failed = (error: unknown): void => reject(new DependencyError('down', { cause: error }))
    request(`${settings.dependency}/${index}/${process.pid}/${breaker}`, { agent, signal }, (response) => {
      const { statusCode } = response
      response
        .resume()
        .on('error', failed)
        .on('end', () => (statusCode === 200 ? resolve() : failed(statusCode)))
    })
      .on('error', failed)
      .end()
  })
}

function count(end: string): string {
  ends[end] = (ends[end] ?? 0) + 1
  return end
}

async function call(breaker: CircuitBreaker, at: number): Promise<string> {
  const began = performance.now()
  let waited: number | undefined
  const decided = (): void => {
    waited ??= performance.now() - began
    longestWait = Math.max(longestWait, waited)
  }
  try {
    await breaker.run(({ signal }) => {
      decided()
      return ask(at, signal)
    })
    return count('answered')
  } catch (error) {
    decided()
    if (isCircuitBreakerError(error)) return count(error.reason)
    if (error instanceof DependencyError || isCallTimeoutError(error)) return count('failed')
    foreign.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return count('foreign')
  }
}

// What it knows about the fleet

const isSame = (one: View, other: View): boolean =>
  one.state === other.state &&
  one.scope === other.scope &&
  one.fleet === other.fleet &&
  one.epoch === other.epoch &&
  one.reason === other.reason &&
  one.link === other.link

const seen = breakers.map((): View | undefined => undefined)

function reportViews(): void {
  breakers.forEach((breaker, at) => {
    const { state, scope, fleet } = breaker.snapshot()
    const { epoch = 0, link = '', state: record = null, reason = '' } = fleet ?? {}
    const view: View = { state, scope, fleet: record, epoch, reason, link, at: Date.now() }
    const before = seen[at]
    if (before && isSame(before, view)) return
    if (before && view.epoch < before.epoch) backward.push(JSON.stringify([before, view]))
    seen[at] = view
    send({ type: 'view', breaker: at, view })
  })
}
const viewTimer = setInterval(reportViews, LOOK_EVERY)

// Commands

let calling: NodeJS.Timeout | undefined

function callAt(perSecond: number): void {
  clearInterval(calling)
  if (perSecond === 0) return
  calling = setInterval(() => breakers.forEach((breaker, at) => void call(breaker, at)), 1_000 / perSecond)
}

const tally = (): Tally => ({
  ends,
  foreign,
  backward,
  links,
  longestWait,
  longestLag: lag.max / 1e6,
})

async function end(tidily: boolean): Promise<void> {
  callAt(0)
  clearInterval(viewTimer)
  if (tidily) {
    await Promise.all(breakers.map((breaker) => breaker[Symbol.asyncDispose]()))
    await Promise.all(storages.map((storage) => storage[Symbol.asyncDispose]()))
  }
}

async function execute(question: Question): Promise<unknown> {
  switch (question.do) {
    case 'rate':
      callAt(question.perSecond)
      return null
    case 'call':
      return call(breakers[question.breaker]!, question.breaker)
    case 'open':
      return breakers[question.breaker]!.open({ for: question.for })
    case 'isolate':
      return breakers[question.breaker]!.isolate(question.reason)
    case 'close':
      return breakers[question.breaker]!.close(question.reason)
    case 'tally':
      break
    case 'end':
      await end(question.tidily)
  }
  return tally()
}

const abandoned = (): never => process.exit(3)

async function answer(question: Question): Promise<void> {
  const value = await execute(question)
  send({ type: 'answer', id: question.id, value })
  if (question.do !== 'end') return
  // Anything that keeps the process alive from here on is a leak.
  process.off('disconnect', abandoned)
  process.disconnect()
}

process.on('disconnect', abandoned)
process.on('message', (question: Question) => {
  void answer(question)
})
reportViews()
