import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerRegistry, type CircuitBreakerListener } from '../../src/index.ts'
import { CircuitBreakerMonitor } from '../../src/monitor/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { fail, succeed } from '../helpers/calls.ts'

const clock = new ManualClock()
const keys = <K>(registry: CircuitBreakerRegistry<K>): K[] => [...registry].map(([key]) => key)
const bounded = (max: number): CircuitBreakerRegistry =>
  new CircuitBreakerRegistry({ max, options: () => ({ clock, failMax: 1, timeoutDuration: 100 }) })

describe('a registry', () => {
  it('makes one breaker per key, and keeps it', () => {
    const registry = new CircuitBreakerRegistry()
    const one = registry.get('one')
    const other = registry.get('other')
    assert.ok(one instanceof CircuitBreaker)
    assert.notEqual(one, other)
    assert.equal(registry.get('one'), one)
    assert.equal(registry.get('one'), one)
    assert.equal(registry.get('other'), other)
    assert.equal(registry.size, 2)
  })

  it('names a breaker after its key, unless the options have a name', () => {
    assert.equal(new CircuitBreakerRegistry().get('host').name, 'host')
    assert.equal(new CircuitBreakerRegistry<number>().get(7).name, '7')
    assert.equal(new CircuitBreakerRegistry<symbol>().get(Symbol('s')).name, 'Symbol(s)')
    assert.equal(new CircuitBreakerRegistry({ options: () => ({ name: 'own' }) }).get('host').name, 'own')
    assert.equal(new CircuitBreakerRegistry({ options: () => ({ name: '' }) }).get('host').name, '')
    assert.equal(
      new CircuitBreakerRegistry({ options: () => ({ name: undefined }) }).get('host').name,
      'host',
    )
  })

  it('calls options once per key, with the key', () => {
    const asked: string[] = []
    const registry = new CircuitBreakerRegistry({
      options: (key: string) => {
        asked.push(key)
        return { failMax: key.length }
      },
    })
    assert.equal(registry.get('abc').options.failMax, 3)
    assert.equal(registry.get('abc').options.failMax, 3)
    assert.equal(registry.get('abcd').options.failMax, 4)
    assert.deepEqual(asked, ['abc', 'abcd'])
  })

  it('passes every option on, also a restored snapshot', () => {
    const before = new CircuitBreaker({ clock })
    before.isolate('maintenance')
    const restore = before.snapshot()
    const options = {
      clock,
      restore,
      exclude: [RangeError],
      halfOpen: { calls: 3 },
      listeners: [{ success() {} }],
    }
    const breaker = new CircuitBreakerRegistry({ options: () => options }).get('host')
    assert.equal(breaker.state, 'isolated')
    assert.equal(breaker.snapshot().tripReason, 'maintenance')
    assert.equal(breaker.options.halfOpen.calls, 3)
    assert.deepEqual(breaker.options.exclude, [RangeError])
  })

  it('takes keys of any kind and compares them as a Map does', () => {
    const registry = new CircuitBreakerRegistry<unknown>()
    const object = { id: 1 }
    for (const key of ['1', 1, object, { id: 1 }, NaN, undefined, null]) registry.get(key)
    assert.equal(registry.size, 7)
    assert.equal(registry.get(NaN), registry.get(NaN))
    assert.equal(registry.get(undefined), registry.get(undefined))
    assert.notEqual(registry.get('1'), registry.get(1))
    assert.equal(registry.get(0), registry.get(-0))
  })

  it('has and delete work on one key', () => {
    const registry = new CircuitBreakerRegistry()
    const breaker = registry.get('host')
    assert.equal(registry.has('host'), true)
    assert.equal(registry.has('other'), false)
    assert.equal(registry.delete('other'), false)
    assert.equal(registry.delete('host'), true)
    assert.equal(registry.has('host'), false)
    assert.equal(registry.size, 0)
    assert.notEqual(registry.get('host'), breaker)
    succeed(breaker)
  })

  it('deletes a breaker whatever its state', () => {
    const registry = bounded(10)
    for (const reach of ['open', 'halfOpen', 'isolate'] as const) {
      registry.get(reach)[reach]()
      assert.equal(registry.delete(reach), true)
    }
    assert.equal(registry.size, 0)
  })

  it('iterates over keys and breakers, the least recently used first', () => {
    const registry = new CircuitBreakerRegistry()
    for (const key of ['a', 'b', 'c']) registry.get(key)
    registry.get('a')
    assert.deepEqual(keys(registry), ['b', 'c', 'a'])
    for (const [key, breaker] of registry) assert.equal(breaker.name, key)
  })

  it('keeps nothing for a key whose options throw or are refused', () => {
    let bad: 'throws' | 'refused' | undefined = 'throws'
    const error = new Error('no such tenant')
    const registry = new CircuitBreakerRegistry({
      max: 1,
      options: () => {
        if (bad === 'throws') throw error
        return bad === 'refused' ? { failMax: 0 } : {}
      },
    })
    bad = undefined
    const first = registry.get('first')
    for (bad of ['throws', 'refused'] as const) {
      assert.throws(() => registry.get('second'), bad === 'throws' ? error : RangeError)
      assert.deepEqual(keys(registry), ['first'])
      assert.equal(registry.get('first'), first)
    }
  })

  it('options may use the registry itself', () => {
    const registry: CircuitBreakerRegistry = new CircuitBreakerRegistry({
      max: 2,
      options: (key: string) => {
        if (key === 'child') registry.get('parent')
        return {}
      },
    })
    const child = registry.get('child')
    assert.equal(registry.get('child'), child)
    assert.deepEqual(keys(registry), ['parent', 'child'])
  })

  it('options that ask for their own key get the breaker that is kept', () => {
    let asked = 0
    const registry: CircuitBreakerRegistry = new CircuitBreakerRegistry({
      options: (key: string) => {
        if (++asked === 1) registry.get(key)
        return {}
      },
    })
    const monitor = new CircuitBreakerMonitor()
    monitor.watch(registry)
    const breaker = registry.get('host')
    assert.equal(registry.get('host'), breaker)
    assert.deepEqual([...registry], [['host', breaker]])
    assert.equal(monitor.totals().length, 1)
  })

  it('can be used while it is iterated over', () => {
    const registry = new CircuitBreakerRegistry()
    for (const key of ['a', 'b', 'c', 'd']) registry.get(key)
    const seen: string[] = []
    for (const [key] of registry) {
      seen.push(key)
      registry.get(key)
      registry.get(`${key} again`)
      registry.delete('c')
    }
    assert.deepEqual(seen, ['a', 'b', 'd'])
    assert.deepEqual(keys(registry), ['a', 'a again', 'b', 'b again', 'd', 'd again'])
  })
})

describe('the bound of a registry', () => {
  const warnings: string[] = []
  const collect = (warning: Error): void => {
    if (/Registry/.test(warning.message)) warnings.push(warning.message)
  }
  const delivered = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 1))
  beforeEach(() => {
    warnings.length = 0
    process.on('warning', collect)
  })
  afterEach(() => {
    process.off('warning', collect)
  })

  it('is 1,000 breakers by default', () => {
    const registry = new CircuitBreakerRegistry<number>()
    for (let key = 0; key < 1_005; key++) registry.get(key)
    assert.equal(registry.size, 1_000)
    assert.equal(keys(registry)[0], 5)
  })

  it('the least recently used breaker makes room', () => {
    const registry = bounded(3)
    for (const key of ['a', 'b', 'c']) registry.get(key)
    registry.get('a')
    registry.get('d')
    assert.deepEqual(keys(registry), ['c', 'a', 'd'])
    registry.get('e')
    assert.deepEqual(keys(registry), ['a', 'd', 'e'])
  })

  it('has, iterating and listening do not count as use', () => {
    const registry = bounded(2)
    registry.get('a')
    registry.get('b')
    assert.ok(registry.has('a'))
    assert.equal([...registry].length, 2)
    registry.addListener({ success() {} })
    registry.get('c')
    assert.deepEqual(keys(registry), ['b', 'c'])
  })

  it('a bound of one holds the newest', () => {
    const registry = bounded(1)
    const a = registry.get('a')
    registry.get('b')
    assert.deepEqual(keys(registry), ['b'])
    assert.notEqual(registry.get('a'), a)
    assert.deepEqual(keys(registry), ['a'])
  })

  const kept: Record<string, (breaker: CircuitBreaker) => unknown> = {
    open: (breaker) => fail(breaker),
    'open, with its open time passed': (breaker) => breaker.open({ for: 0 }),
    'half-open': (breaker) => breaker.halfOpen(),
    isolated: (breaker) => breaker.isolate(),
    'switched off': (breaker) => (breaker.mode = 'off'),
    'in use by a call': (breaker) => void breaker.call(() => new Promise(() => {})),
    'in use by a permit': (breaker) => breaker.acquire(),
    'in use by a call from before it was closed': (breaker) => {
      breaker.acquire()
      breaker.open()
      breaker.close()
    },
  }
  for (const [title, reach] of Object.entries(kept)) {
    it(`a breaker that is ${title} is never evicted`, () => {
      const registry = bounded(2)
      const breaker = registry.get('kept')
      reach(breaker)
      for (const key of ['a', 'b', 'c', 'd']) registry.get(key)
      assert.deepEqual(keys(registry), ['kept', 'd'])
      assert.equal(registry.get('kept'), breaker)
    })
  }

  it('a breaker that is idle again can be evicted', () => {
    const registry = bounded(1)
    const permit = registry.get('a').acquire()
    permit.failure(new Error('down'))
    registry.get('a').close()
    registry.get('b')
    assert.deepEqual(keys(registry), ['b'])
  })

  it('if none can be evicted, it grows and warns once', async () => {
    const registry = bounded(2)
    for (let i = 0; i < 6; i++) fail(registry.get(`host-${i}`))
    assert.equal(registry.size, 4)
    await delivered()
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /2/)
  })

  it('within its bound it does not warn', async () => {
    const registry = bounded(2)
    for (let i = 0; i < 6; i++) registry.get(`host-${i}`)
    await delivered()
    assert.deepEqual(warnings, [])
  })

  it('it shrinks to its bound once breakers can be evicted', () => {
    const registry = bounded(2)
    for (let i = 0; i < 4; i++) registry.get(`host-${i}`).open()
    for (const [, breaker] of registry) breaker.close()
    registry.get('new')
    assert.deepEqual(keys(registry), ['host-2', 'host-3', 'new'])
    registry.get('newer')
    assert.deepEqual(keys(registry), ['new', 'newer'])
  })

  it('an evicted breaker can still be used', () => {
    const registry = bounded(1)
    const held = registry.get('a')
    registry.get('b')
    fail(held)
    assert.equal(held.state, 'open')
    assert.equal(registry.has('a'), false)
  })
})

describe('the listeners of a registry', () => {
  it('get the events of all its breakers, existing and future ones', () => {
    const registry = bounded(10)
    const events: string[] = []
    registry.get('before')
    registry.addListener({ stateChange: ({ breaker, to }) => events.push(`${breaker.name} ${to}`) })
    registry.get('after')
    fail(registry.get('before'))
    fail(registry.get('after'))
    assert.deepEqual(events, ['before open', 'after open'])
  })

  it('are added to those of the options, and get each event once', () => {
    const events: string[] = []
    const listener: CircuitBreakerListener = { failure: () => events.push('both') }
    const options = { clock, listeners: [listener, { failure: () => events.push('own') }] }
    const registry = new CircuitBreakerRegistry({ options: () => options })
    registry.addListener(listener)
    registry.addListener(listener)
    fail(registry.get('a'))
    assert.deepEqual(events, ['both', 'own'])
  })

  it('are removed from all of them, by removeListener or by the Disposable of addListener', () => {
    const registry = bounded(10)
    const events: string[] = []
    const listener: CircuitBreakerListener = { failure: () => events.push('first') }
    registry.addListener(listener)
    const added = registry.addListener({ failure: () => events.push('second') })
    const breaker = registry.get('a')
    registry.removeListener(listener)
    fail(breaker)
    assert.deepEqual(events, ['second'])
    added[Symbol.dispose]()
    fail(registry.get('b'))
    assert.deepEqual(events, ['second'])
  })

  it('can be removed without ever having been added', () => {
    const registry = bounded(2)
    const added = registry.addListener({ failure() {} })
    added[Symbol.dispose]()
    added[Symbol.dispose]()
    registry.removeListener({ failure() {} })
    assert.equal(registry.get('a').state, 'closed')
  })
})
