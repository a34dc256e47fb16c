import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  CircuitBreakerRegistry,
  failureRate,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/index.ts'
import { ManualClock, resetBreakers } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { deferred } from '../../helpers/deferred.ts'
import { transitionsOf } from '../../helpers/transitions.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

/** What a snapshot says, but for the times. */
const told = (breaker: CircuitBreaker): object => {
  const { takenAt: _, since: __, ...rest } = breaker.snapshot()
  return rest
}

describe('resetBreakers', () => {
  const messes: Record<string, (breaker: CircuitBreaker) => unknown> = {
    'is closed and has counts': (breaker) => [succeed(breaker), fail(breaker, 3)],
    'is open, and has rejected calls': (breaker) => [fail(breaker, 5), breaker.tryAcquire()],
    'is half-open with all probes in flight': (breaker) => [breaker.halfOpen(), breaker.acquire().ignore()],
    'is isolated': (breaker) => breaker.isolate('by a test'),
    'was opened by hand': (breaker) => breaker.open({ for: 1e6 }),
    'has an escalation': (breaker) => [breaker.halfOpen(), fail(breaker), breaker.halfOpen(), fail(breaker)],
    'was switched off': (breaker) => (breaker.mode = 'off'),
    'only observes, and has met its rule': (breaker) => [(breaker.mode = 'observe'), fail(breaker, 9)],
    'was configured': (breaker) => [
      breaker.configure({ failMax: 1, timeoutDuration: 5, halfOpen: { calls: 3 } }),
      fail(breaker),
    ],
    'has late results': (breaker) => {
      const permit = breaker.acquire()
      breaker.isolate()
      permit.failure(new Error('late'))
    },
  }
  for (const [mess, make] of Object.entries(messes)) {
    it(`makes a breaker as new that ${mess}`, () => {
      const options: CircuitBreakerOptions = { name: 'shared', clock: new ManualClock() }
      const breaker = new CircuitBreaker(options)
      const { options: before } = breaker
      make(breaker)
      resetBreakers(breaker)
      assert.deepEqual(told(breaker), told(new CircuitBreaker(options)))
      assert.equal(breaker.options, before)
      fail(breaker, 4)
      assert.equal(breaker.state, 'closed')
      fail(breaker)
      assert.equal(breaker.state, 'open')
    })
  }

  it('empties windows', () => {
    const trip = failureRate({ threshold: 0.5, minCalls: 4, window: 60_000 })
    const breaker = new CircuitBreaker({ trip })
    fail(breaker, 3)
    resetBreakers(breaker)
    fail(breaker, 3)
    assert.equal(breaker.state, 'closed')
  })

  it('S1: makes calls in flight late, from a closed circuit too', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const before = deferred<void>()
    const call = breaker.call(() => before.promise)
    resetBreakers(breaker)
    before.reject(new Error('of the test before'))
    await assert.rejects(call, /of the test before/)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.failCounter, 0)
    assert.equal(breaker.snapshot().late, 1)
  })

  it('returns to the mode of the constructor, whichever it is', () => {
    for (const mode of ['enforce', 'observe', 'off'] as const) {
      const breaker = new CircuitBreaker({ mode })
      breaker.mode = mode === 'off' ? 'enforce' : 'off'
      resetBreakers(breaker)
      assert.equal(breaker.mode, mode)
    }
  })

  it('closes what was restored open', () => {
    const before = new CircuitBreaker()
    before.open()
    const breaker = new CircuitBreaker({ restore: before.snapshot() })
    resetBreakers(breaker)
    assert.equal(breaker.state, 'closed')
  })

  it('tells listeners, and keeps them', () => {
    const breaker = new CircuitBreaker()
    const transitions = transitionsOf(breaker)
    breaker.open()
    resetBreakers(breaker)
    resetBreakers(breaker)
    breaker.open()
    assert.equal(transitions.length, 3)
    assert.match(transitions[1]!, /open.*closed.*manual/)
  })

  it('takes registries, iterables and maps of breakers, and several of them', () => {
    const make = (): CircuitBreaker => {
      const breaker = new CircuitBreaker()
      breaker.isolate()
      return breaker
    }
    const registry = new CircuitBreakerRegistry<number>()
    for (const key of [1, 2]) registry.get(key).isolate()
    const list = [make(), make()]
    const map = new Map([['one', make()]])
    const one = make()
    resetBreakers(registry, list, map, new Set(list), one)
    const all = [...[...registry].map(([, breaker]) => breaker), ...list, ...map.values(), one]
    assert.equal(all.length, 6)
    for (const breaker of all) assert.equal(breaker.state, 'closed')
    assert.equal(registry.size, 2)
    resetBreakers()
    resetBreakers([])
  })

  it('resets all breakers of an entry: a list of two looks like a key and a breaker', () => {
    for (const length of [1, 2, 3, 5]) {
      const breakers = Array.from({ length }, () => new CircuitBreaker())
      for (const breaker of breakers) breaker.isolate()
      resetBreakers([breakers, []], new Map([[breakers[0], 'of the first']]) as never)
      assert.deepEqual(
        breakers.map(({ state }) => state),
        breakers.map(() => 'closed'),
      )
    }
    const [key, value] = [new CircuitBreaker(), new CircuitBreaker()]
    for (const breaker of [key, value]) breaker.isolate()
    resetBreakers(new Map([[key, value]]))
    assert.deepEqual([key.state, value.state], ['closed', 'closed'])
  })

  it('refuses anything else, before it resets any', () => {
    const breaker = new CircuitBreaker()
    breaker.isolate()
    for (const target of [undefined, null, 5, 'text', {}, [breaker, {}], [['key', {}]], () => breaker]) {
      assert.throws(
        () => resetBreakers(breaker, target as never),
        /^TypeError: Expected `target` to be a CircuitBreaker/,
      )
    }
    assert.equal(breaker.state, 'isolated')
  })

  it('works while the time is faked, and after', () => {
    const breaker = new CircuitBreaker({ failMax: 1, callTimeout: 1_000 })
    const time = fakeTime()
    void breaker.call(() => new Promise(() => {})).catch(() => {})
    fail(breaker)
    time.uninstall()
    resetBreakers(breaker)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.ok(breaker.retryAfter > 59_000 && breaker.retryAfter <= 60_000)
  })

  it('closes a fleet', async (t) => {
    const time = fakeTime()
    t.after(() => time.uninstall())
    const pass = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        time.tick(500)
        await nextTick()
      }
    }
    const storage = new MemoryStorage()
    const [one, other] = [1, 2].map(() => new CircuitBreaker({ name: 'shared', storage }))
    succeed(other!)
    one!.open({ for: 3_600_000 })
    await pass()
    assert.equal(other!.state, 'open')
    resetBreakers(one!, other!)
    await pass()
    assert.deepEqual([one!.state, other!.state], ['closed', 'closed'])
  })
})
