import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  customRule,
  failureRate,
  slowCallRate,
  type CircuitBreakerOptions,
  type CustomRuleCounts,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import * as bad from '../../helpers/bad-values.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { hostile } from '../../helpers/hostile.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { refused } from '../../helpers/refusal.ts'
import { transitionsOf } from '../../helpers/transitions.ts'
import { warningsDuring } from '../../helpers/warnings.ts'
import { parameters } from '../model/parameters.ts'
import { anyRule, toRule, type Rule } from '../model/settings.ts'

type Predicate = (counts: CustomRuleCounts) => boolean

/** A breaker with a custom rule, and what it was asked and reported. */
function make(
  answer: Predicate = () => false,
  options: CircuitBreakerOptions = {},
): { breaker: CircuitBreaker; asked: CustomRuleCounts[]; reported: unknown[] } {
  const asked: CustomRuleCounts[] = []
  const reported: unknown[] = []
  const trip = customRule('own', { lastCalls: 10 }, (counts) => {
    asked.push(counts)
    return answer(counts)
  })
  const onListenerError = (error: unknown): unknown => reported.push(error)
  return { breaker: new CircuitBreaker({ trip, onListenerError, ...options }), asked, reported }
}

describe('customRule', () => {
  it('S19b: trips with its own name when it answers true', () => {
    const { breaker } = make(({ failures }) => failures >= 2)
    const seen = transitionsOf(breaker)
    fail(breaker)
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.deepEqual(seen, ['closed > open (own)'])
    assert.equal(breaker.snapshot().tripReason, 'own')
  })

  it('S16, S19b: is asked after a failure and after a slow call, never after a fast success or an ignored call', () => {
    const clock = new ManualClock()
    const asked: CustomRuleCounts[] = []
    const trip = customRule('own', { window: 1_000, slowerThan: 10 }, (counts) => {
      asked.push(counts)
      return false
    })
    const breaker = new CircuitBreaker({ clock, trip })
    const call = (duration: number, end: 'success' | 'failure' | 'ignore'): void => {
      const permit = breaker.acquire()
      clock.advance(duration)
      permit[end]()
    }
    call(10, 'success')
    call(50, 'ignore')
    assert.deepEqual(asked, [])
    call(11, 'success')
    call(10, 'failure')
    call(11, 'failure')
    assert.deepEqual(asked, [
      { calls: 2, failures: 0, slow: 1, consecutiveFailures: 0 },
      { calls: 3, failures: 1, slow: 1, consecutiveFailures: 1 },
      { calls: 4, failures: 2, slow: 2, consecutiveFailures: 2 },
    ])
  })

  it('S19b: receives a plain object of its own each time, so that keeping or changing it has no effect', () => {
    const { breaker, asked } = make((counts) => {
      Object.assign(counts, { failures: 99, calls: -1 })
      return false
    })
    fail(breaker, 2)
    assert.notEqual(asked[0], asked[1])
    assert.equal(Object.getPrototypeOf(asked[0]), Object.prototype)
    assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 0, failures: 2, slow: 0 })
  })

  it('S18, S19: counts only what its window covers, but consecutive failures without limit', () => {
    const { breaker, asked } = make()
    fail(breaker, 12)
    assert.deepEqual(asked.at(-1), { calls: 10, failures: 10, slow: 0, consecutiveFailures: 12 })
    const clock = new ManualClock()
    const inTime = make(undefined, {
      clock,
      trip: customRule('timed', { window: 100, buckets: 10 }, (counts) => inTime.asked.push(counts) < 0),
    })
    fail(inTime.breaker, 3)
    clock.advance(100)
    fail(inTime.breaker)
    assert.deepEqual(inTime.asked.at(-1), { calls: 1, failures: 1, slow: 0, consecutiveFailures: 4 })
  })

  it('S16: is not asked below minCalls', () => {
    const trip = customRule('own', { lastCalls: 5, minCalls: 3 }, () => true)
    const breaker = new CircuitBreaker({ trip })
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S11: makes a slow probe a failed one if it has a slowerThan', () => {
    const clock = new ManualClock()
    const trip = customRule('own', { lastCalls: 5, slowerThan: 10 }, () => false)
    const breaker = new CircuitBreaker({ clock, trip })
    breaker.halfOpen()
    const probe = breaker.acquire()
    clock.advance(11)
    probe.success()
    assert.equal(breaker.state, 'open')
  })

  it('S19: combines like every rule', () => {
    const { breaker } = make(undefined, {
      trip: allOf(
        consecutiveFailures(3),
        anyOf(
          failureRate({ threshold: 1, lastCalls: 50, minCalls: 50 }),
          customRule('mine', { lastCalls: 9 }, () => true),
        ),
      ),
    })
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures+mine')
  })

  it('S23: reports wouldTrip with its name in mode observe', () => {
    const { breaker } = make(() => true, { mode: 'observe' })
    const seen: string[] = []
    breaker.addListener({ wouldTrip: ({ reason }) => seen.push(reason) })
    fail(breaker, 3)
    assert.deepEqual(seen, ['own'])
  })

  it('S24: serves several breakers, each with its own counts', () => {
    const trip = customRule('own', { lastCalls: 5 }, ({ failures }) => failures === 2)
    const [a, b] = [new CircuitBreaker({ trip }), new CircuitBreaker({ trip })]
    fail(a)
    fail(b)
    assert.deepEqual([a.state, b.state], ['closed', 'closed'])
    fail(a)
    assert.deepEqual([a.state, b.state], ['open', 'closed'])
  })

  it('S19b: behaves in every combination as the built-in rule that answers the same', () => {
    const call = fc.record({
      end: fc.constantFrom('success', 'failure', 'ignore'),
      duration: fc.nat(15),
      pause: fc.oneof(fc.nat(5), fc.nat(400)),
    })
    const property = fc.property(anyRule, fc.array(call, { maxLength: 60 }), (rule, calls) => {
      const breakers = [toRule(rule), asCustom(rule)].map((trip) => {
        const clock = new ManualClock()
        return { clock, breaker: new CircuitBreaker({ clock, trip, timeoutDuration: 20 }) }
      })
      for (const { end, duration, pause } of calls) {
        const [builtIn, custom] = breakers.map(({ breaker, clock }) => {
          const permit = breaker.tryAcquire()
          clock.advance(duration)
          permit?.[end]()
          clock.advance(pause)
          const { state, tripReason, counts, failCounter } = breaker.snapshot()
          return { state, tripReason, counts, failCounter }
        })
        assert.deepEqual(custom, builtIn)
      }
    })
    fc.assert(property, parameters)
  })
})

/** Replaces every rule with a window by a custom rule of the same name. */
function asCustom(rule: Rule): ReturnType<typeof toRule> {
  if ('of' in rule) return (rule.rule === 'anyOf' ? anyOf : allOf)(...rule.of.map(asCustom))
  if (!('span' in rule)) return toRule(rule)
  const { span, minCalls } = rule
  const slower = rule.rule === 'slowCallRate' ? { slowerThan: rule.slowerThan } : {}
  return customRule(rule.rule, { ...span, ...slower, minCalls }, ({ calls, failures, slow }) => {
    if (rule.rule === 'failureCount') return failures >= rule.count
    return (rule.rule === 'failureRate' ? failures : slow) / calls >= rule.threshold
  })
}

describe('S8, S19b: a predicate that misbehaves', () => {
  const misbehaving: Record<string, () => unknown> = {
    ...hostile,
    'answers with a promise of true': () => Promise.resolve(true),
    'answers with a promise that never ends': () => new Promise(() => {}),
    'answers 1': () => 1,
    'answers undefined': () => undefined,
    'answers "true"': () => 'true',
    'answers with a Boolean object': () => Object(true),
    'answers with what throws when it is examined': () =>
      new Proxy({}, { get: hostile['throws an error'], getPrototypeOf: hostile['throws an error'] }),
  }
  for (const [behavior, answer] of Object.entries(misbehaving)) {
    it(`counts as false and is reported each time: ${behavior}`, async () => {
      const { breaker, reported } = make(answer as () => boolean)
      const error = new Error('mine')
      await assert.rejects(
        breaker.call(() => Promise.reject(error)),
        (thrown) => thrown === error,
      )
      fail(breaker)
      await nextTick()
      assert.equal(breaker.state, 'closed')
      assert.equal(reported.length, 2)
      assert.deepEqual([breaker.failCounter, breaker.snapshot().inFlight], [2, 0])
    })
  }

  it('names the rule and the answer', () => {
    const { breaker, reported } = make((() => 1) as never)
    fail(breaker)
    assert.equal(String(reported[0]), 'TypeError: Expected `own()` to be a boolean, got `1` (number)')
  })

  it('is one process warning without onListenerError', () => {
    const warnings = warningsDuring(() => {
      const { breaker } = make(hostile['throws an error'], { name: 'payments', onListenerError: undefined })
      fail(breaker, 3)
      assert.equal(breaker.state, 'closed')
    })
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /^RecloserWarning: payments: Error: hostile/)
  })

  it('does not keep the other rules from tripping', () => {
    const { breaker } = make(undefined, {
      trip: anyOf(customRule('own', { lastCalls: 5 }, hostile['throws an error']), consecutiveFailures(3)),
    })
    fail(breaker, 3)
    assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures')
  })
})

describe('S3, S19b: a predicate that uses its breaker', () => {
  /** The result of one failing call whose predicate first does something with the breaker, and then answers true. */
  function meddled(meddle: (breaker: CircuitBreaker) => unknown, options: CircuitBreakerOptions = {}) {
    let left = 1
    const made = make(() => {
      if (left-- > 0) meddle(made.breaker)
      return true
    }, options)
    const seen = transitionsOf(made.breaker)
    const applied = made.breaker.acquire().failure(new Error('down'))
    return { ...made, applied, seen }
  }

  it('sees the circuit before the change', () => {
    const states: string[] = []
    const { breaker } = meddled((each) => states.push(each.state, String(each.snapshot().tripReason)))
    assert.deepEqual(states, ['closed', 'null'])
    assert.equal(breaker.state, 'open')
  })

  it('does not run `timeoutDuration` for an answer that came too late', () => {
    let asked = 0
    const timeoutDuration = (): number => ++asked
    const { breaker, applied, seen } = meddled((each) => each.isolate(), { timeoutDuration })
    assert.equal(applied, false)
    assert.deepEqual([breaker.state, asked, breaker.snapshot().late], ['isolated', 0, 1])
    assert.deepEqual(seen, ['closed > isolated (manual)'])
  })

  it('is not asked again by calls that it makes itself, which the other rules judge as usual', () => {
    let questions = 0
    const nested: CircuitBreaker = new CircuitBreaker({
      trip: anyOf(
        customRule('own', { lastCalls: 9 }, () => {
          questions++
          fail(nested, 2)
          return true
        }),
        consecutiveFailures(3),
      ),
    })
    const seen = transitionsOf(nested)
    fail(nested)
    assert.equal(questions, 1)
    assert.deepEqual(seen, ['closed > open (consecutiveFailures)'])
    assert.equal(nested.snapshot().late, 1)
  })

  it('opens the circuit after calls that it has made itself', () => {
    const { breaker, asked } = meddled((each) => {
      fail(each)
      succeed(each)
    })
    assert.equal(asked.length, 1)
    assert.equal(breaker.snapshot().tripReason, 'own')
  })

  it('judged counts that are gone if it closes the circuit', () => {
    const { breaker, seen } = meddled((each) => each.close())
    assert.deepEqual(seen, [])
    assert.deepEqual([breaker.state, breaker.failCounter], ['closed', 0])
  })

  it('no longer decides once it has put another rule in its place', () => {
    const { breaker, seen } = meddled((each) => each.configure({ failMax: 2 }))
    assert.deepEqual(seen, [])
    assert.equal(breaker.failCounter, 1)
    fail(breaker)
    assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures')
  })

  it('decides nothing once it has changed the mode', () => {
    for (const mode of ['observe', 'off'] as const) {
      const { breaker, applied } = meddled((each) => (each.mode = mode))
      assert.deepEqual([applied, breaker.state], [false, 'closed'])
    }
  })

  it('may change options that do not concern the rule', () => {
    const { breaker } = meddled((each) => each.configure({ timeoutDuration: 5_000 }))
    assert.deepEqual([breaker.state, breaker.snapshot().tripReason], ['open', 'own'])
  })
})

describe('bad arguments of customRule', () => {
  const longest = 'x'.repeat(64)
  const never = (): boolean => false

  it('accepts names up to 64 characters', () => {
    assert.ok(customRule(longest, { lastCalls: 1 }, never))
  })

  bad.table(
    'the name of customRule',
    [
      ...bad.notStrings,
      [undefined, TypeError, 'undefined'],
      ['', TypeError, '`""` (string)'],
      [`${longest}x`, TypeError, '(string)'],
      ['probeSucceeded', TypeError, 'probeSucceeded'],
      ['probeFailed', TypeError, 'probeFailed'],
      ['probeTimeout', TypeError, 'probeTimeout'],
      ['timeoutElapsed', TypeError, 'timeoutElapsed'],
      ['manual', TypeError, 'manual'],
    ],
    (value, kind, got) =>
      refused(() => customRule(value, { lastCalls: 1 }, never), kind, 'customRule name', got),
  )
  bad.table(
    'the options of customRule',
    [...bad.notOptionObjects, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => customRule('own', value, never), kind, 'customRule options', got),
  )
  bad.table(
    'the predicate of customRule',
    [...bad.notFunctions, [undefined, TypeError, 'undefined']],
    (value, kind, got) =>
      refused(() => customRule('own', { lastCalls: 1 }, value), kind, 'customRule predicate', got),
  )
  const numbers = { window: bad.positive, lastCalls: bad.positiveInteger, buckets: bad.positiveInteger }
  for (const [option, values] of Object.entries({ ...numbers, minCalls: bad.positiveInteger })) {
    const span = option === 'lastCalls' ? {} : { window: 1_000 }
    bad.table(`customRule.${option}`, values, (value, kind, got) =>
      refused(() => customRule('own', { ...span, [option]: value } as never, never), kind, option, got),
    )
  }
  bad.table('customRule.slowerThan', bad.nonNegative, (value, kind, got) =>
    refused(() => customRule('own', { lastCalls: 5, slowerThan: value }, never), kind, 'slowerThan', got),
  )

  it('must have a window or lastCalls, and not both, and minCalls that it can hold', () => {
    refused(() => customRule('own', {} as never, never), TypeError, 'the span of customRule', 'neither')
    const both = { window: 1, lastCalls: 1 } as never
    refused(() => customRule('own', both, never), TypeError, 'the span of customRule', 'both')
    refused(() => customRule('own', { lastCalls: 5, minCalls: 6 }, never), RangeError, 'minCalls', '5', '6')
    refused(() => customRule('own', { lastCalls: 5, size: 1 } as never, never), TypeError, '`size`')
  })

  it('refuses a slowerThan above callTimeout, as slowCallRate does', () => {
    for (const trip of [
      customRule('own', { lastCalls: 5, slowerThan: 200 }, never),
      slowCallRate({ threshold: 1, lastCalls: 5, slowerThan: 200 }),
    ])
      refused(() => new CircuitBreaker({ callTimeout: 100, trip }), RangeError, 'slowerThan', '100', '200')
  })
})
