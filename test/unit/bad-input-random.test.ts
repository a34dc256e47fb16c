import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import {
  anyOf,
  CircuitBreaker,
  CircuitBreakerRegistry,
  consecutiveFailures,
  exponentialBackoff,
  failureCount,
  failureRate,
  honorRetryAfter,
  slowCallRate,
} from '../../src/index.ts'
import { CircuitBreakerMonitor } from '../../src/monitor/index.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { anotherCopy } from '../helpers/another-copy.ts'
import { refused } from '../helpers/refusal.ts'
import { parameters } from './model/parameters.ts'

const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const hostile = {
  toString() {
    throw new Error('hostile')
  },
}

const mistakes: unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  1,
  2,
  7,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  5n,
  '',
]
mistakes.push(
  'x',
  'enforce',
  'off',
  'open',
  '5',
  Symbol('s'),
  () => 1,
  class {},
  /x/,
  new Date(),
  hostile,
  revoked,
)
mistakes.push(
  new Map(),
  new Set([1]),
  Promise.resolve(),
  new CircuitBreaker(),
  consecutiveFailures(2),
  [],
  [Error],
)
mistakes.push([null], {}, { calls: 2 }, { calls: 0 }, { now: () => 1 }, { success() {} }, Object.create(null))
mistakes.push(Object.freeze({ a: 1 }), new Error('x'), new AbortController().signal, new AbortController())

/** A value in a box: fast-check cannot look at a revoked proxy. */
const boxed = (value: unknown): { value: unknown } =>
  ({ value, [fc.toStringMethod]: () => inspect(value) }) as { value: unknown }

/** Anything that a caller may pass by mistake. */
const junk: fc.Arbitrary<{ value: unknown }> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...mistakes.map(boxed)) },
  fc.anything().map(boxed),
)

interface Entry {
  readonly names: readonly string[]
  /** Passes options, and returns what must be unchanged if they are refused. */
  readonly pass: (options: object) => unknown
}

const halfOpen = ['calls', 'successes', 'concurrent'].map((part) => `halfOpen.${part}`)
const patchable = [
  'failMax',
  'timeoutDuration',
  'trip',
  'exclude',
  'classifyError',
  'classifyResult',
  'callTimeout',
  'halfOpen',
  'probeTimeout',
  'attemptDecay',
  'errorOnTrip',
  'onListenerError',
  'mode',
  ...halfOpen,
]
const fixed = ['name', 'listeners', 'restore', 'clock', 'random', 'storage']
const fleet = ['share', 'minReporters', 'reporter', 'probeDeadline', 'ephemeral']

const clock = new ManualClock()
const breaker = new CircuitBreaker({ name: 'b', clock, halfOpen: { calls: 3 } })
const registry = new CircuitBreakerRegistry({ options: () => ({ clock }) })
const storage = new MemoryStorage()

const entries: Record<string, Entry> = {
  'new CircuitBreaker': {
    names: [...patchable, ...fixed, ...fleet],
    pass: (options) => new CircuitBreaker(options),
  },
  'new CircuitBreaker in a fleet': {
    names: [...patchable, ...fleet, 'name'],
    pass: (options) => new CircuitBreaker({ name: 'b', storage, ...options }),
  },
  configure: {
    names: [...patchable, ...fixed, ...fleet],
    pass: (patch) => new CircuitBreaker({ halfOpen: { calls: 2 } }).configure(patch),
  },
  'options of a key': {
    names: [...patchable, ...fixed],
    pass: (options) => new CircuitBreakerRegistry({ options: () => options }).get('key'),
  },
  registry: { names: ['options', 'max'], pass: (options) => new CircuitBreakerRegistry(options) },
  open: { names: ['for', 'reason'], pass: (options) => breaker.open(options) },
  halfOpen: { names: ['reason'], pass: (options) => breaker.halfOpen(options) },
  isolate: { names: ['reason'], pass: (options) => breaker.isolate(options) },
  close: { names: ['reason'], pass: (options) => breaker.close(options) },
  wrap: { names: ['fallback'], pass: (options) => breaker.wrap(() => 1, options) },
  exponentialBackoff: {
    names: ['initial', 'max', 'factor', 'jitter'],
    pass: (options) => exponentialBackoff({ initial: 5, ...options }),
  },
  honorRetryAfter: { names: ['max'], pass: (options) => honorRetryAfter(5, options) },
  failureRate: {
    names: ['threshold', 'lastCalls', 'minCalls'],
    pass: (options) => failureRate({ threshold: 1, lastCalls: 5, ...options }),
  },
  'failureRate in time': {
    names: ['window', 'buckets'],
    pass: (options) => failureRate({ threshold: 1, window: 5, ...options }),
  },
  failureCount: { names: ['count'], pass: (options) => failureCount({ count: 1, window: 5, ...options }) },
  slowCallRate: {
    names: ['threshold', 'slowerThan'],
    pass: (options) => slowCallRate({ threshold: 1, slowerThan: 1, window: 5, ...options }),
  },
  monitor: { names: ['transitions'], pass: (options) => new CircuitBreakerMonitor(options) },
}

describe('any value of any option is accepted, or refused by an error that names the option', () => {
  for (const [entry, { names, pass }] of Object.entries(entries)) {
    it(entry, () => {
      const property = fc.property(fc.constantFrom(...names), junk, (name, { value }) => {
        const [whole = '', part] = name.split('.')
        const options = { [whole]: part === undefined ? value : { [part]: value } }
        const { state, options: before, retryAfter } = breaker
        try {
          pass(options)
        } catch (error) {
          assert.ok(error instanceof TypeError || error instanceof RangeError, String(error))
          assert.match(error.message, /^Expected .* got /s)
          assert.ok(error.message.includes(`\`${name}`), error.message)
          assert.doesNotMatch(error.message, /\[object/)
          assert.ok(error.message.length < 500)
          assert.deepEqual([breaker.state, breaker.retryAfter], [state, retryAfter])
        }
        assert.equal(breaker.options, before)
      })
      fc.assert(property, parameters)
    })
  }

  it('configure: what is refused changes nothing, together with any other options', () => {
    const good = { failMax: 2, callTimeout: 900, attemptDecay: 5, timeoutDuration: 9 }
    const property = fc.property(
      fc.constantFrom(...patchable, ...fixed, ...fleet),
      junk,
      (name, { value }) => {
        const own = new CircuitBreaker({ name: 'b', clock, halfOpen: { calls: 3 } })
        own.acquire().failure()
        const { options: before } = own
        const [whole = '', part] = name.split('.')
        const patch = { ...good, [whole]: part === undefined ? value : { [part]: value } }
        const { takenAt: _, ...snapshot } = own.snapshot()
        try {
          own.configure(patch)
        } catch {
          const { takenAt: __, ...after } = own.snapshot()
          assert.equal(own.options, before)
          assert.deepEqual(after, snapshot)
          return
        }
        assert.notEqual(own.options, before)
      },
    )
    fc.assert(property, parameters)
  })

  it('run and ready reject', async () => {
    const property = fc.asyncProperty(
      junk.filter(({ value }) => value !== revoked),
      async ({ value }) => {
        for (const [name, pass] of [
          ['fallback', () => registry.get('k').run(() => 1, { fallback: value as never })],
          ['signal', () => registry.get('k').run(() => 1, { signal: value as never })],
          ['signal', () => registry.get('k').ready({ signal: value as never })],
        ] as const) {
          try {
            await pass()
          } catch (error) {
            assert.ok(error instanceof TypeError || error instanceof RangeError, String(error))
            assert.ok(error.message.includes(`\`${name}\``), error.message)
          }
        }
      },
    )
    await fc.assert(property, parameters)
  })
})

describe('a trip rule of another copy of the package', () => {
  for (const realm of ['this realm', 'another realm'] as const) {
    const copy = anotherCopy(realm)
    const rules = {
      consecutiveFailures: copy.consecutiveFailures(3),
      failureRate: copy.failureRate({ threshold: 1, lastCalls: 5 }),
      anyOf: copy.anyOf(copy.consecutiveFailures(3)),
      never: copy.never(),
      'the default': new copy.CircuitBreaker().options.trip,
    }
    for (const [title, rule] of Object.entries(rules)) {
      it(`is refused by a message that says so (${title} of ${realm})`, () => {
        const trip = rule as never
        for (const act of [
          () => new CircuitBreaker({ trip }),
          () => new CircuitBreaker().configure({ trip }),
        ]) {
          refused(act, TypeError, '`trip`', 'copy of recloser')
        }
        refused(() => anyOf(consecutiveFailures(5), trip), TypeError, 'anyOf', 'copy of recloser')
      })
    }
  }

  it('what is no rule at all is not called one', () => {
    for (const trip of [{}, 'consecutiveFailures', () => true, new Map()]) {
      assert.throws(
        () => new CircuitBreaker({ trip: trip as never }),
        ({ message }: Error) => message.includes('`trip`') && !message.includes('copy'),
      )
    }
  })
})
