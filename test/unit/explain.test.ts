import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  customRule,
  explain,
  exponentialBackoff,
  failureCount,
  failureRate,
  honorRetryAfter,
  never,
  slowCallRate,
  type CircuitBreakerOptions,
  type OpenTime,
  type OpenTimeDescription,
  type TripRule,
  type TripRuleDescription,
} from '../../src/index.ts'
import { MemoryStorage } from '../../src/storage/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { anotherCopy } from '../helpers/another-copy.ts'
import * as bad from '../helpers/bad-values.ts'
import { fail, succeed } from '../helpers/calls.ts'
import { refused } from '../helpers/refusal.ts'
import { parameters } from './model/parameters.ts'
import { anyRule, anySettings, toOptions, toRule } from './model/settings.ts'

const about = (options: CircuitBreakerOptions) =>
  explain(new CircuitBreaker({ name: 'payments', ...options }))

describe('explain', () => {
  it('says what a breaker with default options does', () => {
    const clock = new ManualClock()
    assert.deepEqual(about({ clock }), {
      text: `"payments" opens when 5 calls in a row fail.
It stays open for 1 min.
Then one call is admitted as a probe: its success closes the circuit, its failure opens it again.
A probe without a result counts as failed after 1 min.
Calls do not time out.
Now it is closed.`,
      sentences: [
        '"payments" opens when 5 calls in a row fail.',
        'It stays open for 1 min.',
        'Then one call is admitted as a probe: its success closes the circuit, its failure opens it again.',
        'A probe without a result counts as failed after 1 min.',
        'Calls do not time out.',
        'Now it is closed.',
      ],
      name: 'payments',
      mode: 'enforce',
      state: 'closed',
      rule: { rule: 'consecutiveFailures', count: 5 },
      canTrip: true,
      openTime: { kind: 'fixed', time: 60_000 },
      halfOpen: { calls: 1, successes: 1, concurrent: 1, probeTimeout: 60_000 },
      callTimeout: null,
      fleet: null,
      inert: [],
    })
  })

  const window = 10_000
  const rules: [trip: TripRule, when: string, data: TripRuleDescription][] = [
    [consecutiveFailures(1), 'a call fails', { rule: 'consecutiveFailures', count: 1 }],
    [
      failureRate({ threshold: 0.125, window }),
      'at least 12.5 % of the calls in the last 10 s fail (given at least 20 calls)',
      { rule: 'failureRate', threshold: 0.125, window, buckets: 10, minCalls: 20 },
    ],
    [
      failureRate({ threshold: 1, lastCalls: 1 }),
      'the last call fails',
      { rule: 'failureRate', threshold: 1, lastCalls: 1, minCalls: 1 },
    ],
    [
      failureRate({ threshold: 0.5, lastCalls: 1 }),
      'the last call fails',
      { rule: 'failureRate', threshold: 0.5, lastCalls: 1, minCalls: 1 },
    ],
    [
      slowCallRate({ threshold: 1, slowerThan: 200, lastCalls: 1 }),
      'the last call takes longer than 200 ms',
      { rule: 'slowCallRate', threshold: 1, slowerThan: 200, lastCalls: 1, minCalls: 1 },
    ],
    [
      failureCount({ count: 1, lastCalls: 1 }),
      'the last call fails',
      { rule: 'failureCount', count: 1, lastCalls: 1, minCalls: 1 },
    ],
    [
      failureCount({ count: 1, lastCalls: 9 }),
      'at least 1 of the last 9 calls fails',
      { rule: 'failureCount', count: 1, lastCalls: 9, minCalls: 1 },
    ],
    [
      failureCount({ count: 9, lastCalls: 9 }),
      'all of the last 9 calls fail',
      { rule: 'failureCount', count: 9, lastCalls: 9, minCalls: 9 },
    ],
    [
      failureCount({ count: 3, window: 90_000, buckets: 5 }),
      'at least 3 of the calls in the last 1 min 30 s fail',
      { rule: 'failureCount', count: 3, window: 90_000, buckets: 5, minCalls: 3 },
    ],
    [
      failureCount({ count: 3, minCalls: 7, lastCalls: 50 }),
      'at least 3 of the last 50 calls fail (given at least 7 calls)',
      { rule: 'failureCount', count: 3, lastCalls: 50, minCalls: 7 },
    ],
    [
      slowCallRate({ threshold: 0.8, slowerThan: 1_500, lastCalls: 100 }),
      'at least 80 % of the last 100 calls take longer than 1.5 s (given at least 20 calls)',
      { rule: 'slowCallRate', threshold: 0.8, slowerThan: 1_500, lastCalls: 100, minCalls: 20 },
    ],
    [
      customRule('mine', { window: 7_200_000, minCalls: 3, slowerThan: 0.5 }, () => false),
      '`mine` returns `true` for the calls in the last 2 h (given at least 3 calls; slow is longer than 0.5 ms)',
      {
        rule: 'customRule',
        name: 'mine',
        window: 7_200_000,
        buckets: 10,
        minCalls: 3,
        slowerThan: 0.5,
      },
    ],
    [
      customRule('mine', { lastCalls: 1, slowerThan: 9 }, () => false),
      '`mine` returns `true` for the last call (slow is longer than 9 ms)',
      { rule: 'customRule', name: 'mine', lastCalls: 1, minCalls: 1, slowerThan: 9 },
    ],
    [
      customRule('mine', { lastCalls: 20 }, () => false),
      '`mine` returns `true` for the last 20 calls (given at least 1 call)',
      { rule: 'customRule', name: 'mine', lastCalls: 20, minCalls: 1 },
    ],
    [
      anyOf(consecutiveFailures(9), never(), allOf(consecutiveFailures(2), anyOf(consecutiveFailures(3)))),
      '9 calls in a row fail, or (2 calls in a row fail, and at the same time 3 calls in a row fail)',
      {
        rule: 'anyOf',
        rules: [
          { rule: 'consecutiveFailures', count: 9 },
          { rule: 'never' },
          {
            rule: 'allOf',
            rules: [
              { rule: 'consecutiveFailures', count: 2 },
              { rule: 'anyOf', rules: [{ rule: 'consecutiveFailures', count: 3 }] },
            ],
          },
        ],
      },
    ],
  ]
  for (const [trip, when, data] of rules) {
    it(`says when it opens: ${when}`, () => {
      const { sentences, rule, canTrip } = about({ trip })
      assert.equal(sentences[0], `"payments" opens when ${when}.`)
      assert.deepEqual(rule, data)
      assert.equal(canTrip, true)
    })
  }

  it('says of never() that only a manual transition opens it', () => {
    const { sentences, rule, canTrip, inert } = about({ trip: never() })
    assert.equal(sentences[0], '"payments" never opens by itself, only manually.')
    assert.deepEqual([rule, canTrip, inert], [{ rule: 'never' }, false, []])
  })

  const backoff = { kind: 'exponentialBackoff', initial: 1_000, max: 60_000, factor: 2 } as const
  const openTimes: [openTime: number | OpenTime, says: string, data: OpenTimeDescription][] = [
    [0, 'It stays open for 0 ms.', { kind: 'fixed', time: 0 }],
    [
      exponentialBackoff({ initial: 1_000, max: 60_000 }),
      'It stays open for 1 s at first, and 2 times as long after each failed attempt to recover, up to 1 min; half of that is random.',
      { ...backoff, jitter: 'equal' },
    ],
    [
      exponentialBackoff({ initial: 500, factor: 1.5, jitter: 'full' }),
      'It stays open for 500 ms at first, and 1.5 times as long after each failed attempt to recover, up to 1 h; all of that is random.',
      { ...backoff, initial: 500, factor: 1.5, max: 3_600_000, jitter: 'full' },
    ],
    [
      exponentialBackoff({ initial: 1_000, factor: 1, jitter: 'none' }),
      'It stays open for 1 s.',
      { ...backoff, factor: 1, max: 3_600_000, jitter: 'none' },
    ],
    [
      honorRetryAfter(5_000, { max: 120_000 }),
      'It stays open for 5 s. A Retry-After header of the failure can make that longer, up to 2 min.',
      { kind: 'honorRetryAfter', base: { kind: 'fixed', time: 5_000 }, max: 120_000 },
    ],
    [
      honorRetryAfter(exponentialBackoff({ initial: 1_000, max: 60_000, jitter: 'none' })),
      'It stays open for 1 s at first, and 2 times as long after each failed attempt to recover, up to 1 min. A Retry-After header of the failure can make that longer, up to 1 h.',
      { kind: 'honorRetryAfter', base: { ...backoff, jitter: 'none' }, max: 3_600_000 },
    ],
    [
      honorRetryAfter(60_000, { max: 5_000 }),
      'It stays open for 1 min. A Retry-After header of the failure never makes that longer, since it counts up to 5 s only.',
      { kind: 'honorRetryAfter', base: { kind: 'fixed', time: 60_000 }, max: 5_000 },
    ],
    [
      honorRetryAfter(exponentialBackoff({ initial: 10_000, factor: 1 }), { max: 5_000 }),
      'It stays open for 10 s; half of that is random. A Retry-After header of the failure never makes that longer, since it counts up to 5 s only.',
      {
        kind: 'honorRetryAfter',
        base: { ...backoff, initial: 10_000, max: 3_600_000, factor: 1, jitter: 'equal' },
        max: 5_000,
      },
    ],
    [
      honorRetryAfter(exponentialBackoff({ initial: 10_000, factor: 1 }), { max: 5_001 }),
      'It stays open for 10 s; half of that is random. A Retry-After header of the failure can make that longer, up to 5.001 s.',
      {
        kind: 'honorRetryAfter',
        base: { ...backoff, initial: 10_000, max: 3_600_000, factor: 1, jitter: 'equal' },
        max: 5_001,
      },
    ],
    [
      honorRetryAfter(() => 60_000, { max: 1 }),
      'A function determines how long it stays open each time. A Retry-After header of the failure can make that longer, up to 1 ms.',
      { kind: 'honorRetryAfter', base: { kind: 'function', name: '' }, max: 1 },
    ],
    [
      function ownTime() {
        return 5
      },
      'A function (ownTime) determines how long it stays open each time.',
      { kind: 'function', name: 'ownTime' },
    ],
    [
      (
        () => () =>
          5
      )(),
      'A function determines how long it stays open each time.',
      { kind: 'function', name: '' },
    ],
  ]
  for (const [timeoutDuration, says, data] of openTimes) {
    it(`says how long: ${says}`, () => {
      const { text, openTime } = about({ timeoutDuration })
      assert.ok(text.replaceAll('\n', ' ').includes(` fail. ${says} Then `), text)
      assert.deepEqual(openTime, data)
    })
  }

  it('names no function that is written in the options, whose name is that of the option', () => {
    const { text, openTime } = about({ timeoutDuration: () => 5 })
    assert.ok(text.includes('\nA function determines how long'), text)
    assert.deepEqual(openTime, { kind: 'function', name: 'timeoutDuration' })
  })

  it('never throws, whatever the name of a function is', () => {
    const down = (): never => {
      throw new Error('no name')
    }
    const names: PropertyDescriptor[] = [
      { get: down },
      ...[Symbol('x'), 5, null, undefined, {}, { toString: down }, []].map((value) => ({ value })),
    ]
    const odd = names.map((name) => Object.defineProperty(() => 5, 'name', name))
    for (const openTime of [
      ...odd,
      new Proxy(() => 5, { get: down }),
      new Proxy(() => 5, { getPrototypeOf: down }),
    ])
      for (const timeoutDuration of [openTime, honorRetryAfter(openTime)]) {
        const { text } = about({ timeoutDuration })
        assert.ok(text.includes('\nA function determines how long'), text)
      }
  })

  it('escapes foreign text, so that each sentence is one line of the text', () => {
    const foreign = 'a\nb\r\u2028c\u2029\u202E\u001B[31m'
    const timeoutDuration = Object.defineProperty(() => 5, 'name', { value: foreign })
    const trip = customRule(foreign, { window: 10_000, minCalls: 99 }, () => false)
    const breaker = new CircuitBreaker({ name: foreign, trip, timeoutDuration, storage: new MemoryStorage() })
    const clock = new ManualClock()
    const alone = new CircuitBreaker({ trip, clock })
    succeed(alone)
    clock.advance(20_000)
    for (const make of [() => breaker.open({ reason: foreign }), () => breaker.isolate(foreign), () => {}]) {
      make()
      for (const { text, sentences } of [explain(breaker), explain(alone)]) {
        assert.equal(text.split(/[\n\r\u2028\u2029]/).length, sentences.length)
        assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{C}\p{Zl}\p{Zp}]/u)
      }
    }
    assert.equal(explain(breaker).name, foreign)
    assert.equal(explain(alone).inert[0]?.rule, foreign)
  })

  const counts: [options: CircuitBreakerOptions, names: string][] = [
    [{ exclude: [TypeError] }, '`exclude`'],
    [{ classifyError: () => undefined }, '`classifyError`'],
    [{ classifyResult: () => undefined, exclude: [TypeError] }, '`exclude` and `classifyResult`'],
    [
      { classifyResult: () => undefined, exclude: [TypeError], classifyError: () => undefined },
      '`exclude`, `classifyError` and `classifyResult`',
    ],
  ]
  for (const [options, names] of counts) {
    it(`says that ${names} decide how calls count`, () => {
      const says = `Whether a call counts as a success, as a failure or not at all depends on ${names}.`
      assert.equal(about(options).sentences[1], says)
      assert.ok(!about({ exclude: [] }).text.includes('depends on'))
    })
  }

  const details: [options: CircuitBreakerOptions, says: string][] = [
    [{ callTimeout: 2_500 }, 'A call times out after 2.5 s, which counts as a failure.'],
    [{ probeTimeout: Infinity }, 'A probe may take any time.'],
    [{ probeTimeout: 45_000 }, 'A probe without a result counts as failed after 45 s.'],
    [
      { halfOpen: { calls: 5, successes: 3, concurrent: 2 } },
      'Then up to 5 calls are admitted as probes, at most 2 at a time: the circuit closes once 3 probes have succeeded, and opens again as soon as that is out of reach.',
    ],
    [
      { halfOpen: { calls: 3, successes: 1 } },
      'Then up to 3 calls are admitted as probes: the circuit closes once 1 probe has succeeded, and opens again as soon as that is out of reach.',
    ],
    [
      { trip: slowCallRate({ threshold: 0.5, slowerThan: 300, lastCalls: 10 }) },
      'A probe that takes longer than 300 ms counts as failed.',
    ],
    [
      { attemptDecay: 600_000, timeoutDuration: exponentialBackoff({ initial: 1_000 }) },
      'For each 10 min closed, one failed attempt to recover is forgotten.',
    ],
    [
      { mode: 'observe' },
      '"payments" is in mode \'observe\': it decides and reports as described here, but rejects nothing.\nIt opens when 5',
    ],
    [
      { mode: 'off' },
      '"payments" is in mode \'off\': it admits every call and counts nothing; what follows applies in other modes.\nIt opens when 5',
    ],
    [{ name: 'a "b"\n' }, String.raw`"a \"b\"\n" opens when`],
    [
      { storage: new MemoryStorage() },
      'It shares its state with the fleet of all breakers named "payments".\n' +
        'The fleet opens when the calls of all members together meet the rule, and at least 2 hosts have seen failures.',
    ],
    [{ storage: new MemoryStorage(), minReporters: 1 }, 'at least 1 host has seen failures.'],
    [{ storage: new MemoryStorage(), share: 'first-trip' }, 'The fleet opens as soon as this breaker trips.'],
    [
      { storage: new MemoryStorage(), share: 'first-trip', mode: 'observe' },
      "This breaker reports its calls, but never opens the fleet in mode 'observe'.",
    ],
    [
      { storage: new MemoryStorage(), share: 'observe' },
      'This breaker reports its calls, but never opens the fleet.',
    ],
  ]
  for (const [options, says] of details) {
    it(`says: ${says}`, () => {
      const { text } = about(options)
      assert.ok(text.includes(says), text)
    })
  }

  it('has the rest as data', () => {
    const { halfOpen, callTimeout, fleet } = about({
      callTimeout: 2_500,
      probeTimeout: Infinity,
      halfOpen: { calls: 5, successes: 3 },
      storage: new MemoryStorage(),
      share: 'first-trip',
    })
    assert.deepEqual(halfOpen, { calls: 5, successes: 3, concurrent: 5, probeTimeout: null })
    assert.equal(callTimeout, 2_500)
    assert.deepEqual(fleet, { share: 'first-trip', minReporters: 2 })
  })

  it('says in which state the circuit is, and why', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1 })
    const last = (): string | undefined => explain(breaker).sentences.at(-1)
    fail(breaker)
    clock.advance(55_800)
    assert.equal(last(), 'Now it is open (consecutiveFailures), and admits a probe in 4.2 s.')
    clock.advance(4_200)
    assert.equal(last(), 'Now it is half-open (consecutiveFailures).')
    assert.equal(explain(breaker).state, 'half-open')
    breaker.isolate('maintenance')
    assert.equal(last(), 'Now it is isolated (maintenance): only close() ends that.')
    breaker.close()
    assert.equal(last(), 'Now it is closed.')
  })

  it('follows configure', () => {
    const breaker = new CircuitBreaker({ name: 'payments' })
    breaker.configure({ failMax: 2, timeoutDuration: 1_000 })
    assert.match(explain(breaker).text, /2 calls in a row fail\.\nIt stays open for 1 s\./)
  })
})

describe('S19c: explain says which rule is inert at the recent traffic', () => {
  const rate = failureRate({ threshold: 0.5, window: 10_000 })
  /** A breaker after `calls` calls, one per `pause` milliseconds. */
  function after(
    calls: number,
    pause: number,
    trip: TripRule,
    options: CircuitBreakerOptions = {},
  ): { breaker: CircuitBreaker; clock: ManualClock } {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({
      clock,
      trip,
      name: 'payments',
      onListenerError: () => {},
      ...options,
    })
    for (let i = 0; i < calls; i++) {
      succeed(breaker)
      clock.advance(pause)
    }
    return { breaker, clock }
  }

  it('S19c: a window that never holds minCalls', () => {
    const { canTrip, inert, sentences } = explain(after(30, 1_000, rate).breaker)
    assert.equal(canTrip, false)
    assert.deepEqual(inert, [
      { rule: 'failureRate', needs: 20, option: 'minCalls', window: 10_000, holds: 10 },
    ])
    assert.deepEqual(sentences.slice(-2), [
      'At the recent traffic, `failureRate` cannot trip: it needs 20 calls in 10 s (`minCalls`), and gets about 10.',
      'So the circuit stays closed, however many calls fail.',
    ])
  })

  it('S19c: at the rate seen, before the window has counted for its whole length', () => {
    assert.equal(explain(after(5, 1_000, rate).breaker).inert[0]?.holds, 10)
    assert.deepEqual(explain(after(5, 100, rate).breaker).inert, [])
  })

  it('S19c: knows nothing without traffic, and forgets what was before close()', () => {
    const { breaker, clock } = after(0, 0, rate)
    clock.advance(60_000)
    assert.deepEqual(explain(breaker).inert, [])
    clock.advance(60_000)
    succeed(breaker)
    assert.deepEqual(explain(breaker).inert, [])
    clock.advance(5_000)
    assert.equal(explain(breaker).inert[0]?.holds, 2)
    breaker.close()
    assert.deepEqual(explain(breaker).inert, [])
    succeed(breaker, 30)
    clock.advance(60_000)
    assert.deepEqual(explain(breaker).inert, [])
  })

  it('S19c: remembers the busiest time, also after a lull', () => {
    const { breaker, clock } = after(30, 100, rate)
    clock.advance(600_000)
    succeed(breaker)
    assert.deepEqual(explain(breaker).inert, [])
  })

  it('S19c: forgets a burst once 101 calls have ended since, as the report of S19c does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 300 }),
        fc.integer({ min: 3_000, max: 100_000 }),
        (burst, pause) => {
          const reports: unknown[] = []
          const onListenerError = (error: unknown): void => void reports.push(error)
          const { breaker, clock } = after(burst, 1, rate, { onListenerError })
          assert.equal(explain(breaker).canTrip, true)
          clock.advance(10_000)
          for (let i = 0; i < 101; i++) {
            clock.advance(pause)
            assert.deepEqual([explain(breaker).canTrip, reports.length], [true, 0])
            fail(breaker)
          }
          assert.deepEqual([explain(breaker).canTrip, reports.length], [false, 1])
        },
      ),
      { ...parameters, numRuns: 100 },
    )
  })

  it('S19c: a burst that comes back within 101 calls keeps the rule effective', () => {
    const { breaker, clock } = after(0, 0, rate)
    for (let day = 0; day < 9; day++) {
      succeed(breaker, 25)
      for (let i = 0; i < 70; i++) {
        clock.advance(60_000)
        succeed(breaker)
        assert.equal(explain(breaker).canTrip, true)
      }
    }
  })

  it('S19c: says whether failures or slow calls cannot open the circuit', () => {
    const span = { window: 10_000, minCalls: 20 }
    const slow = slowCallRate({ threshold: 0.5, slowerThan: 5, ...span })
    const custom = customRule('mine', span, () => true)
    const ends: [trip: TripRule, calls: string][] = [
      [slow, 'are slow'],
      [rate, 'fail'],
      [custom, 'fail'],
      [anyOf(slow, rate), 'fail or are slow'],
      [anyOf(custom, slow), 'fail or are slow'],
    ]
    for (const [trip, calls] of ends) {
      const { breaker } = after(30, 1_000, trip)
      assert.equal(
        explain(breaker).sentences.at(-1),
        `So the circuit stays closed, however many calls ${calls}.`,
      )
    }
  })

  it('S19c: of a count, more calls than its minCalls', () => {
    const { breaker } = after(30, 1_000, failureCount({ count: 15, minCalls: 2, window: 10_000 }))
    assert.deepEqual(explain(breaker).inert, [
      { rule: 'failureCount', needs: 15, option: 'count', window: 10_000, holds: 10 },
    ])
  })

  it('S19c: one rule of several; the others still protect, or do not', () => {
    const custom = customRule('mine', { window: 10_000, minCalls: 11 }, () => true)
    const partly = explain(after(30, 1_000, anyOf(never(), consecutiveFailures(5), rate, custom)).breaker)
    assert.deepEqual(
      partly.inert.map(({ rule }) => rule),
      ['failureRate', 'mine'],
    )
    assert.equal(partly.canTrip, true)
    assert.match(partly.text, /gets about 10\.$/)
    const all = explain(after(30, 1_000, allOf(consecutiveFailures(5), rate)).breaker)
    assert.equal(all.canTrip, false)
  })

  it('S19c: says of a pooled fleet that others may still open it', () => {
    const { breaker } = after(30, 1_000, rate, { storage: new MemoryStorage() })
    assert.match(explain(breaker).text, /So only the calls of other members, added to its own, can open/)
  })

  it('S19c: whenever it says that no rule can trip, failures at the same pace do not open the circuit', () => {
    const property = fc.property(
      anyRule,
      fc.integer({ min: 1, max: 40 }),
      fc.nat(40),
      (rule, pause, calls) => {
        const { breaker, clock } = after(calls, pause, toRule(rule))
        const { canTrip, inert } = explain(breaker)
        // Depending on where its buckets begin, a window may hold one call more.
        if (canTrip || inert.some(({ holds, needs }) => holds + 1 >= needs)) return
        for (let i = 0; i < 200; i++) {
          fail(breaker)
          clock.advance(pause)
        }
        assert.equal(breaker.state, 'closed')
      },
    )
    fc.assert(property, parameters)
  })
})

describe('explain, for any breaker', () => {
  it('S15: changes nothing, is JSON-safe, and ends each sentence', () => {
    const property = fc.property(
      anySettings,
      fc.constantFrom('enforce', 'observe', 'off'),
      fc.array(fc.constantFrom('success', 'failure', 'open', 'halfOpen', 'isolate', 'wait'), {
        maxLength: 9,
      }),
      (settings, mode, steps) => {
        const clock = new ManualClock()
        const breaker = new CircuitBreaker({ clock, mode, ...toOptions(settings) })
        for (const step of steps) {
          if (step === 'wait') clock.advance(7)
          else if (step === 'success' || step === 'failure') breaker.tryAcquire()?.[step]()
          else breaker[step]()
        }
        const state = (): object => ({ ...breaker.snapshot(), takenAt: 0 })
        const before = state()
        const explanation = explain(breaker)
        assert.deepEqual(state(), before)
        assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation)
        assert.equal(explanation.text, explanation.sentences.join('\n'))
        for (const sentence of explanation.sentences) assert.match(sentence, /^[A-Z"].*\.$/)
        assert.doesNotMatch(explanation.text, /undefined|null|NaN|Infinity|\[object/)
      },
    )
    fc.assert(property, parameters)
  })

  it('S24: gives the caller data of its own', () => {
    const trip = anyOf(failureRate({ threshold: 0.5, lastCalls: 10 }))
    const breaker = new CircuitBreaker({ trip })
    const rule = explain(breaker).rule as unknown as { rules: { minCalls: number }[] }
    rule.rules[0]!.minCalls = 99
    rule.rules.pop()
    assert.match(explain(breaker).text, /given at least 10 calls/)
  })

  bad.table(
    'explain(breaker)',
    [...bad.notObjects, [undefined, TypeError, 'undefined'], [{}, TypeError, '(object)']],
    (value, kind, got) =>
      refused(() => explain(value), kind, 'breaker', 'a CircuitBreaker of this copy of the package', got),
  )

  it('refuses a breaker of another copy of the package, and what only looks like a breaker', () => {
    const { CircuitBreaker: Other } = anotherCopy('this realm')
    for (const other of [new Other(), new Proxy(new CircuitBreaker(), {}), CircuitBreaker.prototype])
      refused(() => explain(other), TypeError, 'a CircuitBreaker of this copy of the package')
  })

  it('accepts a breaker of a subclass', () => {
    class Own extends CircuitBreaker {}
    assert.equal(explain(new Own({ name: 'own' })).name, 'own')
  })
})
