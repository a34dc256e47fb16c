/** Prints which rejections are unhandled, for many calls with and without a handler. */
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../../src/index.ts'
import { nextTick } from '../../../helpers/next-tick.ts'
import { breakerFor, WAYS } from '../../../helpers/ways.ts'

let unhandled: string[] = []
process.on('unhandledRejection', (reason) => unhandled.push((reason as Error).message))

const report: Record<string, string[]> = {}

/** Records which rejections are unhandled after `act` and everything that it causes. */
async function note(title: string, act: () => unknown): Promise<void> {
  unhandled = []
  act()
  for (let i = 0; i < 5; i++) await nextTick()
  report[title] = unhandled
}

const reject = (message: string): Promise<never> => Promise.reject(new Error(message))
const rejectLater = async (message: string): Promise<never> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
  throw new Error(message)
}
const throwNow = (): never => {
  throw new Error('thrown')
}
const endless = (): Promise<never> => new Promise(() => {})

for (const way of WAYS) {
  const make = (): CircuitBreaker => breakerFor(way)
  await note(`${way.name}: rejects`, () => void way.call(make(), () => reject('own')))
  await note(`${way.name}: rejects later`, () => void way.call(make(), () => rejectLater('own')))
  await note(`${way.name}: throws`, () => void way.call(make(), throwNow))
  await note(`${way.name}: handled`, () => void way.call(make(), () => reject('own')).catch(() => {}))
}

const make = (options: CircuitBreakerOptions = {}): CircuitBreaker => new CircuitBreaker(options)
await note('rejected', () => {
  const breaker = make({ name: 'isolated one' })
  breaker.isolate()
  void breaker.call(() => 1)
})
await note('late', () => {
  const breaker = make()
  void breaker.call(() => rejectLater('own'))
  breaker.isolate()
})
await note('excluded', () => void make({ exclude: [Error] }).call(() => reject('own')))
await note(
  'fallback rejects',
  () => void make().run(() => reject('own'), { fallback: () => reject('fallback') }),
)
await note('aborted, unhandled', () => {
  const caller = new AbortController()
  void make().run(endless, { signal: caller.signal })
  caller.abort(new Error('gone'))
})
await note('aborted before, unhandled', () => {
  void make().run(endless, { signal: AbortSignal.abort(new Error('gone')) })
})

// From here on every promise that the breaker returns is handled, so no rejection may be left.
const handled = (promise: Promise<unknown>): void => void promise.catch(() => {})
await note('task rejects after the abort', () => {
  const caller = new AbortController()
  handled(make().run(() => rejectLater('after'), { signal: caller.signal }))
  caller.abort('gone')
})
await note('task aborts and rejects', () => {
  const caller = new AbortController()
  const task = (): Promise<never> => {
    caller.abort('gone')
    return reject('after')
  }
  handled(make().run(task, { signal: caller.signal }))
})
await note('fallback', () => handled(make().run(() => reject('own'), { fallback: () => 'stand-in' })))
await note('fallback rejects after the abort', () => {
  const caller = new AbortController()
  const { signal } = caller
  handled(make().run(() => reject('own'), { signal, fallback: () => rejectLater('after') }))
  setImmediate(() => caller.abort('gone'))
})
await note('callSync gets a rejecting promise', () => {
  const impostor: () => unknown = () => reject('own')
  try {
    make().callSync(impostor)
  } catch {
    // `callSync` refuses the promise, so its rejection has no owner.
  }
})
await note('generator object', () => handled(make().call(() => (function* () {})())))

// A real timeout, the shortest possible.
unhandled = []
const alive = setInterval(() => {}, 1_000)
await make({ callTimeout: 1 })
  .call(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    throw new Error('after')
  })
  .catch(() => {})
await new Promise((resolve) => setTimeout(resolve, 40))
clearInterval(alive)
report['task rejects after its timeout'] = unhandled

console.log(JSON.stringify(report))
