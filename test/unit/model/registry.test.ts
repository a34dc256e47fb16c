import assert from 'node:assert/strict'
import process from 'node:process'
import { afterEach, beforeEach, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreakerRegistry, type CircuitBreaker, type Permit } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { parameters } from './parameters.ts'

const MANUAL = ['open', 'isolate', 'halfOpen', 'close'] as const

type Step =
  | { readonly do: 'get' | 'call' | 'fail' | 'hold' | 'delete'; readonly key: number }
  | { readonly do: 'settle'; readonly which: number }
  | { readonly do: 'advance'; readonly by: number }
  | {
      readonly do: 'change'
      readonly key: number
      readonly how: (typeof MANUAL)[number] | 'configure' | 'off'
    }

const key = fc.nat(30)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('get', 'call', 'fail', 'fail', 'hold'), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete'), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle'), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('advance'), by: fc.constantFrom(0, 1, 99, 100, 101, 500) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('change'),
      key,
      how: fc.constantFrom(...MANUAL, 'configure', 'off'),
    }),
  },
)

/** A registry beside what must be true of it. */
class Checked {
  readonly #clock = new ManualClock()
  readonly #max: number
  readonly #registry: CircuitBreakerRegistry<number>
  readonly #followed = new Set<CircuitBreaker>()
  readonly #held: Permit[] = []
  /** All breakers that are present, the least recently used first. */
  readonly #present = new Map<number, CircuitBreaker>()
  readonly #configured = new Set<CircuitBreaker>()
  /** The oldest pin first. */
  readonly #pins = new Set<CircuitBreaker>()

  constructor(max: number) {
    this.#max = max
    const options = { clock: this.#clock, failMax: 2, timeoutDuration: 100, probeTimeout: 200 }
    this.#registry = new CircuitBreakerRegistry({ max, options: () => options })
    CircuitBreakerRegistry.follow(this.#registry, {
      added: (breaker) => void this.#followed.add(breaker),
      removed: (breaker) => assert.ok(this.#followed.delete(breaker), 'removed once, after it was added'),
    })
  }

  perform(action: Step): void {
    if (action.do === 'advance') this.#clock.advance(action.by)
    else if (action.do === 'settle') {
      const [permit] = this.#held.splice(action.which % (this.#held.length + 1), 1)
      permit?.success()
    } else if (action.do === 'delete') {
      assert.equal(this.#registry.delete(action.key), this.#present.has(action.key))
      this.#forget(action.key)
    } else {
      const breaker = this.#get(action.key)
      if (action.do === 'change') this.#change(breaker, action.how)
      else if (action.do !== 'get') {
        const permit = breaker.tryAcquire()
        if (permit && action.do === 'hold') this.#held.push(permit)
        else if (action.do === 'fail') permit?.failure(new Error('down'))
        else permit?.success()
      }
    }
    this.#check()
  }

  #get(name: number): CircuitBreaker {
    const { size } = this.#registry
    const known = this.#present.get(name)
    const kept = known || size < 2 * this.#max ? [...this.#present.values()].filter(isBusy) : []
    const breaker = this.#registry.get(name)
    const now = new Set([...this.#registry].map(([, each]) => each))
    assert.ok(now.has(breaker), 'every key is present after its get')
    assert.ok(!known || known === breaker, 'a key keeps its breaker')
    if (known) assert.equal(now.size, size)
    for (const each of kept) assert.ok(now.has(each), `${each.name} was open or in use`)
    for (const [other, each] of this.#present) if (!now.has(each)) this.#evicted(other, each)
    this.#present.delete(name)
    this.#present.set(name, breaker)
    return breaker
  }

  #evicted(name: number, breaker: CircuitBreaker): void {
    const holds = this.#configured.has(breaker) || ['open', 'isolated'].includes(breaker.state)
    assert.ok(!this.#pins.has(breaker) || !holds, `${name} was pinned`)
    this.#forget(name)
  }

  #forget(name: number): void {
    const breaker = this.#present.get(name)
    this.#present.delete(name)
    if (breaker) this.#pins.delete(breaker)
  }

  #change(breaker: CircuitBreaker, how: (typeof MANUAL)[number] | 'configure' | 'off'): void {
    if (how === 'configure' || how === 'off') {
      breaker.configure(how === 'off' ? { mode: 'off' } : { failMax: 3 })
      this.#configured.add(breaker)
    } else {
      breaker[how]()
      if (breaker.mode !== 'enforce') return
    }
    if (this.#configured.has(breaker) || how === 'open' || how === 'isolate') this.#pins.add(breaker)
    else this.#pins.delete(breaker)
    const [oldest] = this.#pins
    if (oldest && this.#pins.size > this.#max) this.#pins.delete(oldest)
  }

  #check(): void {
    const entries = [...this.#registry]
    assert.deepEqual(entries, [...this.#present], 'the order of use')
    assert.equal(this.#registry.size, entries.length)
    assert.ok(entries.length <= 2 * this.#max, `${entries.length} breakers at max ${this.#max}`)
    assert.deepEqual(new Set(this.#present.values()), this.#followed)
    for (const [name] of entries) assert.ok(this.#registry.has(name))
  }
}

function isBusy(breaker: CircuitBreaker): boolean {
  return breaker.state === 'open' || breaker.state === 'isolated' || breaker.snapshot().inFlight > 0
}

describe('a registry, for random schedules', () => {
  // Almost every schedule makes it grow.
  const { emitWarning } = process
  beforeEach(() => {
    process.emitWarning = () => {}
  })
  afterEach(() => {
    process.emitWarning = emitWarning
  })

  it('S32: keeps its bounds, what is open, in use or pinned, the order of use, and its followers informed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(step, { size: '+2', maxLength: 300 }),
        (max, steps) => {
          const checked = new Checked(max)
          for (const each of steps) checked.perform(each)
        },
      ),
      parameters,
    )
  })
})
