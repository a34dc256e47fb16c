import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerRegistry } from '../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../src/testing/index.ts'
import * as bad from '../helpers/bad-values.ts'
import { refused, refusedLater } from '../helpers/refusal.ts'

describe('bad arguments of methods', () => {
  const breaker = new CircuitBreaker({ clock: new ManualClock() })
  const run = (): number => 1

  bad.table('call(fn)', [...bad.notFunctions, [undefined, TypeError, 'undefined']], (value, kind, got) =>
    refusedLater(breaker.call(value), kind, 'fn', got),
  )
  bad.table('callSync(fn)', [...bad.notFunctions, [undefined, TypeError, 'undefined']], (value, kind, got) =>
    refused(() => breaker.callSync(value), kind, 'fn', got),
  )
  bad.table('run(task)', [...bad.notFunctions, [undefined, TypeError, 'undefined']], (value, kind, got) =>
    refusedLater(breaker.run(value), kind, 'task', got),
  )
  bad.table('run(task, options)', bad.notOptionObjects, (value, kind, got) =>
    refusedLater(breaker.run(run, value), kind, 'run options', got),
  )
  bad.table('run.fallback', bad.notFunctions, (value, kind, got) =>
    refusedLater(breaker.run(run, { fallback: value }), kind, 'fallback', got),
  )
  // `null` is none.
  const notSignals = [
    ...bad.notObjects.filter(([value]) => value !== null),
    [{}, TypeError, '(object)'] as bad.Bad,
  ]
  bad.table(
    'run.signal',
    [...notSignals, [new AbortController(), TypeError, '(object)']],
    (value, kind, got) => refusedLater(breaker.run(run, { signal: value }), kind, 'signal', got),
  )
  bad.table('wrap(fn)', [...bad.notFunctions, [undefined, TypeError, 'undefined']], (value, kind, got) =>
    refused(() => breaker.wrap(value), kind, 'fn', got),
  )
  bad.table('wrap(fn, options)', bad.notOptionObjects, (value, kind, got) =>
    refused(() => breaker.wrap(run, value), kind, 'wrap options', got),
  )
  bad.table('wrap.fallback', bad.notFunctions, (value, kind, got) =>
    refused(() => breaker.wrap(run, { fallback: value }), kind, 'fallback', got),
  )
  bad.table('wrapSync(fn)', [...bad.notFunctions, [undefined, TypeError, 'undefined']], (value, kind, got) =>
    refused(() => breaker.wrapSync(value), kind, 'fn', got),
  )
  bad.table('open(options)', bad.notOptionObjects, (value, kind, got) =>
    refused(() => breaker.open(value), kind, 'open options', got),
  )
  bad.table('open.for', bad.nonNegative, (value, kind, got) =>
    refused(() => breaker.open({ for: value }), kind, 'for', got),
  )
  bad.table('open.reason', bad.notStrings, (value, kind, got) =>
    refused(() => breaker.open({ reason: value }), kind, 'reason', got),
  )
  for (const method of ['halfOpen', 'close', 'isolate'] as const) {
    const notReasons = bad.notStrings.filter(([value]) => value === null || typeof value !== 'object')
    bad.table(`${method}(reason)`, [...notReasons, [[], TypeError, '(object)']], (value, kind, got) =>
      refused(() => breaker[method](value), kind, '`reason`', got),
    )
    bad.table(`${method}({ reason })`, bad.notStrings, (value, kind, got) =>
      refused(() => breaker[method]({ reason: value }), kind, '`reason`', got),
    )
  }
  bad.table(
    'mode',
    [
      ['on', TypeError, '`"on"`'],
      [1, TypeError, '`1`'],
      [null, TypeError, '`null`'],
    ],
    (value, kind, got) => refused(() => (breaker.mode = value), kind, 'mode', got),
  )
  bad.table(
    'configure(patch)',
    [...bad.notOptionObjects, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => breaker.configure(value), kind, 'options', got),
  )
  bad.table(
    'addListener(l)',
    [
      ...bad.notObjects,
      [{}, TypeError, '(object)'],
      [{ onOpen() {} }, TypeError, '(object)'],
      [{ stateChange: true }, TypeError, '(object)'],
      [undefined, TypeError, 'undefined'],
    ],
    (value, kind, got) => refused(() => breaker.addListener(value), kind, 'listener', 'stateChange', got),
  )
  bad.table('ready(options)', bad.notOptionObjects, (value, kind, got) =>
    refusedLater(breaker.ready(value), kind, 'ready options', got),
  )
  bad.table('ready.signal', notSignals, (value, kind, got) =>
    refusedLater(breaker.ready({ signal: value }), kind, 'signal', got),
  )

  it('unknown names are refused everywhere', async () => {
    await refusedLater(breaker.run(run, { abort: 1 } as never), TypeError, '`abort`')
    await refusedLater(breaker.ready({ timeout: 1 } as never), TypeError, '`timeout`')
    refused(() => breaker.wrap(run, { signal: 1 } as never), TypeError, '`signal`')
    refused(() => breaker.open({ duration: 1 } as never), TypeError, '`duration`')
    for (const method of ['halfOpen', 'close', 'isolate'] as const) {
      refused(() => breaker[method]({ resaon: 'x' } as never), TypeError, '`resaon`', '`reason`')
      refused(() => breaker[method]({ for: 5 } as never), TypeError, '`for`', 'reason')
    }
    refused(() => breaker.configure({ failmax: 1 } as never), TypeError, '`failmax`')
  })

  it('open for Infinity is refused, and the error points to isolate', () => {
    refused(() => breaker.open({ for: Infinity }), RangeError, 'for', 'isolate', 'Infinity')
    refused(() => new CircuitBreaker({ timeoutDuration: Infinity }), RangeError, 'timeoutDuration', 'isolate')
  })

  it('a generator function with a fallback is refused when it is wrapped', () => {
    const fallback = (): Generator<number> => assert.fail('never called')
    const generator = function* (): Generator<number> {
      yield 1
    }
    const asyncGenerator = async function* (): AsyncGenerator<number> {
      yield 1
    }
    refused(() => breaker.wrap(generator, { fallback } as never), TypeError, 'fallback')
    refused(() => breaker.wrap(asyncGenerator, { fallback } as never), TypeError, 'fallback')
  })

  it('none of this has changed anything', () => {
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.mode, 'enforce')
    const { takenAt: _, name: __, ...seen } = breaker.snapshot()
    const { takenAt: ___, name: ____, ...fresh } = new CircuitBreaker().snapshot()
    assert.deepEqual(seen, fresh)
  })
})

describe('the wrong this', () => {
  const { prototype } = CircuitBreaker
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name === 'constructor') continue
    it(`${name} on something that is not a breaker is a TypeError, and has no effect`, async () => {
      const { get, value } = Object.getOwnPropertyDescriptor(prototype, name) ?? {}
      const member = (get ?? value) as (this: unknown, ...args: unknown[]) => unknown
      for (const self of [undefined, Object.create(prototype)]) {
        const attempt = async (): Promise<unknown> => member.call(self, () => assert.fail('was called'))
        await assert.rejects(attempt(), TypeError)
      }
    })
  }
})

describe('bad input of the registry', () => {
  bad.table('options', bad.notFunctions, (value, kind, got) =>
    refused(() => new CircuitBreakerRegistry({ options: value }), kind, 'options', got),
  )
  bad.table('max', bad.positiveInteger, (value, kind, got) =>
    refused(() => new CircuitBreakerRegistry({ max: value }), kind, 'max', got),
  )
  bad.table('a bag of options', bad.notOptionObjects, (value, kind, got) =>
    refused(() => new CircuitBreakerRegistry(value), kind, 'registry options', got),
  )
  bad.table(
    'what options(key) returns',
    [...bad.notOptionObjects, [undefined, TypeError, 'undefined']],
    (value, kind, got) => {
      const registry = new CircuitBreakerRegistry({ options: () => value })
      refused(() => registry.get('key'), kind, 'options', got)
      assert.equal(registry.has('key'), false)
      assert.equal(registry.size, 0)
    },
  )
  bad.table('addListener(l)', [...bad.notObjects, [{}, TypeError, '(object)']], (value, kind, got) =>
    refused(() => new CircuitBreakerRegistry().addListener(value), kind, 'listener', got),
  )

  it('unknown names are refused', () => {
    refused(() => new CircuitBreakerRegistry({ maximum: 1 } as never), TypeError, 'maximum')
    refused(
      () => new CircuitBreakerRegistry({ options: () => ({ failmax: 1 }) as never }).get('k'),
      TypeError,
      'failmax',
    )
  })
})

describe('bad input of recloser/testing', () => {
  const notTimes = [...bad.notNumbers, bad.NAN, bad.INFINITE, bad.BELOW]
  bad.table('the start of a clock', notTimes, (value, kind, got) =>
    refused(() => new ManualClock(value), kind, 'start', got),
  )
  bad.table('set(time)', [...notTimes, [undefined, TypeError, 'undefined']], (value, kind, got) => {
    const clock = new ManualClock(7)
    refused(() => clock.set(value), kind, 'time', got)
    assert.equal(clock.now(), 7)
  })
  bad.table(
    'advance(duration)',
    [...bad.nonNegative, [undefined, TypeError, 'undefined']],
    (value, kind, got) => {
      const clock = new ManualClock(7)
      refused(() => clock.advance(value), kind, 'duration', got)
      assert.equal(clock.now(), 7)
    },
  )
  bad.table(
    'a script',
    [...bad.notObjects, [[], TypeError, '(object)'], [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => new ScriptedDependency(value), kind, 'steps', got),
  )
  bad.table(
    'a step',
    [
      ['OK', TypeError, '`"OK"`'],
      [5, TypeError, '`5`'],
      [{}, TypeError, '(object)'],
      [null, TypeError, '`null`'],
      [undefined, TypeError, 'undefined'],
    ],
    (value, kind, got) => refused(() => new ScriptedDependency(['ok', value]), kind, 'steps[1]', got),
  )
})
