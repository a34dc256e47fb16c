import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import { CircuitBreaker, CircuitBreakerRegistry } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { CountingClock } from '../../helpers/counting-clock.ts'

const clock = new ManualClock()

describe('a monitor', () => {
  let monitor: CircuitBreakerMonitor

  beforeEach(() => {
    monitor = new CircuitBreakerMonitor()
  })

  const ids = (): string[] => monitor.snapshot({ history: 0 }).breakers.map(({ id }) => id)
  const make = (name: string): CircuitBreaker => new CircuitBreaker({ name, clock })

  describe('that watches breakers', () => {
    it('shows them in the order in which they were first watched', () => {
      const [a, b, c] = [make('a'), make('b'), make('c')]
      for (const each of [c, a, b, c]) monitor.watch(each)
      assert.deepEqual(ids(), ['c', 'a', 'b'])
    })

    it('counts each call once, however often it watches', () => {
      const breaker = make('a')
      monitor.watch(breaker)
      succeed(breaker, 2)
      monitor.watch(breaker)
      succeed(breaker, 3)
      assert.deepEqual(ids(), ['a'])
      assert.equal(monitor.report('a')?.total.success, 5)
      breaker.isolate()
      assert.equal(monitor.transitions.length, 1)
    })

    it('counts each call in every monitor that watches', () => {
      const other = new CircuitBreakerMonitor()
      const breaker = make('a')
      monitor.watch(breaker)
      succeed(breaker)
      other.watch(breaker)
      fail(breaker)
      assert.equal(monitor.report('a')?.total.success, 1)
      assert.equal(monitor.report('a')?.total.failure, 1)
      assert.equal(other.report('a')?.total.success, 0)
      assert.equal(other.report('a')?.total.failure, 1)
    })

    it('leaves out what happened before', () => {
      const breaker = make('a')
      fail(breaker, 3)
      breaker.isolate()
      breaker.close()
      monitor.watch(breaker)
      const report = monitor.report('a')!
      assert.deepEqual(report.total, { success: 0, failure: 0, ignored: 0, late: 0, rejected: 0 })
      assert.deepEqual(report.transitions, [])
    })

    it('leaves out what happens after it has stopped', () => {
      const breaker = make('a')
      const watching = monitor.watch(breaker)
      succeed(breaker)
      watching[Symbol.dispose]()
      succeed(breaker)
      breaker.isolate()
      assert.deepEqual(ids(), [])
      assert.deepEqual(monitor.transitions, [])
      assert.equal(monitor.has('a'), false)
      assert.equal(monitor.report('a'), undefined)
      assert.equal(monitor.health, 'up')
    })

    it('starts from zero with a breaker that it had stopped watching', () => {
      const breaker = make('a')
      monitor.watch(breaker)
      succeed(breaker, 2)
      breaker.isolate()
      breaker.close()
      monitor.unwatch(breaker)
      monitor.watch(breaker)
      succeed(breaker)
      assert.equal(monitor.report('a')?.total.success, 1)
      assert.deepEqual(monitor.report('a')?.transitions, [])
      assert.deepEqual(monitor.totals()[0]?.transitions, [])
    })

    it('returns whether there was something to unwatch', () => {
      const breaker = make('a')
      const registry = new CircuitBreakerRegistry()
      assert.equal(monitor.unwatch(breaker), false)
      assert.equal(monitor.unwatch(registry), false)
      monitor.watch(breaker)
      monitor.watch(registry)
      assert.equal(monitor.unwatch(breaker), true)
      assert.equal(monitor.unwatch(registry), true)
      assert.equal(monitor.unwatch(breaker), false)
      assert.equal(monitor.unwatch(registry), false)
    })

    it('may be stopped twice', () => {
      const breaker = make('a')
      const watching = monitor.watch(breaker)
      watching[Symbol.dispose]()
      watching[Symbol.dispose]()
      assert.deepEqual(ids(), [])
    })

    it('leaves the breaker unchanged', async () => {
      const clock = new CountingClock()
      const breaker = new CircuitBreaker({ clock })
      const readings = async (): Promise<number> => {
        const before = clock.readings
        await breaker.call(() => 1)
        return clock.readings - before
      }
      assert.equal(await readings(), 0)
      monitor.watch(breaker)
      assert.equal(await readings(), 2)
      monitor.unwatch(breaker)
      assert.equal(await readings(), 0)
    })

    it('counts a call at most once that was in flight when it started or stopped', () => {
      const breaker = make('a')
      const first = breaker.acquire()
      monitor.watch(breaker)
      const second = breaker.acquire()
      first.failure()
      assert.ok(monitor.report('a')!.total.failure <= 1)
      monitor.unwatch(breaker)
      second.failure()
      monitor.watch(breaker)
      assert.equal(monitor.report('a')?.total.failure, 0)
      assert.equal(breaker.failCounter, 2)
    })
  })

  it('runs no timer, whatever is read', async () => {
    const timers = FakeTimers.install({ toFake: ['setTimeout', 'setInterval', 'setImmediate'] })
    try {
      const breaker = make('a')
      monitor.watch(breaker)
      const event = monitor.events().next()
      await breaker.call(() => 1)
      monitor.isolate('a')
      await event
      monitor.snapshot()
      monitor.totals()
      assert.equal(timers.countTimers(), 0)
    } finally {
      timers.uninstall()
    }
  })

  describe('with several breakers of one name', () => {
    it('tells them apart by a number', () => {
      for (let i = 0; i < 3; i++) monitor.watch(make('a'))
      assert.deepEqual(ids(), ['a', 'a (2)', 'a (3)'])
      assert.deepEqual(
        monitor.snapshot().breakers.map(({ name }) => name),
        ['a', 'a', 'a'],
      )
    })

    it('keeps their ids while others are removed, and reuses free ids', () => {
      const breakers = [make('a'), make('a'), make('a'), make('a')]
      for (const each of breakers) monitor.watch(each)
      monitor.unwatch(breakers[0]!)
      monitor.unwatch(breakers[2]!)
      assert.deepEqual(ids(), ['a (2)', 'a (4)'])
      for (let i = 0; i < 3; i++) monitor.watch(make('a'))
      assert.deepEqual(ids(), ['a (2)', 'a (4)', 'a', 'a (3)', 'a (5)'])
    })

    it('uses no id that is the name of another', () => {
      monitor.watch(make('a (2)'))
      monitor.watch(make('a'))
      monitor.watch(make('a'))
      monitor.watch(make('a (2)'))
      assert.deepEqual(ids(), ['a (2)', 'a', 'a (3)', 'a (2) (2)'])
    })

    it('counts and controls each by itself', () => {
      const [one, other] = [make('a'), make('a')]
      monitor.watch(one)
      monitor.watch(other)
      succeed(other, 2)
      monitor.isolate('a (2)')
      assert.equal(one.state, 'closed')
      assert.equal(other.state, 'isolated')
      assert.equal(monitor.report('a')?.total.success, 0)
      assert.equal(monitor.report('a (2)')?.total.success, 2)
      assert.deepEqual(
        monitor.transitions.map(({ id }) => id),
        ['a (2)'],
      )
    })

    it('finds ids for ten thousand of them without trying all numbers for each', () => {
      const breakers = Array.from({ length: 10_000 }, () => make('a'))
      for (const each of breakers) monitor.watch(each)
      assert.equal(new Set(ids()).size, 10_000)
      for (const each of breakers) monitor.unwatch(each)
      assert.deepEqual(ids(), [])
    })

    it('takes any name', () => {
      for (const name of ['', '__proto__', 'constructor', '<img onerror>', '\ud800'])
        monitor.watch(make(name))
      assert.deepEqual(ids(), ['', '__proto__', 'constructor', '<img onerror>', '\ud800'])
      assert.deepEqual(Object.keys(monitor.healthReport().breakers), ids())
      assert.equal(monitor.isolate('__proto__'), true)
      assert.equal(monitor.report('')?.state, 'closed')
    })
  })

  describe('that watches a registry', () => {
    const options = (): { clock: ManualClock; failMax: number } => ({ clock, failMax: 1 })

    it('shows the existing breakers and those to come', () => {
      const registry = new CircuitBreakerRegistry({ options })
      registry.get('a')
      monitor.watch(registry)
      succeed(registry.get('b'), 2)
      succeed(registry.get('a'))
      assert.deepEqual(ids(), ['a', 'b'])
      assert.equal(monitor.report('a')?.total.success, 1)
      assert.equal(monitor.report('b')?.total.success, 2)
    })

    it('drops those that it evicts and deletes', () => {
      const registry = new CircuitBreakerRegistry({ options, max: 2 })
      monitor.watch(registry)
      const first = registry.get('a')
      for (const key of ['b', 'c']) registry.get(key)
      assert.deepEqual(ids(), ['b', 'c'])
      succeed(first)
      fail(first)
      assert.deepEqual(monitor.transitions, [])
      registry.delete('b')
      assert.deepEqual(ids(), ['c'])
    })

    it('starts from zero with a key that comes back, under the same id', () => {
      const registry = new CircuitBreakerRegistry({ options })
      monitor.watch(registry)
      succeed(registry.get('a'), 5)
      registry.delete('a')
      succeed(registry.get('a'))
      assert.deepEqual(ids(), ['a'])
      assert.equal(monitor.report('a')?.total.success, 1)
    })

    it('keeps an evicted one that it also watches by itself', () => {
      const registry = new CircuitBreakerRegistry({ options })
      const breaker = registry.get('a')
      monitor.watch(registry)
      monitor.watch(breaker)
      registry.delete('a')
      succeed(breaker)
      assert.deepEqual(ids(), ['a'])
      assert.equal(monitor.report('a')?.total.success, 1)
      assert.equal(monitor.unwatch(breaker), true)
      assert.deepEqual(ids(), [])
    })

    it('counts once a breaker that it watches in both ways, until it is unwatched in both', () => {
      const registry = new CircuitBreakerRegistry({ options })
      const breaker = registry.get('a')
      monitor.watch(breaker)
      monitor.watch(registry)
      monitor.watch(registry)
      succeed(breaker)
      assert.deepEqual(ids(), ['a'])
      assert.equal(monitor.report('a')?.total.success, 1)
      monitor.unwatch(breaker)
      succeed(breaker)
      assert.equal(monitor.report('a')?.total.success, 2)
      monitor.unwatch(registry)
      assert.deepEqual(ids(), [])
    })

    it('does not stop watching a breaker that it watches only through the registry', () => {
      const registry = new CircuitBreakerRegistry({ options })
      monitor.watch(registry)
      assert.equal(monitor.unwatch(registry.get('a')), false)
      assert.deepEqual(ids(), ['a'])
    })

    it('gets nothing more from it once it has stopped', () => {
      const registry = new CircuitBreakerRegistry({ options })
      monitor.watch(registry)
      const watching = monitor.watch(registry)
      const breaker = registry.get('a')
      watching[Symbol.dispose]()
      registry.get('b')
      fail(breaker)
      assert.deepEqual(ids(), [])
      assert.deepEqual(monitor.transitions, [])
    })

    it('distinguishes breakers of one name in several registries', () => {
      const registries = [new CircuitBreakerRegistry({ options }), new CircuitBreakerRegistry({ options })]
      for (const registry of registries) {
        monitor.watch(registry)
        registry.get('host')
      }
      assert.deepEqual(ids(), ['host', 'host (2)'])
      monitor.unwatch(registries[0]!)
      assert.deepEqual(ids(), ['host (2)'])
    })

    it('takes keys of any kind', () => {
      const registry = new CircuitBreakerRegistry<number>()
      monitor.watch(registry)
      registry.get(7)
      assert.deepEqual(ids(), ['7'])
    })
  })

  it('reports existing, added and removed breakers to its followers, until they stop', () => {
    const changes: string[] = []
    const [a, b] = [make('a'), make('b')]
    monitor.watch(a)
    const stop = CircuitBreakerMonitor.follow(monitor, {
      added: (id, breaker) => changes.push(`+${id} ${breaker.name}`),
      removed: (id) => changes.push(`-${id}`),
    })
    for (const each of [a, b, make('b')]) monitor.watch(each)
    monitor.unwatch(b)
    stop()
    monitor.unwatch(a)
    monitor.watch(b)
    assert.deepEqual(changes, ['+a a', '+b b', '+b (2) b', '-b'])
  })

  describe('keeps the transitions of all breakers', () => {
    it('the oldest first, also those of removed breakers', () => {
      const [a, b] = [make('a'), make('b')]
      monitor.watch(a)
      monitor.watch(b)
      a.isolate('1')
      b.isolate('2')
      a.close('3')
      monitor.unwatch(b)
      a.isolate('4')
      assert.deepEqual(
        monitor.transitions.map(({ id, from, to, reason }) => [id, from, to, reason]),
        [
          ['a', 'closed', 'isolated', '1'],
          ['b', 'closed', 'isolated', '2'],
          ['a', 'isolated', 'closed', '3'],
          ['a', 'closed', 'isolated', '4'],
        ],
      )
    })

    it('up to a limit, 1,000 by default', () => {
      for (const [given, expected] of [
        [{}, 1_000],
        [{ transitions: 3 }, 3],
        [{ transitions: 1 }, 1],
        [{ transitions: undefined }, 1_000],
      ] as const) {
        const monitor = new CircuitBreakerMonitor(given)
        const breaker = make('a')
        monitor.watch(breaker)
        for (let i = 1; i <= 2_500; i++) {
          if (i % 2 === 0) breaker.close(`${i}`)
          else breaker.isolate(`${i}`)
        }
        assert.equal(monitor.transitions.length, expected)
        assert.equal(monitor.transitions[0]?.reason, `${2_501 - expected}`)
        assert.equal(monitor.transitions.at(-1)?.reason, '2500')
      }
    })
  })
})
