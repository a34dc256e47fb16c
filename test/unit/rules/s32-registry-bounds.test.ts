import assert from 'node:assert/strict'
import process from 'node:process'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  CircuitBreakerRegistry,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitBreakerPatch,
} from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { CountingClock } from '../../helpers/counting-clock.ts'
import { warningsDuring } from '../../helpers/warnings.ts'
import { inWorld } from '../fleet/support/world.ts'

type Registry<K = string> = CircuitBreakerRegistry<K>

const down = new Error('down')

const keys = <K>(registry: Registry<K>): K[] => [...registry].map(([key]) => key)
/** Calls a dead dependency as often as the circuit admits it. */
const exhaust = (breaker: CircuitBreaker): void => {
  for (let permit = breaker.tryAcquire(); permit; permit = breaker.tryAcquire()) permit.failure(down)
}

function make<K = string>(
  max: number,
  options: CircuitBreakerOptions = {},
): { registry: Registry<K>; clock: ManualClock } {
  const clock = new ManualClock()
  const given = { clock, failMax: 3, timeoutDuration: 1_000, ...options }
  return { clock, registry: new CircuitBreakerRegistry<K>({ max, options: () => given }) }
}

/** Uses so many keys that nothing stays that can go: their permits are never settled. */
function flood(registry: Registry, count = 10 * registry.size): void {
  for (let i = 0; i < count; i++) registry.get(`flood ${i}`).acquire()
}

// Almost every registry here grows beyond its `max`.
const { emitWarning } = process
beforeEach(() => {
  process.emitWarning = () => {}
})
afterEach(() => {
  process.emitWarning = emitWarning
})

describe('S32: the cost of a new key', () => {
  it('S32: does not grow with the number of dead keys', () => {
    const clock = new CountingClock()
    const registry = new CircuitBreakerRegistry<number>({
      max: 1_000,
      options: () => ({ clock, failMax: 2, timeoutDuration: 1_000 }),
    })
    let most = 0
    for (let key = 0; key < 100_000; key++) {
      most = Math.max(
        most,
        clock.during(() => registry.get(key)),
      )
      exhaust(registry.get(key))
      clock.advance(1)
      assert.ok(registry.size <= 2_000)
    }
    // Two samples of 8, and each time the least recently used breaker.
    assert.ok(most <= 18, `${most} readings for one key`)
    assert.ok(most > 0)
  })

  it('S32: is the same where every breaker is in use, isolated or configured', () => {
    const clock = new CountingClock()
    const registry = new CircuitBreakerRegistry<number>({ max: 500, options: () => ({ clock }) })
    const reach: ((breaker: CircuitBreaker) => unknown)[] = [
      (breaker) => breaker.acquire(),
      (breaker) => breaker.isolate(),
      (breaker) => breaker.configure({ failMax: 7 }),
      (breaker) => breaker.open(),
    ]
    for (let key = 0; key < 5_000; key++) {
      assert.ok(clock.during(() => registry.get(key)) <= 18)
      reach[key % reach.length]!(registry.get(key))
    }
  })
})

describe('S32: the size of a registry', () => {
  const ways: Record<string, (breaker: CircuitBreaker) => unknown> = {
    'has a permit that is never settled': (breaker) => breaker.acquire(),
    'has a call that hangs': (breaker) => void breaker.call(() => new Promise(() => {})),
    'is open': (breaker) => exhaust(breaker),
    'is opened by hand': (breaker) => breaker.open(),
    'is isolated by hand': (breaker) => breaker.isolate(),
    'is made half-open by hand': (breaker) => breaker.halfOpen(),
    'is half-open, with a probe that is never settled': (breaker) => breaker.halfOpen() && breaker.acquire(),
    'is configured by hand': (breaker) => breaker.configure({ failMax: 9 }),
    'is switched off by hand': (breaker) => (breaker.mode = 'off'),
  }
  const all = Object.values(ways)
  for (const [title, reach] of [
    ...Object.entries(ways),
    [
      'is in any of these states',
      (breaker: CircuitBreaker) => all[Number(breaker.name) % all.length]!(breaker),
    ],
  ] as const) {
    it(`S32: is at most twice \`max\`, also when every breaker ${title}`, () => {
      for (const max of [1, 2, 7, 20]) {
        const { registry, clock } = make<number>(max)
        for (let key = 0; key < 10 * max; key++) {
          const breaker = registry.get(key)
          assert.ok(registry.size <= 2 * max, `${registry.size} breakers at max ${max}`)
          assert.equal(registry.get(key), breaker)
          reach(breaker)
          clock.advance(10)
        }
      }
    })
  }

  it('S32: at twice `max` the least recently used breaker goes, and its calls end as they would', async () => {
    const { registry } = make(6)
    let finish = (_value: string): void => {}
    const held = registry.get('held')
    const call = held.call(() => new Promise<string>((resolve) => (finish = resolve)))
    const permit = held.acquire()
    for (let i = 0; i < 11; i++) registry.get(`used ${i}`).acquire()
    assert.equal(registry.size, 12)
    registry.get('used 0')
    assert.ok(registry.has('held'))
    registry.get('new').acquire()
    assert.equal(registry.has('held'), false)
    assert.equal(registry.size, 12)
    registry.get('newer').acquire()
    assert.deepEqual([registry.has('used 1'), registry.has('used 0')], [false, true])
    finish('answer')
    assert.equal(await call, 'answer')
    assert.equal(permit.success(), true)
    assert.equal(held.snapshot().inFlight, 0)
    assert.notEqual(registry.get('held'), held)
  })

  it('S32: above `max` each new key evicts up to two breakers', () => {
    const { registry } = make(4)
    const permits = Array.from({ length: 8 }, (_, i) => registry.get(`used ${i}`).acquire())
    for (const permit of permits) permit.success()
    const sizes = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => registry.get(key) && registry.size)
    assert.deepEqual(sizes, [7, 6, 5, 4, 4, 4])
  })

  it('S32: growing beyond `max` is reported once, staying within it never', () => {
    const { registry } = make(3)
    const grow = (): void => flood(registry, 20)
    assert.deepEqual(
      warningsDuring(() => {
        for (let i = 0; i < 20; i++) exhaust(registry.get('the same key'))
        for (let i = 0; i < 20; i++) registry.get(`idle ${i}`)
      }),
      [],
    )
    const [warning, ...others] = warningsDuring(() => (grow(), grow()))
    assert.match(warning!, /^RecloserWarning: A CircuitBreakerRegistry grows beyond its max of 3: /)
    assert.deepEqual(others, [])
  })

  it('S32: that of a huge `max` is not limited by it', () => {
    const { registry } = make<number>(Number.MAX_SAFE_INTEGER)
    for (let key = 0; key < 3_000; key++) registry.get(key).isolate()
    assert.equal(registry.size, 3_000)
  })
})

describe('S32: the breaker that is evicted', () => {
  it('S32: is the one with the fewest consecutive failures', () => {
    const { registry } = make(8)
    for (const [key, failures] of Object.entries({ a: 2, b: 1, c: 2, d: 1, e: 2, f: 2, g: 2, h: 2 })) {
      fail(registry.get(key), failures)
    }
    fail(registry.get('x'), 2)
    assert.deepEqual(keys(registry), ['a', 'c', 'd', 'e', 'f', 'g', 'h', 'x'])
    fail(registry.get('y'), 2)
    assert.deepEqual(keys(registry), ['a', 'c', 'e', 'f', 'g', 'h', 'x', 'y'])
  })

  it('S32: on a tie is the least recently used one', () => {
    for (const failures of [0, 1, 2]) {
      const { registry } = make(3)
      for (const key of ['a', 'b', 'c']) fail(registry.get(key), failures)
      registry.get('a')
      fail(registry.get('d'), failures)
      assert.deepEqual(keys(registry), ['c', 'a', 'd'])
    }
  })

  it('S32: is the least recently used of all while that one has no failures, in a registry of any size', () => {
    const { registry } = make<number>(100)
    const healthy = (key: number): boolean => key % 2 === 0
    for (let key = 0; key < 100; key++) fail(registry.get(key), healthy(key) ? 0 : 2)
    for (let key = 1; key < 100; key += 2) registry.get(key)
    for (let i = 0; i < 50; i++) {
      fail(registry.get(1_000 + i), 2)
      assert.equal(
        keys(registry)
          .filter(healthy)
          .filter((key) => key < 100).length,
        49 - i,
      )
      assert.equal(registry.has(2 * i), false)
    }
  })

  for (const [dead, max] of [
    [150, 100],
    [30, 20],
    [1_500, 1_000],
  ] as const) {
    it(`S32: of ${dead} dead keys called in turn at \`max: ${max}\`, 40 % of ${max} are open after 80 rounds`, () => {
      const { registry, clock } = make<number>(max, { failMax: 5, timeoutDuration: 60_000 })
      for (let round = 0; round < 80; round++) {
        for (let key = 0; key < dead; key++) registry.get(key).tryAcquire()?.failure(new Error('down'))
        clock.advance(100)
      }
      const open = [...registry].filter(([, { state }]) => state === 'open').length
      assert.ok(open >= 0.4 * max, `${open} are open`)
    })
  }

  it('S32: may be open if its open time ended longer ago than it lasted', () => {
    const { registry, clock } = make(1)
    exhaust(registry.get('dead'))
    clock.advance(2_000)
    registry.get('a')
    assert.deepEqual(keys(registry), ['dead', 'a'])
    registry.delete('a')
    clock.advance(1)
    registry.get('b')
    assert.deepEqual(keys(registry), ['b'])
  })

  it('S32: is not one that is in use, open or just half-open, as long as there is room for it', () => {
    const { registry, clock } = make(4)
    const kept = ['permit', 'open', 'ended', 'probing', 'half-open']
    exhaust(registry.get('ended'))
    clock.advance(1_500)
    registry.get('half-open').halfOpen()
    registry.get('probing').halfOpen()
    registry.get('probing').acquire()
    registry.get('permit').acquire()
    exhaust(registry.get('open'))
    for (let i = 0; i < 100; i++) registry.get(`idle ${i}`)
    for (const key of kept) assert.ok(registry.has(key), key)
  })

  it('S32: is one with a lost probe only at twice `max`, like any other that is in use', () => {
    const { registry, clock } = make(2, { probeTimeout: 500 })
    registry.get('probed').halfOpen()
    registry.get('probed').acquire()
    clock.advance(1e6)
    for (let i = 0; i < 20; i++) registry.get(`idle ${i}`)
    assert.ok(registry.has('probed'))
    flood(registry, 10)
    assert.equal(registry.has('probed'), false)
  })

  it('S32: may be half-open if nobody sends its probes for longer than `probeTimeout`', () => {
    const { registry, clock } = make(1, { probeTimeout: 500, halfOpen: { calls: 2 } })
    registry.get('forgotten').halfOpen()
    succeed(registry.get('forgotten'))
    const found = (): boolean => {
      registry.delete('other')
      registry.get('other')
      return registry.has('forgotten')
    }
    assert.equal(found(), true)
    clock.advance(500)
    assert.equal(found(), true)
    clock.advance(1)
    assert.equal(found(), false)
  })

  it('S32: works on for code that holds it, and its key gets a new one', () => {
    const { registry } = make(1)
    const held = registry.get('a')
    registry.get('b')
    exhaust(held)
    held.isolate()
    held.configure({ failMax: 9 })
    assert.deepEqual([held.state, registry.size, registry.has('a')], ['isolated', 1, false])
    assert.equal(registry.get('a').state, 'closed')
    assert.notEqual(registry.get('a'), held)
  })

  it('S32: leaves a monitor that watches the registry', () => {
    const { registry, clock } = make<number>(5)
    const monitor = new CircuitBreakerMonitor()
    monitor.watch(registry)
    for (let key = 0; key < 200; key++) {
      const breaker = registry.get(key)
      if (key % 3 === 0) breaker.acquire()
      if (key % 5 === 0) exhaust(breaker)
      if (key % 7 === 0) breaker.isolate()
      clock.advance(100)
      const watched = monitor.totals().map(({ id }) => id)
      assert.deepEqual(watched.toSorted(), keys(registry).map(String).toSorted())
    }
  })
})

describe('S32: what is changed by hand', () => {
  const patches: CircuitBreakerPatch[] = [{ failMax: 1 }, { mode: 'observe' }, { timeoutDuration: 5 }]
  const changes: Record<string, (breaker: CircuitBreaker) => unknown> = {
    'is isolated': (breaker) => breaker.isolate('maintenance'),
    'is opened': (breaker) => breaker.open({ for: 1e9 }),
    'is opened while it is open': (breaker) => (exhaust(breaker), breaker.open({ for: 1e9 })),
    'is switched off': (breaker) => (breaker.mode = 'off'),
    ...Object.fromEntries(
      patches.map((patch) => [
        `is configured with ${JSON.stringify(patch)}`,
        (breaker: CircuitBreaker) => breaker.configure(patch),
      ]),
    ),
  }
  for (const [title, change] of Object.entries(changes)) {
    it(`S32: a breaker that ${title} stays`, () => {
      const { registry, clock } = make(5)
      const breaker = registry.get('kept')
      change(breaker)
      const { state, options } = breaker
      flood(registry, 50)
      clock.advance(1e6)
      flood(registry, 50)
      for (let i = 0; i < 50; i++) registry.get(`idle ${i}`)
      assert.equal(registry.get('kept'), breaker)
      assert.deepEqual([breaker.state, breaker.options], [state, options])
    })
  }

  it('S32: also by a monitor stays', () => {
    const { registry } = make(5)
    const monitor = new CircuitBreakerMonitor()
    monitor.watch(registry)
    registry.get('kept')
    monitor.isolate('kept')
    flood(registry, 50)
    assert.equal(registry.get('kept').state, 'isolated')
  })

  it('S32: `options` and `restore` are no manual change', () => {
    const clock = new ManualClock()
    const { registry: other } = make(1)
    other.get('a').isolate()
    const restore = other.get('a').snapshot()
    const registry = new CircuitBreakerRegistry({
      max: 2,
      options: (key: string) => ({
        clock,
        ...(key === 'off' && { mode: 'off' }),
        ...(key === 'restored' && { restore }),
      }),
    })
    const first = [registry.get('off'), registry.get('restored')]
    flood(registry, 10)
    assert.notEqual(registry.get('off'), first[0])
    assert.notEqual(registry.get('restored'), first[1])
  })

  it(
    'S32: a change that arrives from the fleet is no manual change, and a key gets it again',
    inWorld(async (world) => {
      const { clock } = world
      const registries = ['one', 'two'].map((reporter) => {
        const shared = { clock, storage: world.process().storage, reporter }
        const options = (name: string): CircuitBreakerOptions => (name === 'shared' ? shared : { clock })
        return new CircuitBreakerRegistry({ max: 2, options })
      })
      const breakers = registries.map((registry) => registry.get('shared'))
      for (const breaker of breakers) succeed(breaker)
      await world.pass(50)
      breakers[0]!.isolate()
      await world.pass(50)
      assert.equal(breakers[1]!.state, 'isolated')
      for (const registry of registries) flood(registry, 10)
      assert.deepEqual(
        registries.map((registry) => registry.has('shared')),
        [true, false],
      )
      const again = registries[1]!.get('shared')
      again.tryAcquire()?.success()
      await world.pass(50)
      assert.equal(again.state, 'isolated')
    }),
  )

  for (const release of ['close', 'halfOpen'] as const) {
    it(`S32: a manual ${release} releases an isolated breaker`, () => {
      const { registry } = make(2)
      registry.get('kept').isolate()
      flood(registry, 10)
      assert.ok(registry.has('kept'))
      registry.get('kept')[release]()
      flood(registry, 10)
      assert.equal(registry.has('kept'), false)
    })
  }

  it('S32: a released breaker has its place in the order of use', () => {
    const { registry } = make(2)
    registry.get('a').isolate()
    registry.get('b')
    assert.deepEqual(keys(registry), ['a', 'b'])
    registry.get('a').isolate('again')
    registry.get('b')
    registry.get('b')
    for (const [key, breaker] of registry) if (key === 'a') breaker.close()
    registry.get('c')
    assert.deepEqual(keys(registry), ['b', 'c'])
  })

  it('S32: a released breaker goes first at twice `max` if it is the least recently used one', () => {
    const { registry } = make(2)
    const released = registry.get('released')
    released.acquire()
    released.isolate()
    for (const key of ['a', 'b', 'c']) registry.get(key).acquire()
    released.close()
    registry.get('new')
    assert.deepEqual(keys(registry), ['a', 'b', 'c', 'new'])
  })

  it('S32: a manual close does not release a configured breaker', () => {
    const { registry } = make(2)
    const breaker = registry.get('kept')
    breaker.configure({ failMax: 8 })
    breaker.isolate()
    breaker.close()
    flood(registry, 10)
    assert.equal(registry.get('kept'), breaker)
  })

  it('S32: a circuit that was opened by hand and has recovered can go', () => {
    const { registry, clock } = make(1)
    registry.get('recovered').open()
    clock.advance(1_000)
    succeed(registry.get('recovered'))
    assert.equal(registry.get('recovered').state, 'closed')
    registry.get('other')
    assert.deepEqual(keys(registry), ['other'])
  })

  it('S32: of more than `max` pins the oldest gives way', () => {
    const { registry } = make(3)
    for (const key of ['a', 'b', 'c']) registry.get(key).isolate()
    flood(registry, 20)
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => registry.has(key)),
      [true, true, true],
    )
    registry.get('a')
    registry.get('d').isolate()
    flood(registry, 20)
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => registry.has(key)),
      [false, true, true, true],
    )
  })

  it('S32: a breaker that gave way can go as any other', () => {
    const { registry } = make(2)
    registry.get('configured').configure({ failMax: 9 })
    for (const key of ['a', 'b']) registry.get(key).isolate()
    registry.get('new')
    assert.deepEqual(keys(registry), ['a', 'b', 'new'])
  })

  it('S32: a deleted breaker is no pin any more', () => {
    const { registry } = make(1)
    const deleted = registry.get('deleted')
    deleted.isolate()
    registry.delete('deleted')
    registry.get('kept').isolate()
    deleted.isolate('again')
    deleted.close()
    flood(registry, 10)
    assert.deepEqual([registry.has('kept'), registry.has('deleted'), registry.size], [true, false, 2])
  })
})

describe('S32: code of the user that runs while room is made', () => {
  /** A registry whose clock runs `act` at its n-th reading from now. */
  function interrupted(max: number): { registry: Registry; at: (reading: number, act: () => void) => void } {
    let time = 0
    let left = 0
    let then = (): void => {}
    const now = (): number => {
      if (--left === 0) then()
      return (time += 1_000)
    }
    const options = { clock: { now }, failMax: 1, timeoutDuration: 10 }
    const registry: Registry = new CircuitBreakerRegistry({ max, options: () => options })
    return { registry, at: (reading, act) => void ((left = reading), (then = act)) }
  }

  const acts: Record<string, (registry: Registry) => unknown> = {
    'get the same key': (registry) => registry.get('new'),
    'get another key': (registry) => registry.get('another'),
    'get many keys': (registry) => flood(registry, 50),
    'delete all keys': (registry) => {
      for (const [key] of registry) registry.delete(key)
    },
  }
  for (const [title, act] of Object.entries(acts)) {
    it(`S32: may ${title}`, () => {
      for (let reading = 1; reading <= 8; reading++) {
        const { registry, at } = interrupted(4)
        const monitor = new CircuitBreakerMonitor()
        monitor.watch(registry)
        for (const key of ['a', 'b', 'c', 'd']) fail(registry.get(key))
        let acted = false
        at(reading, () => (act(registry), (acted = true)))
        const breaker = registry.get('new')
        assert.ok(acted || reading > 5)
        for (const [key, each] of registry) if (key === 'new') assert.equal(each, breaker)
        flood(registry, 3)
        assert.ok(registry.size <= 8)
        assert.equal(keys(registry).length, registry.size)
        const watched = monitor.totals().map(({ id }) => id)
        assert.deepEqual(watched.toSorted(), keys(registry).toSorted())
      }
    })
  }

  it('S32: may delete a breaker while it is changed by hand', () => {
    for (let reading = 1; reading <= 4; reading++) {
      const { registry, at } = interrupted(1)
      const breaker = registry.get('deleted')
      at(reading, () => void registry.delete('deleted'))
      breaker.open()
      breaker.isolate()
      assert.equal(registry.has('deleted'), false)
      registry.get('kept').isolate()
      flood(registry, 5)
      assert.deepEqual(keys(registry), ['kept', 'flood 4'])
    }
  })
})
