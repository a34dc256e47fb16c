// Creates objects around a monitor in the way named on the command line, drops them and prints how many are left.
import { CircuitBreaker, CircuitBreakerRegistry } from '../../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import { ManualClock } from '../../../../src/testing/index.ts'
import { collect, heapUsed } from '../../../helpers/heap.ts'

const MADE = 1_000

let left = 0
const dropped = new FinalizationRegistry(() => left--)

function count<T extends object>(thing: T): T {
  dropped.register(thing, undefined)
  left++
  return thing
}

/** Gives the monitor something to remember about a breaker: counts, durations, a transition and a failure. */
async function use(breaker: CircuitBreaker): Promise<void> {
  await breaker.call(async () => 1)
  await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
  breaker.isolate()
  await breaker.call(() => 1).catch(() => {})
  breaker.close()
}

const monitor = new CircuitBreakerMonitor()
const lasting = new CircuitBreaker()
const hosts = new CircuitBreakerRegistry<number>({ max: 10 })
const shutdown = new AbortController()

const ways: Record<string, (index: number) => unknown> = {
  async unwatched() {
    const breaker = count(new CircuitBreaker())
    monitor.watch(breaker)
    await use(breaker)
    monitor.snapshot()
    monitor.unwatch(breaker)
  },
  async evicted(index) {
    if (index === 0) monitor.watch(hosts)
    const breaker = count(hosts.get(index))
    await use(breaker)
    if (index === MADE - 1) for (let key = 0; key < MADE; key++) hosts.delete(key)
  },
  async 'with their monitor'() {
    const monitor = count(new CircuitBreakerMonitor())
    const breaker = count(new CircuitBreaker())
    const registry = count(new CircuitBreakerRegistry())
    for (const each of [breaker, registry]) monitor.watch(each)
    await use(registry.get('a'))
    await use(breaker)
    // Never resolves: there are no more events.
    void monitor.events({ signal: AbortSignal.any([]) }).next()
  },
  async 'monitors that stopped'() {
    const monitor = count(new CircuitBreakerMonitor())
    const events = monitor.events({ signal: shutdown.signal })
    monitor.watch(lasting)
    monitor.watch(hosts)
    await use(lasting)
    await events.next()
    monitor.unwatch(lasting)
    monitor.unwatch(hosts)
  },
  async 'consumers that never began'() {
    count(monitor.events({ signal: shutdown.signal }))
  },
  async 'consumers that stopped reading'() {
    monitor.watch(lasting)
    const events = count(monitor.events({ signal: shutdown.signal }))
    lasting.isolate()
    lasting.close()
    await events.next()
  },
  async 'consumers that left the loop'() {
    monitor.watch(lasting)
    const events = count(monitor.events({ signal: shutdown.signal }))
    const first = (async () => {
      for await (const event of events) return event
      return undefined
    })()
    await use(lasting)
    await first
  },
}

/** The growth of memory in bytes over five hours of calls of a watched breaker, after the first two minutes. */
async function growth(): Promise<number> {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ clock, failMax: 1_000 })
  monitor.watch(breaker)
  const live = (seconds: number): void => {
    for (let call = 0; call < seconds * 100; call++) {
      const permit = breaker.acquire()
      clock.advance((call * 7) % 20)
      if (call % 10 === 0) permit.failure()
      else permit.success()
      if (call % 100 === 0) monitor.report(breaker.name)
    }
  }
  const used = async (): Promise<number> => (await heapUsed()) + process.memoryUsage().arrayBuffers
  live(150)
  const before = await used()
  live(18_000)
  return (await used()) - before
}

/** The growth of memory in bytes after 20,000 breakers with long names were watched and unwatched. */
async function names(): Promise<number> {
  const visit = (breakers: number): void => {
    for (let index = 0; index < breakers; index++) {
      monitor.watch(new CircuitBreaker({ name: `${index}`.padEnd(1_000, '.') }))[Symbol.dispose]()
    }
  }
  visit(1_000)
  const before = await heapUsed()
  visit(20_000)
  return (await heapUsed()) - before
}

const [way = ''] = process.argv.slice(2)
if (way === 'growth') console.log(await growth())
else if (way === 'names') console.log(await names())
else {
  for (let index = 0; index < MADE; index++) await ways[way]!(index)
  const made = left
  await collect()
  console.log(JSON.stringify({ made, left }))
}
