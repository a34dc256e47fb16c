import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerRegistry, type CircuitBreakerOptions } from '../../src/index.ts'
import { superviseCall } from '../../src/integrations/adapter.ts'
import { breakerFetch } from '../../src/integrations/http/fetch.ts'
import { expressBreakers } from '../../src/integrations/server/express.ts'
import { CircuitBreakerMonitor } from '../../src/monitor/index.ts'

const down = new Error('down')
const base = CircuitBreaker.prototype

/** A subclass that overrides everything with something that throws. */
class Overridden extends CircuitBreaker {}
for (const key of Reflect.ownKeys(base)) {
  if (key === 'constructor') continue
  const overridden = (): never => {
    throw new Error(`called ${String(key)}`)
  }
  const { value } = Object.getOwnPropertyDescriptor(base, key)!
  const member = typeof value === 'function' ? { value: overridden } : { get: overridden, set: overridden }
  Object.defineProperty(Overridden.prototype, key, member)
}

/** Returns such a breaker, and a view of it with the methods and properties of the base class. */
function make(options: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; own: CircuitBreaker } {
  const breaker = new Overridden({ failMax: 1, ...options })
  const own = new Proxy(breaker, {
    get: (_target, key) => {
      const member: unknown = Reflect.get(base, key, breaker)
      return typeof member === 'function' ? (member.bind(breaker) as unknown) : member
    },
    set: (_target, key, value) => Reflect.set(base, key, value, breaker),
  })
  return { breaker, own }
}

describe('a breaker whose subclass overrides every method', () => {
  it('is truly overridden', () => {
    const { breaker } = make()
    assert.throws(() => breaker.state, /called state/)
    assert.throws(() => breaker.snapshot(), /called snapshot/)
  })

  it('works the same by the methods of its base class, which call none of each other', async () => {
    const { breaker, own } = make({ listeners: [{ success: () => {} }], callTimeout: 1_000 })
    assert.equal(await own.call(() => 1), 1)
    assert.equal(await own.run(() => 2, { fallback: () => 0, signal: new AbortController().signal }), 2)
    assert.equal(await own.wrap(() => 3)(), 3)
    assert.equal(await own.call(own.wrap(() => 4)), 4)
    assert.equal(
      own.callSync(() => 5),
      5,
    )
    assert.equal(own.wrapSync(() => 6)(), 6)
    assert.deepEqual([...own.wrap(function* () { yield 7 })()], [7]) // prettier-ignore
    const descriptor = { value: async (): Promise<number> => 8 }
    own.protect({}, 'method', descriptor)
    assert.equal(await descriptor.value(), 8)
    assert.equal(own.acquire().success(), true)
    assert.equal(own.tryAcquire()?.failure(down), true)
    assert.equal(own.snapshot().state, 'open')
    await assert.rejects(
      own.run(() => 1),
      /is open/,
    )
    assert.ok(own.reopenTime instanceof Date)
    assert.equal(own.state, 'open')
    own.close()
    await own.ready()
    own.mode = 'observe'
    assert.equal(own.mode, 'observe')
    own.configure({ mode: 'enforce', failMax: 2 })
    let events = 0
    const added = own.addListener({ stateChange: () => events++ })
    own.isolate()
    added[Symbol.dispose]()
    own.close()
    assert.equal(events, 1)
    assert.deepEqual([own.open(), own.halfOpen(), own.failCounter], [true, true, 0])
    await own.flush()
    await own[Symbol.asyncDispose]()
    assert.ok(CircuitBreaker.circuitOf(breaker))
  })

  it('works in an adapter', async () => {
    const { breaker, own } = make({ callTimeout: 1_000 })
    const call = superviseCall(breaker)
    assert.equal(await call.send(() => 'sent'), 'sent')
    call.succeed()
    assert.equal(own.snapshot().counts.successes, 1)
  })

  it('works in a guarded fetch', async () => {
    const { breaker, own } = make()
    class Registry extends CircuitBreakerRegistry {
      override get(): CircuitBreaker {
        return breaker
      }
    }
    const fetch = async (_url: string): Promise<Response> => new Response('body')
    const guarded = breakerFetch(fetch, { registry: new Registry() })
    assert.equal(await (await guarded('http://localhost/')).text(), 'body')
    assert.equal(own.snapshot().counts.successes, 1)
  })

  it('works in a server', () => {
    const { breaker, own } = make()
    own.halfOpen()
    const finish: (() => void)[] = []
    const response = {
      statusCode: 200,
      headersSent: false,
      writableEnded: false,
      getHeaders: () => ({}),
      setHeader: () => {},
      on: (event: string, listener: () => void) => event === 'finish' && finish.push(listener),
    }
    using(expressBreakers(), ({ protect }) => {
      protect(breaker)({ socket: {} }, response, (error?: unknown) => assert.equal(error, undefined))
      response.writableEnded = true
      for (const listener of finish) listener()
    })
    assert.equal(own.state, 'closed')
  })

  it('can be watched and controlled by a monitor', async () => {
    const { breaker, own } = make({ name: 'payments' })
    const monitor = new CircuitBreakerMonitor()
    monitor.watch(breaker)
    await own.call(() => 1)
    assert.equal(monitor.report('payments')?.total.success, 1)
    assert.equal(monitor.open('payments'), true)
    assert.equal(monitor.health, 'down')
    assert.equal(monitor.healthReport().breakers['payments']?.state, 'open')
    assert.equal(monitor.halfOpen('payments'), true)
    assert.equal(monitor.isolate('payments'), true)
    assert.equal(monitor.close('payments'), true)
    assert.equal(monitor.totals()[0]?.name, 'payments')
    assert.equal(monitor.transitions.length, 4)
    monitor.unwatch(breaker)
    assert.equal(monitor.report('payments'), undefined)
  })
})

describe('a subclass that makes its calls in another way', () => {
  it('does not recurse', async () => {
    class ByRun extends CircuitBreaker {
      override call<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>> {
        return this.run(() => fn(...args))
      }
      override configure(): void {
        this.mode = 'observe'
      }
    }
    const breaker = new ByRun({ failMax: 1 })
    assert.equal(await breaker.call((x: number) => x + 1, 1), 2)
    breaker.configure()
    assert.equal(breaker.mode, 'observe')
    await assert.rejects(
      breaker.call(() => Promise.reject(down)),
      down,
    )
  })
})

/** Disposes of a resource after its use. */
function using<T extends Disposable>(resource: T, use: (resource: T) => void): void {
  try {
    use(resource)
  } finally {
    resource[Symbol.dispose]()
  }
}
