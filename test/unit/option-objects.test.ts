import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import {
  CircuitBreaker,
  CircuitBreakerRegistry,
  exponentialBackoff,
  failureCount,
  failureRate,
  honorRetryAfter,
  slowCallRate,
  type CircuitBreakerOptions,
} from '../../src/index.ts'
import { CircuitBreakerMonitor } from '../../src/monitor/index.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { refused } from '../helpers/refusal.ts'

/** Every way to pass options: what it does with an object, and one valid option. */
const entries: Record<string, { read: (given: never) => unknown; valid: object }> = {
  'new CircuitBreaker': { read: (given) => new CircuitBreaker(given), valid: { failMax: 3 } },
  halfOpen: { read: (halfOpen) => new CircuitBreaker({ halfOpen }), valid: { calls: 3 } },
  configure: { read: (given) => new CircuitBreaker().configure(given), valid: { failMax: 3 } },
  'configure halfOpen': {
    read: (halfOpen) => new CircuitBreaker().configure({ halfOpen }),
    valid: { calls: 3 },
  },
  open: { read: (given) => new CircuitBreaker().open(given), valid: { for: 10 } },
  halfOpening: { read: (given) => new CircuitBreaker().halfOpen(given), valid: { reason: 'x' } },
  close: { read: (given) => new CircuitBreaker().close(given), valid: { reason: 'x' } },
  isolate: { read: (given) => new CircuitBreaker().isolate(given), valid: { reason: 'x' } },
  wrap: { read: (given) => new CircuitBreaker().wrap(() => 1, given), valid: { fallback: () => 2 } },
  registry: { read: (given) => new CircuitBreakerRegistry(given), valid: { max: 3 } },
  'options of a key': {
    read: (given) => new CircuitBreakerRegistry({ options: () => given }).get('k'),
    valid: { failMax: 3 },
  },
  exponentialBackoff: { read: exponentialBackoff, valid: { initial: 5 } },
  honorRetryAfter: { read: (given) => honorRetryAfter(5, given), valid: { max: 9 } },
  failureRate: { read: failureRate, valid: { threshold: 1, lastCalls: 5 } },
  failureCount: { read: failureCount, valid: { count: 1, lastCalls: 5 } },
  slowCallRate: { read: slowCallRate, valid: { threshold: 1, slowerThan: 5, lastCalls: 5 } },
  monitor: { read: (given) => new CircuitBreakerMonitor(given), valid: { transitions: 5 } },
  MemoryStorage: { read: (given) => new MemoryStorage(given), valid: { clock: new ManualClock() } },
}

const later: Record<string, (given: never) => Promise<unknown>> = {
  run: (given) => new CircuitBreaker().run(() => 1, given),
  ready: (given) => new CircuitBreaker().ready(given),
}

class Empty {}
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()

/** What is no options, however it is looked at. */
const notOptions: Record<string, unknown> = {
  'a Map': new Map([['failMax', 1]]),
  'a Set': new Set(['failMax']),
  'an array': [],
  'an array with entries': [['failMax', 1]],
  'a typed array': new Uint8Array(2),
  'a date': new Date(),
  'a promise': Promise.resolve({ failMax: 1 }),
  'a regular expression': /x/,
  'an error': new Error('down'),
  'an exception': new DOMException('down', 'AbortError'),
  'an error of another realm': runInNewContext('new Error()'),
  'a URL': new URL('http://localhost'),
  'URL parameters': new URLSearchParams('failMax=1'),
  'an instance of a class without options': new Empty(),
  'an object made of an empty one': Object.create({}),
  'a function': () => ({}),
  'a class': Empty,
  'a revoked proxy': revoked,
  null: null,
  'a string': 'failMax',
  'a boxed string': new String('failMax'),
  'a number': 5,
  true: true,
  'a symbol': Symbol('options'),
}

describe('S24: what is not an object with options is refused, wherever options are read', () => {
  for (const [entry, { read }] of Object.entries(entries)) {
    it(entry, () => {
      for (const [title, value] of Object.entries(notOptions)) {
        // A string is a reason, and `null` is the default.
        if (/halfOpening|close|isolate/.test(entry) && title === 'a string') continue
        if (entry === 'configure halfOpen' && value === null) continue
        assert.throws(() => read(value as never), TypeError, title)
        assert.throws(() => read(value as never), /^TypeError: Expected `.*` to be .*, got `/s, title)
      }
    })
  }
  for (const [entry, read] of Object.entries(later)) {
    it(entry, async () => {
      for (const [title, value] of Object.entries(notOptions)) {
        await assert.rejects(
          read(value as never),
          /^TypeError: Expected `.*` to be an object.*, got `/s,
          title,
        )
      }
    })
  }

  it('also another breaker, and a request', () => {
    const breaker = new CircuitBreaker()
    for (const [entry, { read }] of Object.entries(entries)) {
      if (/Backoff|Retry/.test(entry)) continue
      for (const value of [breaker, new Request('http://localhost')]) {
        assert.throws(() => read(value as never), TypeError, entry)
      }
    }
  })
})

describe('S24: options are read from every kind of object that has them', () => {
  const shapes: Record<string, (options: object) => object> = {
    'a plain object': (options) => ({ ...options }),
    'a frozen object': (options) => Object.freeze({ ...options }),
    'an object without a prototype': (options) => Object.assign(Object.create(null) as object, options),
    'an object of another realm': (options) => Object.assign(runInNewContext('({})') as object, options),
    'an object that inherits them': (options) => Object.create(options) as object,
    'an object that inherits them from one without a prototype': (options) =>
      Object.create(Object.assign(Object.create(null) as object, options)) as object,
    'accessors of a plain object': (options) =>
      Object.defineProperties({}, accessors(options, { enumerable: true })),
    'accessors that are not enumerable': (options) => Object.defineProperties({}, accessors(options)),
    'an instance of a class with accessors': (options) => {
      class Config {
        readonly helper = 1
      }
      Object.defineProperties(Config.prototype, accessors(options))
      return new Config()
    },
    'an instance of a subclass': (options) => {
      class Base {}
      Object.defineProperties(Base.prototype, accessors(options))
      class Config extends Base {
        load(): void {}
      }
      return new Config()
    },
    'a proxy': (options) => new Proxy({ ...options }, {}),
  }
  for (const [title, shape] of Object.entries(shapes)) {
    it(title, () => {
      const given: CircuitBreakerOptions = shape({ failMax: 3, halfOpen: shape({ calls: 4 }) })
      const breaker = new CircuitBreaker(given)
      assert.equal(breaker.options.failMax, 3)
      assert.equal(breaker.options.halfOpen.calls, 4)
      breaker.configure(shape({ callTimeout: 7, halfOpen: shape({ concurrent: 2 }) }))
      assert.equal(breaker.options.callTimeout, 7)
      assert.deepEqual(breaker.options.halfOpen, { calls: 4, successes: 4, concurrent: 2 })
      breaker.isolate(shape({ reason: 'mine' }))
      assert.equal(breaker.snapshot().tripReason, 'mine')
      for (const { read, valid } of Object.values(entries)) read(shape(valid) as never)
      refused(() => new CircuitBreaker(shape({ failMax: 0 })), RangeError, '`failMax`', '`0`')
    })
  }

  it('private and further fields of an instance are its own business', () => {
    class Config {
      #failMax = 4
      failmax = 9
      get failMax(): number {
        return this.#failMax
      }
    }
    assert.equal(new CircuitBreaker(new Config()).options.failMax, 4)
  })

  it('an empty object is no options, whatever its realm and prototype', () => {
    for (const empty of [
      {},
      Object.freeze({}),
      Object.create(null) as object,
      runInNewContext('({})') as object,
    ]) {
      assert.equal(new CircuitBreaker(empty).options.failMax, 5)
    }
  })
})

function accessors(options: object, more: PropertyDescriptor = {}): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, { get: (): unknown => value, ...more }]),
  )
}

describe('S24: nothing is read from Object.prototype', () => {
  const polluted: Record<string, unknown> = {
    name: 'polluted',
    failMax: 1,
    trip: 'polluted',
    timeoutDuration: 1,
    exclude: [Error],
    classifyError: () => 'ignored',
    callTimeout: 1,
    halfOpen: { calls: 9 },
    calls: 9,
    probeTimeout: 1,
    mode: 'off',
    restore: {},
    listeners: [],
    storage: {},
    share: 'polluted',
    ephemeral: true,
    fallback: () => 'polluted',
    signal: AbortSignal.abort(),
    for: 1,
    max: 1,
    options: () => ({ failMax: 1 }),
    initial: 1,
    minCalls: 1,
    buckets: 1,
    reason: 'polluted',
  }

  it('polluting it has no effect on any way to pass options', async () => {
    const make = (): unknown[] => {
      const breaker = new CircuitBreaker({ name: 'b', halfOpen: { successes: 2 } })
      const before = breaker.options
      breaker.configure({})
      assert.equal(breaker.options, before)
      breaker.configure({ attemptDecay: 1 })
      breaker.configure({ halfOpen: { successes: 3 } })
      const { clock: _, trip: __, ...options } = breaker.options
      const registered = new CircuitBreakerRegistry({}).get('key').options.failMax
      breaker.open({})
      const seen = [breaker.retryAfter > 1_000, breaker.snapshot().tripReason]
      breaker.isolate({})
      seen.push(breaker.snapshot().tripReason)
      return [{ ...options, random: 0 }, registered, ...seen]
    }
    const expected = make()
    const prototype = Object.prototype as unknown as Record<string, unknown>
    let seen: unknown[]
    let ran: unknown
    try {
      Object.assign(prototype, polluted)
      seen = make()
      ran = await new CircuitBreaker().run(() => 'ran', {})
    } finally {
      for (const name of Object.keys(polluted)) delete prototype[name]
    }
    assert.deepEqual(seen, expected)
    assert.equal(ran, 'ran')
  })

  it('nor from the Object.prototype of another realm', () => {
    const options = runInNewContext('Object.prototype.failMax = 1; ({})') as object
    assert.equal(new CircuitBreaker(options).options.failMax, 5)
  })

  it('a snapshot without a state is refused, even if every object inherits one', () => {
    const { state: _, ...rest } = new CircuitBreaker().snapshot()
    const prototype = Object.prototype as unknown as Record<string, unknown>
    try {
      prototype['state'] = 'isolated'
      refused(() => new CircuitBreaker({ restore: rest as never }), TypeError, '`restore.state`', 'undefined')
    } finally {
      delete prototype['state']
    }
  })
})

describe('S24: an accessor that throws', () => {
  const error = new Error('the accessor')
  const throwing = (name: string, others: object = {}): never =>
    Object.defineProperty({ ...others }, name, {
      enumerable: true,
      get() {
        throw error
      },
    }) as never
  const isIt = (thrown: unknown): boolean => thrown === error

  it('reaches the caller of the constructor, the rules and the backoff', () => {
    assert.throws(() => new CircuitBreaker(throwing('mode')), isIt)
    assert.throws(() => new CircuitBreaker({ halfOpen: throwing('successes', { calls: 2 }) }), isIt)
    assert.throws(
      () => new CircuitBreaker({ restore: throwing('state', new CircuitBreaker().snapshot()) }),
      isIt,
    )
    assert.throws(() => failureRate(throwing('threshold', { lastCalls: 5 })), isIt)
    assert.throws(() => exponentialBackoff(throwing('initial')), isIt)
    assert.throws(() => new CircuitBreakerRegistry(throwing('max')), isIt)
  })

  it('reaches the caller of a method, and nothing has changed', async () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    const { options } = breaker
    const { takenAt: _, ...before } = breaker.snapshot()
    assert.throws(() => breaker.configure(throwing('mode', { failMax: 1, callTimeout: 5 })), isIt)
    assert.throws(() => breaker.configure({ halfOpen: throwing('calls'), failMax: 1 }), isIt)
    for (const method of ['open', 'halfOpen', 'close', 'isolate'] as const) {
      assert.throws(() => breaker[method](throwing('reason')), isIt, method)
    }
    assert.throws(() => breaker.wrap(() => 1, throwing('fallback')), isIt)
    await assert.rejects(
      breaker.run(() => assert.fail('ran'), throwing('fallback')),
      isIt,
    )
    await assert.rejects(breaker.ready(throwing('signal')), isIt)
    const { takenAt: __, ...after } = breaker.snapshot()
    assert.equal(breaker.options, options)
    assert.deepEqual(after, before)
  })
})
