import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'
import { CircuitBreakerStorage, type MemoryStorage } from '../../../src/storage/index.ts'
import { parameters } from '../model/parameters.ts'
import { inWorld, settled, type World } from './support/world.ts'

const FATES = ['prompt', 'slow', 'request lost', 'reply lost', 'twice', 'refused'] as const

/** A store behind a bad network, which keeps the order of what is sent, as a connection does. */
class BadNetwork extends CircuitBreakerStorage {
  /** What happens to the next operation, and how many milliseconds it takes. */
  next: () => { readonly fate: (typeof FATES)[number]; readonly delay: number }
  sent = 0
  readonly #store: MemoryStorage
  #line: Promise<unknown> = Promise.resolve()

  constructor(store: MemoryStorage, next: BadNetwork['next']) {
    super()
    this.#store = store
    this.next = next
  }

  exchange(...args: Parameters<MemoryStorage['exchange']>): ReturnType<MemoryStorage['exchange']> {
    return this.#pass(() => this.#store.exchange(...args))
  }

  acquire(...args: Parameters<MemoryStorage['acquire']>): ReturnType<MemoryStorage['acquire']> {
    return this.#pass(() => this.#store.acquire(...args))
  }

  settle(...args: Parameters<MemoryStorage['settle']>): ReturnType<MemoryStorage['settle']> {
    return this.#pass(() => this.#store.settle(...args))
  }

  change(...args: Parameters<MemoryStorage['change']>): ReturnType<MemoryStorage['change']> {
    return this.#pass(() => this.#store.change(...args))
  }

  subscribe(...args: Parameters<MemoryStorage['subscribe']>): ReturnType<MemoryStorage['subscribe']> {
    return this.#store.subscribe(...args)
  }

  #pass<T>(run: () => Promise<T>): Promise<T> {
    this.sent++
    const { fate, delay } = this.next()
    const lost = new Promise<T>(() => {})
    if (fate === 'request lost') return lost
    if (fate === 'refused') return Promise.reject(new Error('store: refused'))
    const answer = this.#line.then(async () => {
      if (delay > 0) await new Promise((resolve) => void setTimeout(resolve, delay))
      const first = await run()
      if (fate === 'twice') await run()
      return first
    })
    this.#line = answer
    return fate === 'reply lost' ? lost : answer
  }
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

const DEADLINE = 100

interface Settings {
  readonly seed: number
  readonly breakers: number
  readonly concurrent: number
  readonly more: number
}

async function play(world: World, { seed, breakers, concurrent, more }: Settings): Promise<void> {
  const random = randomFrom(seed)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  const network = new BadNetwork(world.store, () => ({
    fate: random() < 0.7 ? 'prompt' : pick(FATES),
    delay: random() < 0.7 ? Math.floor(random() * 20) : Math.floor(random() * 1_500),
  }))
  const halfOpen = { calls: concurrent + more, concurrent }
  const options = { halfOpen, timeoutDuration: 500, probeTimeout: 3_600_000, exclude: [TypeError] }
  const [operator] = world.fleet(1, options)
  const fleet = Array.from(
    { length: breakers },
    () =>
      new CircuitBreaker({
        name: 'payments',
        storage: network,
        clock: world.clock,
        reporter: 'faulty',
        probeDeadline: DEADLINE,
        ...options,
      }),
  )
  const waiting = new Map<object, number>()
  const ends: Promise<unknown>[] = []
  const work = async (duration: number): Promise<string> => {
    await new Promise((resolve) => void setTimeout(resolve, duration))
    if (random() < 0.5) throw new TypeError('ignored')
    return 'fine'
  }
  const call = (breaker: CircuitBreaker): void => {
    const key = {}
    const caller = new AbortController()
    if (random() < 0.2) setTimeout(() => caller.abort(new TypeError('gone')), random() * 50)
    const duration = Math.floor(random() * 200)
    waiting.set(key, world.clock.now())
    const end = breaker.run(
      () => {
        waiting.delete(key)
        return work(duration)
      },
      { signal: caller.signal },
    )
    const check = (error: unknown): void => {
      waiting.delete(key)
      assert.ok(isCircuitBreakerError(error) || error instanceof TypeError, String(error))
    }
    ends.push(end.catch(check))
  }
  const permit = (breaker: CircuitBreaker): void => {
    const taken = breaker.tryAcquire()
    if (taken) setTimeout(() => (random() < 0.5 ? taken.ignore() : taken.success()), random() * 200)
  }
  const actions: readonly ((breaker: CircuitBreaker) => unknown)[] = [
    call,
    call,
    call,
    call,
    permit,
    permit,
    (breaker) => (breaker.mode = pick(['enforce', 'enforce', 'observe', 'off'])),
    (breaker) => void breaker.flush(),
  ]
  for (let step = 0; step < 120; step++) {
    if (step % 40 === 0) operator!.halfOpen()
    for (let i = random() * 6; i > 0; i--) pick(actions)(pick(fleet))
    await settled()
    assert.ok(waiting.size <= concurrent, `${waiting.size} calls wait for ${concurrent} places`)
    for (const since of waiting.values()) assert.ok(world.clock.now() - since <= DEADLINE + 10)
    await world.pass(pick([5, 10, 50, 400]), 10)
  }

  network.next = () => ({ fate: 'prompt', delay: 0 })
  world.store.resync()
  await world.pass(45_000, 100)
  assert.equal(waiting.size, 0)
  await Promise.all(ends)
  const record = world.record()
  if (record.state === 'half-open') {
    assert.deepEqual(record.leases, [])
    // No place is lost in the process either: as many calls as may be probes are.
    const [breaker] = fleet
    breaker!.mode = 'enforce'
    const room = Math.min(concurrent, record.calls - record.passed - record.failed)
    let begun = 0
    const probe = (): void => {
      begun++
      throw new TypeError('ignored')
    }
    const probes = Promise.allSettled(Array.from({ length: concurrent }, () => breaker!.call(probe)))
    await world.pass(50)
    await probes
    assert.equal(begun, room)
  }
  await world.pass(120_000, 1_000)
  assert.equal(world.timers, 0)
  const { sent } = network
  await world.pass(60_000, 1_000)
  assert.equal(network.sent, sent)
}

describe('F18, F20b: leases in a fleet whose network delays, loses, refuses and repeats', () => {
  it('F18, F20b, I6: none stays unused, no more calls wait than there are places, and none longer than the deadline', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.integer(),
          breakers: fc.integer({ min: 1, max: 3 }),
          concurrent: fc.integer({ min: 1, max: 3 }),
          more: fc.integer({ min: 0, max: 3 }),
        }),
        (settings) => inWorld((world) => play(world, settings))(),
      ),
      { ...parameters, numRuns: Math.ceil(parameters.numRuns / 40) },
    ))
})
