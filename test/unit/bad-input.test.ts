import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  CircuitBreakerRegistry,
  allOf,
  anyOf,
  consecutiveFailures,
  slowCallRate,
  type CircuitBreakerOptions,
} from '../../src/index.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'
import * as bad from '../helpers/bad-values.ts'
import { fail } from '../helpers/calls.ts'
import { refused } from '../helpers/refusal.ts'

const options: Record<keyof CircuitBreakerOptions, readonly bad.Bad[]> = {
  name: bad.notStrings,
  failMax: bad.positiveInteger,
  timeoutDuration: bad.nonNegative,
  trip: [
    ...bad.notObjects,
    [{}, TypeError, '(object)'],
    [() => 'tripped', TypeError, '(function)'],
    ['consecutiveFailures', TypeError, 'consecutiveFailures'],
    [consecutiveFailures, TypeError, '(function)'],
    [Object.create(consecutiveFailures(2)), TypeError, '(object)'],
  ],
  exclude: [
    [Error, TypeError, '(function)'],
    ['Error', TypeError, '`"Error"` (string)'],
    [null, TypeError, '`null` (null)'],
    [['Error'], TypeError, '`"Error"` (string)'],
    [[Error, null], TypeError, '`null` (null)'],
    [[/Error/], TypeError, '`/Error/` (object)'],
    [new Set([Error]), TypeError, '(object)'],
    bad.holes,
  ],
  classifyError: bad.notFunctions,
  classifyResult: bad.notFunctions,
  callTimeout: bad.positiveOrInfinity,
  halfOpen: bad.notOptionObjects,
  probeTimeout: bad.positiveOrInfinity,
  attemptDecay: bad.nonNegative,
  errorOnTrip: [
    [1, TypeError, '`1` (number)'],
    ['true', TypeError, '`"true"` (string)'],
    [null, TypeError, '`null` (null)'],
  ],
  listeners: [
    [{ success() {} }, TypeError, '(object)'],
    [() => {}, TypeError, '(function)'],
    [[() => {}], TypeError, '(function)'],
    [[{}], TypeError, '(object)'],
    [[{ onSuccess() {} }], TypeError, '(object)'],
    [[{ success: 'yes' }], TypeError, '(object)'],
    [[{ success() {} }, null], TypeError, '`null` (null)'],
    bad.holes,
  ],
  onListenerError: bad.notFunctions,
  mode: [
    ['on', TypeError, '`"on"` (string)'],
    ['', TypeError, '`""` (string)'],
    [null, TypeError, '`null` (null)'],
    [true, TypeError, '`true` (boolean)'],
    [['off'], TypeError, '(object)'],
  ],
  restore: bad.notObjects,
  clock: [
    ...bad.notObjects,
    [{}, TypeError, '(object)'],
    [{ now: 5 }, TypeError, '(object)'],
    [{ now: Date.now, setTimer: 5 }, TypeError, '`5` (number)'],
    [{ now: Date.now, setTimer: null }, TypeError, '`null` (null)'],
    [Date.now, TypeError, '(function)'],
  ],
  random: bad.notFunctions,
  storage: [
    ...bad.notObjects,
    [{}, TypeError, '(object)'],
    [{ exchange() {}, acquire() {}, settle() {}, change() {} }, TypeError, '(object)'],
  ],
  share: [
    ['all', TypeError, '`"all"` (string)'],
    [true, TypeError, '`true` (boolean)'],
  ],
  minReporters: [...bad.positiveInteger, [9, RangeError, '`9` (number)']],
  reporter: [...bad.notStrings, ['', TypeError, '`""` (string)']],
  probeDeadline: bad.positive,
  ephemeral: [
    [1, TypeError, '`1` (number)'],
    ['true', TypeError, '`"true"` (string)'],
  ],
}

const OF_A_FLEET: ReadonlySet<string> = new Set([
  'share',
  'minReporters',
  'reporter',
  'probeDeadline',
  'ephemeral',
])

describe('bad options of a breaker', () => {
  for (const [name, values] of Object.entries(options)) {
    const others = OF_A_FLEET.has(name) ? { name: 'payments', storage: new MemoryStorage() } : {}
    bad.table(name, values, (value, kind, got) =>
      refused(() => new CircuitBreaker({ ...others, [name]: value }), kind, name, got),
    )
  }
  bad.table('a bag of options', bad.notOptionObjects, (value, kind, got) =>
    refused(() => new CircuitBreaker(value), kind, 'options', got),
  )

  for (const part of ['calls', 'successes', 'concurrent']) {
    bad.table(`halfOpen.${part}`, bad.positiveInteger, (value, kind, got) =>
      refused(() => new CircuitBreaker({ halfOpen: { [part]: value } }), kind, `\`halfOpen.${part}\``, got),
    )
    bad.table(
      `configure halfOpen.${part}`,
      bad.positiveInteger.filter(([value]) => value !== null),
      (value, kind, got) =>
        refused(
          () => new CircuitBreaker().configure({ halfOpen: { [part]: value } }),
          kind,
          `\`halfOpen.${part}\``,
          got,
        ),
    )
  }

  it('the message names a bad element by its index', () => {
    refused(() => new CircuitBreaker({ exclude: [Error, 5 as never] }), TypeError, 'exclude[1]', '`5`')
    refused(
      () => new CircuitBreaker({ listeners: [{ success() {} }, 5 as never] }),
      TypeError,
      'listeners[1]',
      '`5`',
    )
  })

  for (const name of ['resetTimeout', 'threshold', 'size', 'toString', 'constructor', 'x', '']) {
    it(`the unknown name '${name}' is refused, and the message lists the known ones`, () => {
      refused(() => new CircuitBreaker({ [name]: 1 }), TypeError, `\`${name}\``, 'failMax', 'timeoutDuration')
    })
  }

  const misspelled: Record<string, string> = {
    failmax: 'failMax',
    FAILMAX: 'failMax',
    faliMax: 'failMax',
    calltimeout: 'callTimeout',
    callTimout: 'callTimeout',
    callTimeoutMs: 'callTimeout',
    timeoutduration: 'timeoutDuration',
    timeoutDurations: 'timeoutDuration',
    half_open: 'halfOpen',
    listener: 'listeners',
    onListenerErrors: 'onListenerError',
    excludes: 'exclude',
    clasifyError: 'classifyError',
    minReporter: 'minReporters',
    names: 'name',
    Trip: 'trip',
  }
  for (const [name, near] of Object.entries(misspelled)) {
    it(`'${name}' is refused with a question for ${near}, and without a list`, () => {
      for (const act of [
        () => new CircuitBreaker({ [name]: 1 }),
        () => new CircuitBreaker().configure({ [name]: 1 }),
        () => new CircuitBreakerRegistry({ options: () => ({ [name]: 1 }) }).get('key'),
      ]) {
        refused(act, TypeError, `got \`${name}\`: did you mean \`${near}\`?`)
        assert.throws(act, ({ message }: Error) => message.length < 120 && !message.includes('attemptDecay'))
      }
    })
  }

  it('a name that several names contain is refused with all of these', () => {
    const question = 'did you mean `timeoutDuration` or `callTimeout` or `probeTimeout`?'
    refused(() => new CircuitBreaker({ timeout: 1 } as never), TypeError, question)
  })

  it('a nested name is suggested and refused with its path', () => {
    const half = (halfOpen: object) => (): CircuitBreaker => new CircuitBreaker({ halfOpen })
    refused(half({ call: 1 }), TypeError, 'got `halfOpen.call`: did you mean `halfOpen.calls`?')
    refused(half({ maxCalls: 1 }), TypeError, '`halfOpen.maxCalls`', '`halfOpen.calls`')
    refused(half({ probes: 1 }), TypeError, '`halfOpen.probes`', 'calls, successes, concurrent')
    refused(
      () => new CircuitBreaker().configure({ halfOpen: { succeses: 1 } as never }),
      TypeError,
      '`halfOpen.successes`',
    )
    refused(() => new MemoryStorage({ faults: { befor: () => {} } as never }), TypeError, '`faults.before`')
  })

  it('a long or hostile name is shortened and escaped', () => {
    for (const name of ['x'.repeat(1e6), `\u202Efail\u0000Max\u001B[2J${'\n'.repeat(99)}`]) {
      assert.throws(
        () => new CircuitBreaker({ [name]: 1 }),
        ({ message }: Error) => message.length < 1_000 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(message),
      )
    }
  })

  it('an unknown name is refused even if its value is undefined', () => {
    refused(() => new CircuitBreaker({ failmax: undefined } as never), TypeError, 'failmax')
  })

  it('__proto__ from JSON is an unknown name and pollutes nothing', () => {
    refused(() => new CircuitBreaker(JSON.parse('{"__proto__": {"failMax": 1}}')), TypeError, '__proto__')
    assert.equal(({} as Record<string, unknown>)['failMax'], undefined)
  })

  it('an unknown part of halfOpen is refused', () => {
    refused(
      () => new CircuitBreaker({ halfOpen: { maxCalls: 1 } as never }),
      TypeError,
      'halfOpen',
      'maxCalls',
    )
  })

  it('a message stays short, whatever the value', () => {
    const long = 'x'.repeat(100_000)
    assert.throws(
      () => new CircuitBreaker({ mode: long as never }),
      (error) => error instanceof TypeError && error.message.length < 300,
    )
  })
})

describe('combinations that cannot work', () => {
  it('failMax together with trip', () => {
    refused(
      () => new CircuitBreaker({ failMax: 5, trip: consecutiveFailures(5) }),
      TypeError,
      'failMax',
      'trip',
    )
  })

  it('a half-open circuit that can never close', () => {
    refused(
      () => new CircuitBreaker({ halfOpen: { calls: 2, successes: 3 } }),
      RangeError,
      'successes',
      'calls',
      '2',
      '3',
    )
  })

  it('more probes at once than there are in a half-open period', () => {
    for (const [calls, concurrent] of [
      [2, 3],
      [undefined, 2],
    ]) {
      refused(
        () => new CircuitBreaker({ halfOpen: { calls, concurrent } }),
        RangeError,
        '`halfOpen.concurrent`',
        `\`halfOpen.calls\` (${calls ?? 1})`,
        `\`${concurrent}\``,
      )
    }
  })

  it('a call that times out before it can be slow', () => {
    const trip = slowCallRate({ threshold: 1, slowerThan: 501, lastCalls: 5 })
    refused(
      () => new CircuitBreaker({ trip, callTimeout: 500 }),
      RangeError,
      'slowerThan',
      'callTimeout',
      '500',
      '501',
    )
  })

  it('the same within a rule that needs all of its parts', () => {
    const quick = slowCallRate({ threshold: 1, slowerThan: 100, lastCalls: 5 })
    const slow = slowCallRate({ threshold: 1, slowerThan: 501, lastCalls: 5 })
    refused(
      () => new CircuitBreaker({ trip: allOf(quick, slow), callTimeout: 500 }),
      RangeError,
      'slowerThan',
      '500',
    )
    refused(
      () => new CircuitBreaker({ trip: anyOf(allOf(quick, slow)), callTimeout: 500 }),
      RangeError,
      'slowerThan',
      '500',
    )
  })

  it('a part of anyOf that can still trip makes it work', () => {
    const slow = slowCallRate({ threshold: 1, slowerThan: 501, lastCalls: 5 })
    const trip = anyOf(consecutiveFailures(5), slow)
    assert.equal(new CircuitBreaker({ trip, callTimeout: 501 }).options.trip, trip)
  })
})

describe('bad input changes nothing', () => {
  it('an open circuit keeps its deadline and reason when open() is refused', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    breaker.open({ for: 500, reason: 'first' })
    assert.throws(() => breaker.open({ for: 9, reason: 5 as never }), TypeError)
    assert.throws(() => breaker.open({ reason: 'second', for: NaN }), RangeError)
    assert.equal(breaker.retryAfter, 500)
    assert.equal(breaker.snapshot().tripReason, 'first')
  })

  it('a constructor that refuses has called no listener, clock, random or open time', () => {
    const forbidden = (): never => assert.fail('was called')
    const given = {
      listeners: [{ stateChange: forbidden, beforeCall: forbidden }],
      clock: { now: forbidden },
      random: forbidden,
      timeoutDuration: forbidden,
      onListenerError: forbidden,
      restore: { ...new CircuitBreaker().snapshot(), state: 'open' as const, retryAfter: 5 },
    }
    for (const bad of [{ halfOpen: { calls: 1, successes: 2 } }, { failMax: 0 }, { bogus: 1 }]) {
      assert.throws(() => new CircuitBreaker({ ...given, ...bad }))
      assert.throws(() => new CircuitBreaker({ ...bad, ...given }))
    }
  })

  it('a refused listener gets no events, and the others still do', () => {
    const events: string[] = []
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    breaker.addListener({ failure: () => events.push('failure') })
    assert.throws(() => breaker.addListener({ opened: () => events.push('opened') } as never), TypeError)
    fail(breaker)
    assert.deepEqual(events, ['failure'])
  })

  it('removing a listener that was never added is no error', () => {
    const breaker = new CircuitBreaker()
    assert.equal(breaker.removeListener({ success() {} }), undefined)
  })
})
