import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  CallTimeoutError,
  CircuitBreaker,
  exponentialBackoff,
  failureRate,
  honorRetryAfter,
  slowCallRate,
} from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/index.ts'
import {
  ManualClock,
  simulate,
  type SimulatedBreakerOptions,
  type SimulationOptions,
} from '../../../src/testing/index.ts'
import * as bad from '../../helpers/bad-values.ts'
import { refused } from '../../helpers/refusal.ts'
import { parameters } from '../model/parameters.ts'
import { anySettings, toOptions } from '../model/settings.ts'

const traffic = { calls: 100, per: 1_000, outage: { from: 10_000, for: 60_000 } }

describe('simulate', () => {
  it('says what a breaker does in a total outage', () => {
    const { transitions, ...result } = simulate({ failMax: 5, timeoutDuration: 30_000 }, traffic)
    assert.deepEqual(result, {
      calls: 14_000,
      admitted: 14_000 - 5_998,
      rejected: 5_998,
      opened: { calls: 5, time: 40 },
      closed: { time: 40 },
      failuresAdmitted: 6,
      goodRejected: 4,
      probes: 2,
      probesPerMinute: 2,
      wouldTrip: 0,
    })
    assert.deepEqual(
      transitions.map(({ at, from, to, reason }) => `${at} ${from} > ${to} (${reason})`),
      [
        '10040 closed > open (consecutiveFailures)',
        '40040 open > half-open (timeoutElapsed)',
        '40040 half-open > open (probeFailed)',
        '70040 open > half-open (timeoutElapsed)',
        '70040 half-open > closed (probeSucceeded)',
      ],
    )
  })

  it('shows a rule that the traffic never meets: all calls get through', () => {
    const trip = failureRate({ threshold: 0.5, window: 10_000 })
    const onListenerError = (): void => {}
    const result = simulate({ trip, onListenerError }, { ...traffic, calls: 1 })
    assert.equal(result.opened, null)
    assert.equal(result.closed, null)
    assert.deepEqual([result.failuresAdmitted, result.rejected, result.probesPerMinute], [60, 0, 0])
  })

  it('lasts for twice the time to the end of the outage, or as long as it is told', () => {
    assert.equal(simulate({}, { ...traffic, outage: { from: 500, for: 1_500 } }).calls, 400)
    assert.equal(simulate({}, { ...traffic, for: 15_000 }).calls, 1_500)
    assert.equal(simulate({}, { ...traffic, for: 15_000 }).closed, null)
  })

  it('starts calls at regular intervals, whole numbers or not', () => {
    assert.equal(simulate({}, { calls: 3, per: 1_000, for: 1_000, outage: { from: 0, for: 1 } }).calls, 3)
    const { opened } = simulate({ failMax: 3 }, { calls: 0.5, per: 1_000, outage: { from: 0, for: 60_000 } })
    assert.deepEqual(opened, { calls: 3, time: 4_000 })
  })

  it('counts failing calls that were in flight when the circuit opened', () => {
    const { opened, failuresAdmitted } = simulate({}, { ...traffic, duration: 200 })
    assert.deepEqual(opened, { calls: 24, time: 240 })
    assert.equal(failuresAdmitted, 24)
    const hanging = { ...traffic.outage, duration: 30_000 }
    const limited = simulate({ callTimeout: 500 }, { ...traffic, outage: hanging })
    assert.deepEqual(limited.opened, { calls: 54, time: 540 })
  })

  it('ends calls after callTimeout with a CallTimeoutError, which is classified like any error', () => {
    const slow = { ...traffic, outage: { ...traffic.outage, failureRate: 0, duration: 2_000 } }
    assert.notEqual(simulate({ callTimeout: 1_999 }, slow).opened, null)
    assert.equal(simulate({ callTimeout: 2_001 }, slow).opened, null)
    assert.equal(simulate({ callTimeout: 1_999, exclude: [CallTimeoutError] }, slow).opened, null)
  })

  it('times out a call that takes as long as callTimeout, as a breaker does', async () => {
    for (const callTimeout of [199, 200, 201]) {
      const clock = new ManualClock()
      const breaker = new CircuitBreaker({ clock, callTimeout })
      const result = breaker
        .call(() => new Promise((resolve) => clock.setTimer(() => resolve('in time'), 200)))
        .catch(() => 'too late')
      await clock.advanceAsync(300)
      const simulated = { calls: 1, per: 1_000, duration: 200, outage: { from: 0, for: 1, failureRate: 0 } }
      const { failuresAdmitted } = simulate({ callTimeout }, { ...simulated, for: 1_000 })
      assert.equal(failuresAdmitted, (await result) === 'too late' ? 1 : 0, `${callTimeout}`)
    }
  })

  it('simulates an outage in which calls are only slow', () => {
    const trip = slowCallRate({ threshold: 0.5, slowerThan: 500, lastCalls: 100 })
    const slow = { ...traffic, outage: { ...traffic.outage, failureRate: 0, duration: 501 } }
    const { opened, failuresAdmitted } = simulate({ trip }, slow)
    assert.deepEqual(opened, { calls: 100, time: 991 })
    assert.equal(failuresAdmitted, 0)
    assert.equal(simulate({ trip }, { ...slow, outage: { ...slow.outage, duration: 500 } }).opened, null)
  })

  it('fails calls with the given error, which classifiers and the open time see', () => {
    const error = { status: 429, headers: { 'retry-after': '7' } }
    const classifyError = (thrown: unknown): 'ignored' | undefined =>
      thrown === error ? undefined : 'ignored'
    const timeoutDuration = honorRetryAfter(1_000)
    const outage = { ...traffic.outage, error }
    const { transitions } = simulate({ classifyError, timeoutDuration }, { ...traffic, outage })
    assert.deepEqual([transitions[0]?.at, transitions[1]?.at], [10_040, 17_040])
    assert.equal(simulate({ classifyError }, traffic).opened, null)
  })

  it('gives the same result for the same seed, and another for another one', () => {
    const partial = { ...traffic, outage: { ...traffic.outage, failureRate: 0.6 } }
    const options: SimulatedBreakerOptions = { timeoutDuration: exponentialBackoff({ initial: 1_000 }) }
    const result = simulate(options, partial)
    assert.deepEqual(simulate(options, partial), result)
    assert.deepEqual(simulate(options, { ...partial, seed: 1 }), result)
    assert.notDeepEqual(simulate(options, { ...partial, seed: 2 }), result)
    const share = simulate({ mode: 'off' }, partial).failuresAdmitted / 6_000
    assert.ok(Math.abs(share - 0.6) < 0.03, `${share}`)
  })

  it('fails the same calls whatever the options of the breaker are', () => {
    const partial = { ...traffic, outage: { ...traffic.outage, failureRate: 0.3 } }
    const failuresOf = (options: SimulatedBreakerOptions): number =>
      simulate(options, partial).failuresAdmitted
    assert.equal(failuresOf({ mode: 'off' }), failuresOf({ mode: 'observe', failMax: 2 }))
  })

  it('counts wouldTrip in mode observe', () => {
    const { opened, wouldTrip, rejected } = simulate({ mode: 'observe', timeoutDuration: 10_000 }, traffic)
    assert.deepEqual([opened, wouldTrip, rejected], [null, 6, 0])
  })

  it('is recovered at the end of an outage in which the circuit closed again', () => {
    const options = { failMax: 1, timeoutDuration: 100 }
    const flapping = { ...traffic, outage: { from: 10_000, for: 60_000, failureRate: 0.001 } }
    const { opened, closed } = simulate(options, flapping)
    assert.notEqual(opened, null)
    assert.deepEqual(closed, { time: 0 })
  })

  it('calls the listeners of the options, and keeps no option', () => {
    const seen: string[] = []
    const options = { failMax: 2, listeners: [{ stateChange: ({ to }: { to: string }) => seen.push(to) }] }
    simulate(options, traffic)
    assert.deepEqual(seen, ['open', 'half-open', 'closed'])
    assert.deepEqual(Object.keys(options), ['failMax', 'listeners'])
  })

  it('says that the circuit was not closed if the simulation ends before the outage', () => {
    const options = { failMax: 1, timeoutDuration: 100 }
    const flapping = { ...traffic, outage: { from: 1_000, for: 60_000, failureRate: 0.01 } }
    for (const length of [20_000, 40_000, 60_999]) {
      const { opened, closed } = simulate(options, { ...flapping, for: length })
      assert.notEqual(opened, null)
      assert.equal(closed, null)
    }
    assert.deepEqual(simulate(options, { ...flapping, for: 61_000 }).closed, { time: 0 })
  })

  it('says that the circuit was not closed if it opened again after the outage, and stayed open', () => {
    let opened = 0
    for (let seed = 1; seed <= 100; seed++) {
      const outage = { from: 1_000, for: 3_000, failureRate: 0.1, duration: 900 }
      const run = { calls: 10, per: 1_000, duration: 10, outage, for: 4_500, seed }
      const { transitions, closed } = simulate({ failMax: 1, timeoutDuration: 300 }, run)
      const last = transitions.at(-1)
      const isClosed = last?.to === 'closed'
      assert.deepEqual(closed, isClosed ? { time: Math.max(0, last.at - 4_000) } : null)
      const atEnd = transitions.findLast(({ at }) => at <= 4_000)
      if (atEnd?.to === 'closed' && !isClosed) opened++
    }
    assert.ok(opened > 0)
  })

  it('counts probes per minute from the start if the circuit was restored open', () => {
    const before = new CircuitBreaker()
    before.open({ for: 30_000 })
    const calm = { ...traffic, outage: { from: 60_000, for: 1, failureRate: 0 } }
    const open = simulate({ restore: before.snapshot() }, calm)
    assert.equal(open.probes, 1)
    assert.ok(Math.abs(open.probesPerMinute - 2) < 0.01, `${open.probesPerMinute}`)
    before.isolate()
    const isolated = simulate({ restore: before.snapshot() }, calm)
    assert.deepEqual([isolated.admitted, isolated.probesPerMinute], [0, 0])
  })

  it('simulates the options of an existing breaker, with its own time and without its fleet', () => {
    const given = { failMax: 3, timeoutDuration: exponentialBackoff({ initial: 1_000 }), name: 'payments' }
    const expected = simulate(given, traffic)
    const clock = new ManualClock(1e6)
    const alone = new CircuitBreaker({ ...given, clock, random: () => 0.5 })
    const shared = new CircuitBreaker({ ...given, storage: new MemoryStorage(), share: 'first-trip' })
    for (const breaker of [alone, shared, new CircuitBreaker(given)]) {
      breaker.open()
      assert.deepEqual(simulate(breaker.options, traffic), expected)
      assert.deepEqual(simulate({ ...breaker.options }, traffic), expected)
      assert.deepEqual(simulate({ ...breaker.options, failMax: 3 }, traffic), expected)
    }
    assert.equal(clock.now(), 1e6)
  })

  it('agrees with itself for any breaker and traffic', () => {
    const milliseconds = fc.integer({ min: 0, max: 60 })
    const property = fc.property(
      anySettings,
      fc.record({
        calls: fc.integer({ min: 1, max: 40 }),
        per: fc.integer({ min: 1, max: 100 }),
        duration: milliseconds,
        seed: fc.nat(),
        for: fc.integer({ min: 1, max: 400 }),
        outage: fc.record({
          from: milliseconds,
          for: fc.integer({ min: 1, max: 200 }),
          failureRate: fc.constantFrom(0, 0.5, 1),
          duration: milliseconds,
        }),
      }),
      (settings, simulation) => {
        const options = { onListenerError: () => {}, ...toOptions(settings) }
        const result = simulate(options, simulation)
        const { calls, admitted, rejected, failuresAdmitted, goodRejected, probes, transitions } = result
        assert.equal(admitted + rejected, calls)
        assert.ok(failuresAdmitted <= admitted && goodRejected <= rejected && probes <= admitted)
        let before: { at: number; to: string } = { at: 0, to: 'closed' }
        for (const each of transitions) {
          assert.equal(each.from, before.to)
          assert.ok(each.at >= before.at && each.at <= simulation.for)
          before = each
        }
        assert.equal(
          probes > 0,
          transitions.some(({ to }) => to === 'half-open'),
        )
        assert.ok(result.closed === null || result.opened !== null)
        const off = simulate({ mode: 'off' }, simulation)
        assert.deepEqual([off.calls, off.admitted, off.rejected], [calls, calls, 0])
        assert.equal(off.failuresAdmitted >= failuresAdmitted, true)
      },
    )
    fc.assert(property, { ...parameters, numRuns: Math.min(parameters.numRuns, 5_000) })
  })
})

describe('bad arguments of simulate', () => {
  const withOption = (option: string, value: unknown): (() => unknown) => {
    const [name = '', inner] = option.split('.')
    const changed = inner === undefined ? value : { ...traffic.outage, [inner]: value }
    return () => simulate({}, { ...traffic, [name]: changed })
  }
  const zeroToOne = bad.ratio.filter(([value]) => value !== 0)
  const missing: bad.Bad = [undefined, TypeError, 'undefined']
  const values: Record<string, readonly bad.Bad[]> = {
    calls: [...bad.positive, missing],
    per: [...bad.positive, missing],
    for: bad.positive,
    duration: bad.nonNegative,
    seed: bad.nonNegative,
    outage: [...bad.notOptionObjects, missing],
    'outage.from': [...bad.nonNegative, missing],
    'outage.for': [...bad.positive, missing],
    'outage.failureRate': zeroToOne,
    'outage.duration': bad.nonNegative,
  }
  for (const [option, list] of Object.entries(values)) {
    bad.table(`the option ${option} of simulate`, list, (value, kind, got) =>
      refused(withOption(option, value), kind, option, got),
    )
  }

  it('refuses unknown names, also of the outage', () => {
    refused(() => simulate({}, { ...traffic, rate: 1 } as never), TypeError, '`rate`')
    refused(withOption('outage.until', 5), TypeError, 'outage', '`until`')
  })

  bad.table('simulate(options, simulation)', [...bad.notOptionObjects, missing], (value, kind, got) =>
    refused(() => simulate({}, value), kind, 'options of the simulation', got),
  )
  bad.table('simulate(options)', [...bad.notOptionObjects, missing], (value, kind, got) =>
    refused(() => simulate(value, traffic), kind, 'options', got),
  )

  it('validates the options of the breaker as usual', () => {
    refused(() => simulate({ failMax: 0 }, traffic), RangeError, 'failMax', '`0` (number)')
    refused(() => simulate({ maxFailures: 3 } as never, traffic), TypeError, '`maxFailures`')
  })

  it('checks the options that it ignores', () => {
    refused(() => simulate({ clock: 5 } as never, traffic), TypeError, 'clock')
    refused(() => simulate({ random: 5 } as never, traffic), TypeError, 'random')
  })

  it('refuses more than ten million calls, which are a typing error', () => {
    const tooMany: SimulationOptions = { calls: 1e9, per: 1, outage: { from: 0, for: 1_000 } }
    refused(() => simulate({}, tooMany), RangeError, 'calls', '10000000')
  })
})
