import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureRate, type CircuitBreakerListener } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf, narrator } from '../../helpers/events.ts'

/** A listener that calls `meddle` at the first event with the description `when`. */
function meddler(when: string, meddle: () => void): CircuitBreakerListener {
  let done = false
  return narrator((event) => {
    if (event !== when || done) return
    done = true
    meddle()
  })
}

describe('S3: events', () => {
  it('S3: a call emits its own event before the transition that it causes', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 1_000 })
    const events = eventsOf(breaker)
    fail(breaker)
    clock.advance(1_000)
    fail(breaker)
    clock.advance(1_000)
    succeed(breaker)
    assert.deepEqual(
      events.join(', '),
      'beforeCall, failure, closed > open, ' +
        'open > half-open, beforeCall, failure, half-open > open, ' +
        'open > half-open, beforeCall, success, half-open > closed',
    )
  })

  it('S3: a call emits its own event before `wouldTrip`', () => {
    const breaker = new CircuitBreaker({ failMax: 1, mode: 'observe' })
    const events = eventsOf(breaker)
    fail(breaker)
    assert.deepEqual(events, ['beforeCall', 'failure', 'wouldTrip'])
  })

  it('S3: a call emits its own event before its transition, also when a listener makes the call', () => {
    const breaker = new CircuitBreaker({ failMax: 2, clock: new ManualClock() })
    breaker.addListener(meddler('success', () => fail(breaker, 2)))
    const events = eventsOf(breaker)
    succeed(breaker)
    assert.deepEqual(
      events.join(', '),
      'beforeCall, success, beforeCall, failure, beforeCall, failure, closed > open',
    )
  })

  it('S3: listeners run after the commit', () => {
    const clock = new ManualClock()
    const seen: unknown[] = []
    const record =
      (event: string) =>
      ({ breaker }: { breaker: CircuitBreaker }) =>
        seen.push([event, breaker.state, breaker.failCounter, breaker.snapshot().inFlight])
    const breaker = new CircuitBreaker({
      clock,
      failMax: 1,
      timeoutDuration: 1_000,
      listeners: [
        {
          beforeCall: record('beforeCall'),
          failure: record('failure'),
          rejected: record('rejected'),
          success: record('success'),
          stateChange: record('stateChange'),
        },
      ],
    })
    fail(breaker)
    breaker.tryAcquire()
    clock.advance(1_000)
    succeed(breaker)
    assert.deepEqual(seen, [
      ['beforeCall', 'closed', 0, 1],
      ['failure', 'open', 0, 0],
      ['stateChange', 'open', 0, 0],
      ['rejected', 'open', 0, 0],
      ['stateChange', 'half-open', 0, 1],
      ['beforeCall', 'half-open', 0, 1],
      ['success', 'closed', 0, 0],
      ['stateChange', 'closed', 0, 0],
    ])
  })

  for (const when of ['beforeCall', 'failure', 'closed > open']) {
    it(`S3: all listeners get event n before n + 1, when the first causes events at "${when}"`, () => {
      const received: string[] = []
      const breaker = new CircuitBreaker({ failMax: 2, clock: new ManualClock() })
      const numbers = new Map<object, number>()
      const receiver = (who: string): CircuitBreakerListener => {
        const listen = (event: object): void => {
          if (!numbers.has(event)) numbers.set(event, numbers.size)
          received.push(`${who}${numbers.get(event)}`)
        }
        return { beforeCall: listen, success: listen, failure: listen, stateChange: listen, rejected: listen }
      }
      breaker.addListener(receiver('a'))
      breaker.addListener(
        meddler(when, () => {
          breaker.tryAcquire()?.failure()
          breaker.isolate()
          breaker.tryAcquire()
          breaker.close()
          succeed(breaker)
        }),
      )
      breaker.addListener(receiver('b'))
      fail(breaker, 2)
      assert.ok(numbers.size >= 8, `only ${numbers.size} events`)
      assert.deepEqual(received, Array.from({ length: numbers.size }, (_, n) => [`a${n}`, `b${n}`]).flat())
    })
  }

  it('S3: a transition that a listener makes is emitted after the one that it is handling', () => {
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    breaker.addListener(meddler('failure', () => breaker.isolate()))
    breaker.addListener(meddler('closed > open', () => breaker.close()))
    const events = eventsOf(breaker)
    fail(breaker)
    assert.deepEqual(events, [
      'beforeCall',
      'failure',
      'closed > open',
      'open > isolated',
      'isolated > closed',
    ])
    assert.equal(breaker.state, 'closed')
  })

  it('S3: transitions form a path, whatever listeners do', () => {
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    const path: string[] = []
    let rounds = 0
    breaker.addListener({
      stateChange: ({ to }) => {
        if (rounds++ > 20) return
        if (to === 'open') breaker.halfOpen()
        else if (to === 'half-open') breaker.isolate()
        else if (to === 'isolated') breaker.close()
        else breaker.open()
      },
    })
    breaker.addListener({ stateChange: ({ from, to }) => path.push(from, to) })
    fail(breaker)
    assert.equal(path[0], 'closed')
    for (let i = 1; i + 1 < path.length; i += 2) assert.equal(path[i + 1], path[i])
    assert.equal(path.length, 44)
    assert.equal(path.at(-1), breaker.state)
  })

  it('S3: a call that was admitted runs, and is late, when a `beforeCall` listener opens the circuit', async () => {
    const breaker = new CircuitBreaker()
    breaker.addListener({ beforeCall: () => breaker.open() })
    const events = eventsOf(breaker)
    assert.equal(await breaker.call(async () => 'ran'), 'ran')
    assert.deepEqual(events, ['beforeCall', 'closed > open', 'late'])
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S3: a listener may call any method of its own and of any other breaker', async () => {
    const errors: unknown[] = []
    const other = new CircuitBreaker({ onListenerError: (error) => errors.push(error) })
    const own = new CircuitBreaker({ failMax: 1, onListenerError: (error) => errors.push(error) })
    const pending: Promise<unknown>[] = []
    let times = 0
    const use = (breaker: CircuitBreaker): void => {
      pending.push(
        breaker.call(() => 1).catch(() => {}),
        breaker.run(() => 1).catch(() => {}),
        breaker
          .wrap(() => 1)()
          .catch(() => {}),
      )
      const added = breaker.addListener({ success: () => {} })
      breaker.configure({ failMax: 2 })
      breaker.tryAcquire()?.failure()
      breaker.open()
      breaker.halfOpen()
      breaker.isolate()
      breaker.mode = 'observe'
      breaker.callSync(() => 1)
      breaker.wrapSync(() => 1)()
      breaker.acquire().ignore()
      breaker.mode = 'off'
      breaker.mode = 'enforce'
      pending.push(breaker.ready())
      added[Symbol.dispose]()
      breaker.removeListener(added as never)
      breaker.close()
      assert.deepEqual(
        [breaker.state, breaker.retryAfter, breaker.failCounter, breaker.reopenTime instanceof Date],
        ['closed', 0, 0, true],
      )
      assert.equal(breaker.snapshot().state, 'closed')
    }
    const meddle = (): void => {
      if (times++ > 50) return
      use(own)
      use(other)
    }
    own.addListener(narrator(meddle))
    const error = new Error('mine')
    await assert.rejects(
      own.call(() => Promise.reject(error)),
      (thrown) => thrown === error,
    )
    await Promise.all(pending)
    assert.ok(times > 50)
    assert.deepEqual(errors, [])
    assert.equal(own.snapshot().inFlight, 0)
  })

  it('S3: a listener may remove itself and add others while events are delivered', () => {
    const breaker = new CircuitBreaker()
    const received: string[] = []
    const once = breaker.addListener({
      success: () => {
        received.push('once')
        once[Symbol.dispose]()
        breaker.addListener({ success: () => received.push('new') })
      },
    })
    breaker.addListener({ success: () => received.push('other') })
    succeed(breaker)
    assert.deepEqual(received, ['once', 'other'])
    succeed(breaker)
    assert.deepEqual(received, ['once', 'other', 'other', 'new'])
  })

  for (const [rule, options] of Object.entries({
    'the default rule': {},
    'a window': { trip: failureRate({ threshold: 1, lastCalls: 5 }) },
    'a classifier': { classifyResult: () => undefined },
  })) {
    it(`S3: a listener that is added while calls run gets their outcomes, under ${rule}`, async () => {
      const breaker = new CircuitBreaker(options)
      const good = deferred()
      const bad = deferred()
      const calls = [
        breaker.call(() => good.promise),
        breaker.run(() => good.promise),
        breaker.wrap(() => good.promise)(),
        breaker.call(() => bad.promise),
      ]
      const events = eventsOf(breaker)
      good.resolve('fine')
      await Promise.all(calls.slice(0, 3))
      bad.reject(new Error('down'))
      await assert.rejects(calls[3]!)
      assert.deepEqual(events, ['success', 'success', 'success', 'failure'])
    })
  }

  it('S3: a listener that was added twice gets each event once, and is removed at once', () => {
    const breaker = new CircuitBreaker()
    const received: string[] = []
    const listener = narrator((event) => received.push(event))
    const additions = [breaker.addListener(listener), breaker.addListener(listener)]
    breaker.acquire().ignore()
    assert.deepEqual(received, ['beforeCall', 'ignored'])
    additions[0]![Symbol.dispose]()
    breaker.acquire().ignore()
    assert.equal(received.length, 2)
  })

  it('S3: without a change of state there is no transition: repeats, and another mode while closed', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    const events = eventsOf(breaker)
    breaker.close()
    breaker.mode = 'observe'
    breaker.mode = 'off'
    breaker.mode = 'enforce'
    assert.deepEqual(events, [])
    breaker.isolate()
    breaker.isolate('again')
    breaker.open({ for: 5 })
    breaker.open({ for: 9 })
    breaker.halfOpen()
    breaker.halfOpen()
    breaker.mode = 'observe'
    assert.deepEqual(events, [
      'closed > isolated',
      'isolated > open',
      'open > half-open',
      'half-open > closed',
    ])
  })

  it('S3: two breakers whose listeners drive each other each keep their own order', () => {
    const received: string[] = []
    const clock = new ManualClock()
    const a: CircuitBreaker = new CircuitBreaker({ clock, name: 'a', failMax: 1 })
    const b: CircuitBreaker = new CircuitBreaker({ clock, name: 'b', failMax: 1 })
    a.addListener({ failure: () => fail(b) })
    b.addListener({ stateChange: ({ to }) => to === 'open' && a.close() })
    for (const breaker of [a, b])
      breaker.addListener(narrator((event) => received.push(`${breaker.name}: ${event}`)))
    fail(a)
    const of = (name: string): string[] => received.filter((event) => event.startsWith(name))
    assert.deepEqual(of('a'), ['a: beforeCall', 'a: failure', 'a: closed > open', 'a: open > closed'])
    assert.deepEqual(of('b'), ['b: beforeCall', 'b: failure', 'b: closed > open'])
  })

  it('S3: every listener gets the same event object, with the breaker in it', () => {
    const breaker = new CircuitBreaker()
    const events: unknown[] = []
    for (let i = 0; i < 2; i++) breaker.addListener({ success: (event) => events.push(event) })
    breaker.acquire().success('value')
    assert.equal(events.length, 2)
    assert.equal(events[0], events[1])
    assert.equal((events[0] as { breaker: unknown }).breaker, breaker)
    assert.equal((events[0] as { value: unknown }).value, 'value')
  })
})
