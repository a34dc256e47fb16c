import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STATES } from '../../../src/base/state.ts'
import {
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  failureRate,
  slowCallRate,
  type CircuitBreakerOptions,
  type Permit,
} from '../../../src/index.ts'
import { ScriptedDependency } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { CountingClock } from '../../helpers/counting-clock.ts'
import { replaced } from '../../helpers/warnings.ts'

interface Situation {
  readonly options?: CircuitBreakerOptions
  /** The preparation, which also gets a permit that was taken while closed. */
  readonly before?: (breaker: CircuitBreaker, clock: CountingClock, permit: Permit) => unknown
  readonly act: (breaker: CircuitBreaker, permit: Permit) => unknown
  readonly readings: number
}

const open = (breaker: CircuitBreaker): boolean => breaker.open({ for: 1_000 })
const halfOpen = (breaker: CircuitBreaker): boolean => breaker.halfOpen()
const isolate = (breaker: CircuitBreaker): boolean => breaker.isolate()
const toDeadline = (breaker: CircuitBreaker, clock: CountingClock): void => {
  open(breaker)
  clock.advance(1_000)
}

const timed = failureRate({ threshold: 0.5, minCalls: 2, window: 1_000 })
const counted = failureRate({ threshold: 0.5, minCalls: 2, lastCalls: 10 })
const slow = slowCallRate({ threshold: 0.5, minCalls: 2, slowerThan: 50, lastCalls: 10 })
const outcomes = { success: () => 0, failure: () => 0, ignored: () => 0, late: () => 0 }

const situations: Record<string, Situation> = {
  // Closed, under a rule that needs no time
  'a success under the consecutive rule': { act: (breaker) => succeed(breaker), readings: 0 },
  'a failure that does not trip': { act: (breaker) => fail(breaker), readings: 0 },
  'an ignored call': { act: (_, permit) => permit.ignore(), readings: 0 },
  'a synchronous call': { act: (breaker) => breaker.callSync(() => 1), readings: 0 },
  'a success under a count window': { options: { trip: counted }, act: (b) => succeed(b), readings: 0 },
  'a failure under a count window': { options: { trip: counted }, act: (b) => fail(b), readings: 0 },
  'a rule of a run and a count window': {
    options: { trip: failureCount({ count: 9, lastCalls: 10 }) },
    act: (breaker) => fail(breaker, 3),
    readings: 0,
  },
  'a call with listeners only for its start and transitions': {
    options: { listeners: [{ beforeCall: () => 0, rejected: () => 0, stateChange: () => 0 }] },
    act: (breaker) => succeed(breaker),
    readings: 0,
  },
  'adding and removing listeners, and changing options while closed': {
    act: (breaker) => {
      breaker.addListener(outcomes)
      breaker.removeListener(outcomes)
      breaker.configure({ failMax: 7 })
    },
    readings: 0,
  },
  'the state, while closed': { act: (breaker) => breaker.state, readings: 0 },
  'retryAfter and reopenTime, while closed': {
    act: (breaker) => [breaker.retryAfter, breaker.reopenTime],
    readings: 0,
  },
  'the run of failures, while closed': { act: (breaker) => breaker.failCounter, readings: 0 },
  'closing a circuit that is closed': { act: (breaker) => breaker.close(), readings: 0 },
  'a late result, once closed again': {
    before: (breaker) => [open(breaker), breaker.close()],
    act: (_, permit) => permit.failure(new Error('late')),
    readings: 0,
  },
  'a call in mode off': { options: { mode: 'off' }, act: (breaker) => fail(breaker, 9), readings: 0 },
  'a call in mode off under a slow-call rule, with a listener': {
    options: { mode: 'off', trip: slow, listeners: [outcomes] },
    act: (breaker) => fail(breaker, 9),
    readings: 0,
  },

  // Closed, where time matters
  'a failure that trips the consecutive rule': {
    options: { failMax: 1 },
    act: (breaker) => fail(breaker),
    readings: 1,
  },
  'a failure that trips a count window': {
    options: { trip: counted },
    before: (breaker) => fail(breaker),
    act: (breaker) => fail(breaker),
    readings: 1,
  },
  'a success under a time window': { options: { trip: timed }, act: (b) => succeed(b), readings: 1 },
  'a failure under a time window': { options: { trip: timed }, act: (b) => fail(b), readings: 1 },
  'a failure that trips a time window': {
    options: { trip: timed },
    before: (breaker) => fail(breaker),
    act: (breaker) => fail(breaker),
    readings: 1,
  },
  'a call under a slow-call rule': { options: { trip: slow }, act: (b) => succeed(b), readings: 2 },
  'a call with listeners for its outcome': {
    options: { listeners: [outcomes] },
    act: (b) => succeed(b),
    readings: 2,
  },
  'a failing call with listeners for its outcome': {
    options: { listeners: [outcomes] },
    act: (b) => fail(b),
    readings: 2,
  },
  'a snapshot': { options: { trip: timed }, act: (breaker) => breaker.snapshot(), readings: 1 },

  // Not closed
  'a rejection': { before: open, act: (breaker) => breaker.tryAcquire(), readings: 1 },
  'the state, while open': { before: open, act: (breaker) => breaker.state, readings: 1 },
  'retryAfter, while open': { before: open, act: (breaker) => breaker.retryAfter, readings: 1 },
  'reopenTime, while open': { before: open, act: (breaker) => breaker.reopenTime, readings: 1 },
  'the state, while half-open': { before: halfOpen, act: (breaker) => breaker.state, readings: 1 },
  'the run of failures, while half-open': { before: halfOpen, act: (b) => b.failCounter, readings: 1 },
  'a snapshot, while open': { before: open, act: (breaker) => breaker.snapshot(), readings: 1 },
  'a snapshot, while half-open': { before: halfOpen, act: (breaker) => breaker.snapshot(), readings: 1 },
  'taking the first permit of a half-open circuit': {
    before: toDeadline,
    act: (breaker) => breaker.acquire(),
    readings: 1,
  },
  'a probe that closes the circuit, from start to end': {
    before: toDeadline,
    act: (breaker) => succeed(breaker),
    readings: 2,
  },
  'a probe that re-opens the circuit, from start to end': {
    before: toDeadline,
    act: (breaker) => fail(breaker),
    readings: 2,
  },
  'a rejection while all permits are taken': {
    before: (breaker) => [halfOpen(breaker), breaker.acquire()],
    act: (breaker) => breaker.tryAcquire(),
    readings: 1,
  },
  'a late result, while open': {
    before: open,
    act: (_, permit) => permit.failure(new Error('late')),
    readings: 1,
  },
  'a late result, while half-open': { before: halfOpen, act: (_, permit) => permit.success(), readings: 1 },

  // Manual transitions
  'opening a closed circuit': { act: open, readings: 1 },
  'opening a half-open circuit': { before: halfOpen, act: open, readings: 1 },
  'opening an isolated circuit': { before: isolate, act: open, readings: 1 },
  'opening an open circuit': { before: open, act: open, readings: 1 },
  'opening a circuit whose open time has passed': { before: toDeadline, act: open, readings: 1 },
  'half-opening a closed circuit': { act: halfOpen, readings: 1 },
  'half-opening an open circuit': { before: open, act: halfOpen, readings: 1 },
  'half-opening a half-open circuit': { before: halfOpen, act: halfOpen, readings: 1 },
  'isolating a closed circuit': { act: isolate, readings: 1 },
  'isolating an open circuit': { before: open, act: isolate, readings: 1 },
  'closing an open circuit': { before: open, act: (breaker) => breaker.close(), readings: 1 },
  'closing a half-open circuit': { before: halfOpen, act: (breaker) => breaker.close(), readings: 1 },
  'closing an isolated circuit': { before: isolate, act: (breaker) => breaker.close(), readings: 1 },
}

describe('S15: how often the clock is read', () => {
  it('S15: making a breaker reads no clock, whatever its options', () => {
    const clock = new CountingClock()
    const base = new CircuitBreaker().snapshot()
    assert.equal(
      clock.during(() => {
        for (const trip of [timed, counted, slow, consecutiveFailures(3)]) {
          for (const state of STATES) {
            const retryAfter = { closed: 0, open: 1_000, 'half-open': 0, isolated: null }[state]
            const restore = { ...base, state, retryAfter, attempt: 2 }
            const breaker = new CircuitBreaker({
              clock,
              trip,
              restore,
              attemptDecay: 10,
              listeners: [outcomes],
            })
            assert.equal(breaker.options.clock, clock)
          }
        }
      }),
      0,
    )
  })

  for (const [title, { options, before, act, readings }] of Object.entries(situations)) {
    it(`S15: ${title}: ${readings}`, () => {
      const clock = new CountingClock()
      const breaker = new CircuitBreaker({ clock, ...options })
      const permit = breaker.acquire()
      before?.(breaker, clock, permit)
      assert.equal(
        clock.during(() => act(breaker, permit)),
        readings,
      )
    })
  }

  it('S15: a call through a closed circuit does not read the wall clock either', () => {
    let readings = 0
    const now = (): number => readings++
    for (const options of [{}, { trip: counted }, { trip: slow }, { listeners: [outcomes] }]) {
      const breaker = new CircuitBreaker({ clock: new CountingClock(), ...options })
      replaced(Date, 'now', now, () => {
        succeed(breaker, 2)
        breaker.callSync(() => 1)
        fail(breaker)
      })
    }
    assert.equal(readings, 0)
  })

  it('S15: a promise that settles costs the same as a permit', async () => {
    const clock = new CountingClock()
    const plain = new CircuitBreaker({ clock })
    await plain.call(async () => 1)
    await plain.run(async () => 1)
    await plain.wrap(async () => 1)()
    await assert.rejects(plain.call(() => Promise.reject(new Error('down'))))
    assert.equal(clock.readings, 0)

    const windowed = new CircuitBreaker({ clock, trip: timed })
    await windowed.call(async () => 1)
    assert.equal(clock.readings, 1)
    const measured = new CircuitBreaker({ clock, trip: slow })
    await measured.wrap(async () => 1)()
    assert.equal(clock.readings, 3)
  })

  it('S15: a success whose duration is measured costs one reading at its end, also where it is late', async () => {
    const clock = new CountingClock()
    const breaker = new CircuitBreaker({ clock, listeners: [{ failure: () => 0 }] })
    const dependency = new ScriptedDependency<number>(['hang'])
    const calls = [breaker.call(dependency.call), breaker.call(dependency.call)]
    const end = async (index: number): Promise<number> => {
      clock.readings = 0
      dependency.hanging[index]?.resolve(1)
      await calls[index]
      return clock.readings
    }
    assert.equal(await end(0), 1)
    breaker.isolate()
    breaker.close()
    assert.equal(await end(1), 1)
  })

  it('S15: a rule that is met while the open time is being computed costs no reading', () => {
    const clock = new CountingClock()
    let inner = 0
    const breaker = new CircuitBreaker({
      clock,
      failMax: 1,
      timeoutDuration() {
        const before = clock.readings
        breaker.acquire().failure()
        inner = clock.readings - before
        return 1_000
      },
    })
    breaker.acquire().failure()
    assert.equal(breaker.state, 'open')
    assert.equal(inner, 0)
  })

  it('S15: a rejected promise costs one reading', async () => {
    const clock = new CountingClock()
    const breaker = new CircuitBreaker({ clock })
    breaker.open()
    clock.readings = 0
    await assert.rejects(breaker.call(() => 1))
    assert.equal(clock.readings, 1)
  })
})
