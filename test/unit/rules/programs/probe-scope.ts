// Prints what happens to the AsyncLocalStorage in each scenario, as JSON. The argument says what the runtime has: one
// that works, one without `disable` (as Cloudflare Workers), or none.
import type { AsyncLocalStorage } from 'node:async_hooks'
import type { CircuitBreaker } from '../../../../src/index.ts'

interface Hooks {
  readonly AsyncLocalStorage: new () => AsyncLocalStorage<unknown>
}

const [, , given] = process.argv
const log: string[] = []
const read: (name: string) => Hooks = process.getBuiltinModule.bind(process)
const getBuiltinModule = (name: string): unknown => {
  const hooks = read(name)
  if (name !== 'node:async_hooks') return hooks
  class Storage extends hooks.AsyncLocalStorage {
    constructor() {
      super()
      log.push('created')
    }

    override disable(): void {
      log.push('disabled')
      if (given === 'not disabled') throw new Error('asyncLocalStorage.disable() is not implemented')
      super.disable()
    }
  }
  return { ...hooks, AsyncLocalStorage: Storage }
}
Object.defineProperty(process, 'getBuiltinModule', {
  value: given === 'none' ? undefined : getBuiltinModule,
  configurable: true,
})

const { CircuitBreaker: Breaker } = await import('../../../../src/index.ts')
const { ManualClock } = await import('../../../../src/testing/index.ts')

const clock = new ManualClock()
const make = (concurrent = 2): CircuitBreaker => {
  const halfOpen = { calls: 2, successes: 1, concurrent }
  return new Breaker({ clock, failMax: 1, timeoutDuration: 1_000, probeTimeout: 5_000, halfOpen })
}
const halfOpen = (concurrent?: number): CircuitBreaker => {
  const breaker = make(concurrent)
  breaker.halfOpen()
  return breaker
}
const hang = (breaker: CircuitBreaker): void => void breaker.call(() => new Promise(() => {})).catch(() => {})
const fails = (breaker: CircuitBreaker): Promise<unknown> =>
  breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})

const scenarios: Record<string, () => unknown> = {
  async 'no probe'() {
    const breaker = make()
    await breaker.call(() => breaker.call(() => 1))
    await fails(breaker)
    await breaker.call(() => 1).catch(() => {})
    breaker.halfOpen()
    breaker.acquire().ignore()
    breaker.close()
  },
  async 'a probe'() {
    const breaker = halfOpen(1)
    await breaker.call(() => breaker.call(() => 1)).catch(() => {})
    return breaker.state
  },
  'a synchronous probe'() {
    const breaker = halfOpen(1)
    try {
      breaker.callSync(() => breaker.callSync(() => 1))
    } catch {
      // It is rejected where there is no AsyncLocalStorage.
    }
    return breaker.state
  },
  async 'a probe that fails'() {
    const breaker = halfOpen()
    await breaker.call(() => fails(breaker)).catch(() => {})
  },
  async 'two probes at once'() {
    const [one, other] = [halfOpen(), halfOpen()]
    hang(one)
    await other.call(() => 1)
    log.push('the other has ended')
    one.close()
  },
  'a hung probe whose lease ends'() {
    const breaker = halfOpen()
    hang(breaker)
    clock.advance(5_000)
    log.push(breaker.state)
  },
  'a hung probe whose period is closed by hand'() {
    const breaker = halfOpen()
    hang(breaker)
    breaker.close()
  },
  'a hung probe whose circuit is isolated'() {
    const breaker = halfOpen()
    hang(breaker)
    breaker.isolate()
  },
  'a hung probe whose breaker is turned off'() {
    const breaker = halfOpen()
    hang(breaker)
    breaker.mode = 'off'
  },
  'a hung probe whose period another one ends'() {
    const breaker = halfOpen()
    hang(breaker)
    breaker.acquire().success()
  },
  'a generator that goes on after its probe'() {
    const breaker = halfOpen()
    const generator = breaker.wrap(function* (): Generator<number> {
      for (;;) yield 1
    })()
    generator.next()
    breaker.close()
    log.push('closed')
    for (let i = 0; i < 3; i++) generator.next()
    generator.return(undefined)
  },
}

const results: Record<string, readonly [state: unknown, log: readonly string[]]> = {}
for (const [title, run] of Object.entries(scenarios)) {
  const state = await run()
  results[title] = [state ?? '', log.splice(0)]
}
process.stdout.write(JSON.stringify(results))
// oxlint-disable-next-line unicorn/no-process-exit -- the hung calls would keep some runtimes alive
process.exit()
