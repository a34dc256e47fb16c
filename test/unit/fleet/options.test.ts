import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  failureRate,
  never,
  slowCallRate,
} from '../../../src/index.ts'
import type { TripRule } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'

const storage = new MemoryStorage()
const name = 'payments'

describe('the options of a fleet', () => {
  it('F5: pooled with nothing that can be pooled is refused with advice on what to do', () => {
    const trip = failureRate({ threshold: 0.5, lastCalls: 10 })
    for (const share of [undefined, 'pooled'] as const) {
      assert.throws(
        () => new CircuitBreaker({ name, storage, trip, share }),
        (error) =>
          error instanceof RangeError && /window/.test(error.message) && /first-trip/.test(error.message),
      )
    }
    for (const share of ['first-trip', 'observe'] as const) {
      assert.equal(new CircuitBreaker({ name, storage, trip, share }).options.share, share)
    }
    for (const other of [anyOf(trip, consecutiveFailures(3)), never()]) {
      assert.equal(new CircuitBreaker({ name, storage, trip: other }).options.share, 'pooled')
    }
  })

  it('F5: a rule pools if it is over time; of several, one or all have to pool, as anyOf or allOf needs', () => {
    const over = { threshold: 0.5, lastCalls: 10 }
    const during = { threshold: 0.5, window: 10_000 }
    const local = [
      failureRate(over),
      failureCount({ count: 3, lastCalls: 10 }),
      slowCallRate({ ...over, slowerThan: 100 }),
    ]
    const pooled = [
      failureRate(during),
      failureCount({ count: 3, window: 10_000 }),
      slowCallRate({ ...during, slowerThan: 100 }),
      consecutiveFailures(3),
    ]
    const accepts = (trip: TripRule): boolean => {
      try {
        return new CircuitBreaker({ name, storage, trip }).options.trip === trip
      } catch (error) {
        assert.match((error as RangeError).message, /a rule that a fleet can pool/)
        return false
      }
    }
    assert.deepEqual([...local, anyOf(...local), allOf(...local)].map(accepts), Array(5).fill(false))
    assert.deepEqual([...pooled, anyOf(...pooled), allOf(...pooled)].map(accepts), Array(6).fill(true))
    for (const a of local) {
      for (const b of pooled) {
        assert.deepEqual([accepts(anyOf(a, b)), accepts(allOf(a, b))], [true, false])
      }
    }
  })

  it('F5: so is a reconfiguration to such a rule', () => {
    const breaker = new CircuitBreaker({ name, storage })
    const trip = failureRate({ threshold: 0.5, lastCalls: 10 })
    assert.throws(() => breaker.configure({ trip }), /first-trip/)
    breaker.configure({ trip: failureRate({ threshold: 0.5, window: 1_000 }) })
  })

  it('F13: more than four windows are refused', () => {
    const rules = [1, 2, 3, 4, 5].map((n) => failureCount({ count: 3, window: n * 1_000 }))
    assert.throws(() => new CircuitBreaker({ name, storage, trip: anyOf(...rules) }), RangeError)
    assert.equal(new CircuitBreaker({ name, storage, trip: anyOf(...rules.slice(1)) }).state, 'closed')
  })

  it('share, minReporters, reporter and probeDeadline need a storage, and a storage needs a name', () => {
    assert.throws(() => new CircuitBreaker({ share: 'pooled' }), /`share`.*`storage`/)
    assert.throws(() => new CircuitBreaker({ minReporters: 2 }), /`minReporters`.*`storage`/)
    assert.throws(() => new CircuitBreaker({ reporter: 'a' }), /`reporter`.*`storage`/)
    assert.throws(() => new CircuitBreaker({ probeDeadline: 50 }), /`probeDeadline`.*`storage`/)
    assert.throws(() => new CircuitBreaker({ storage }), /`name`.*`storage`/)
  })

  it('F6: minReporters is an integer from 1 to 8, by default 2', () => {
    for (const minReporters of [0, 9, 1.5, NaN]) {
      assert.throws(() => new CircuitBreaker({ name, storage, minReporters }), RangeError)
    }
    assert.equal(new CircuitBreaker({ name, storage }).options.minReporters, 2)
    assert.equal(new CircuitBreaker({ name, storage }).options.share, 'pooled')
  })

  it('F10: storage, share and name cannot be reconfigured', () => {
    const breaker = new CircuitBreaker({ name, storage })
    for (const patch of [
      { storage: new MemoryStorage() },
      { share: 'observe' },
      { name: 'other' },
      { minReporters: 1 },
    ]) {
      assert.throws(() => breaker.configure(patch as never), TypeError)
    }
  })

  it('F6: a reporter that does not fit in a record is hashed; by default it is the host', () => {
    const of = (reporter?: string): string | undefined =>
      new CircuitBreaker({ name, storage, reporter }).options.reporter
    assert.equal(of('host-1'), 'host-1')
    assert.match(of('10.0.0.1:80, or so') ?? '', /^[\da-f]{16}$/)
    assert.notEqual(of('ä'), of('ö'))
    assert.equal(of(), of())
  })

  it('F6: all processes of a host have the same name for it, and each has a name of its own', async () => {
    const own = await import('../../../src/fleet/identity.ts')
    // Another copy of the module stands in for another process.
    const copy = '../../../src/fleet/identity.ts?another'
    const another = (await import(copy)) as typeof own
    assert.equal(own.ownHost(), another.ownHost())
    assert.equal(own.ownInstance(), own.ownInstance())
    assert.notEqual(own.ownInstance(), another.ownInstance())
    assert.notEqual(own.ownHost(), own.ownInstance())
    assert.match(own.ownHost(), /^[\da-f]{16}$/)
  })

  it('without a storage a breaker has no sign of a fleet', () => {
    const breaker = new CircuitBreaker()
    assert.equal('storage' in breaker.options, false)
    assert.equal('fleet' in breaker.snapshot(), false)
    assert.equal(breaker.snapshot().scope, 'local')
  })
})
