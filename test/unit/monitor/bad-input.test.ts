import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { anotherCopy } from '../../helpers/another-copy.ts'
import * as bad from '../../helpers/bad-values.ts'
import { refused } from '../../helpers/refusal.ts'

const monitor = new CircuitBreakerMonitor()
monitor.watch(new CircuitBreaker({ name: 'a' }))

const targets: readonly bad.Bad[] = [
  ...bad.notObjects,
  [undefined, TypeError, '`undefined` (undefined)'],
  [{}, TypeError, '(object)'],
  [[], TypeError, '(object)'],
  [Object.create(CircuitBreaker.prototype), TypeError, '(object)'],
  [new CircuitBreakerMonitor(), TypeError, '(object)'],
]

const histories: readonly bad.Bad[] = [
  ...bad.notNumbers,
  bad.NAN,
  bad.INFINITE,
  bad.BELOW,
  [-1, RangeError, '`-1` (number)'],
  [1.5, RangeError, '`1.5` (number)'],
  [121, RangeError, '`121` (number)'],
]

describe('a monitor refuses at once', () => {
  bad.table('new CircuitBreakerMonitor(options)', bad.notOptionObjects, (value, kind, got) =>
    refused(() => new CircuitBreakerMonitor(value), kind, 'monitor options', got),
  )
  bad.table('transitions', bad.positiveInteger, (value, kind, got) =>
    refused(() => new CircuitBreakerMonitor({ transitions: value }), kind, 'transitions', got),
  )
  bad.table('watch(target)', targets, (value, kind, got) =>
    refused(() => monitor.watch(value), kind, 'CircuitBreaker or a CircuitBreakerRegistry', got),
  )
  bad.table('unwatch(target)', targets, (value, kind, got) =>
    refused(() => monitor.unwatch(value), kind, 'CircuitBreaker or a CircuitBreakerRegistry', got),
  )
  bad.table('snapshot(options)', bad.notOptionObjects, (value, kind, got) =>
    refused(() => monitor.snapshot(value), kind, 'snapshot options', got),
  )
  bad.table('snapshot.history', histories, (value, kind, got) =>
    refused(() => monitor.snapshot({ history: value }), kind, 'history', '0 to 120', got),
  )
  bad.table('report.history', histories, (value, kind, got) =>
    refused(() => monitor.report('a', { history: value }), kind, 'history', '0 to 120', got),
  )
  bad.table('events(options)', bad.notOptionObjects, (value, kind, got) =>
    refused(() => monitor.events(value), kind, 'events options', got),
  )
  bad.table('events.limit', bad.positiveInteger, (value, kind, got) =>
    refused(() => monitor.events({ limit: value }), kind, 'limit', got),
  )
  bad.table(
    'events.signal',
    [...bad.notObjects, [new AbortController(), TypeError, '(object)']],
    (value, kind, got) => refused(() => monitor.events({ signal: value }), kind, 'signal', got),
  )

  it('unknown names', () => {
    const misspelled = { transition: 5 } as never
    refused(() => new CircuitBreakerMonitor(misspelled), TypeError, 'transitions', '`transition`')
    refused(() => monitor.snapshot({ seconds: 5 } as never), TypeError, 'history', '`seconds`')
    refused(() => monitor.events({ max: 5 } as never), TypeError, 'signal, limit', '`max`')
  })

  it('objects of another copy of the package, and says so', () => {
    const copy = anotherCopy('this realm')
    for (const foreign of [new copy.CircuitBreaker(), new copy.CircuitBreakerRegistry()]) {
      refused(() => monitor.watch(foreign as never), TypeError, 'of this copy of the package')
    }
  })

  it('and then has changed nothing', () => {
    assert.deepEqual(
      monitor.snapshot().breakers.map(({ id }) => id),
      ['a'],
    )
  })
})
