import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, isCallTimeoutError, isCircuitBreakerError } from '../../../src/index.ts'
import type { Outcome } from '../../../src/index.ts'
import { SupervisedCall } from '../../../src/calls/supervised-call.ts'
import { stateOf } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'
import { begin } from './begin.ts'

const down = new Error('down')

describe('a supervised call', () => {
  let time: ReturnType<typeof fakeTime>
  beforeEach(() => {
    time = fakeTime()
  })
  afterEach(() => {
    assert.equal(time.countTimers(), 0, 'a timer is left')
    time.uninstall()
  })

  it('throws the rejection of a circuit that does not admit it', () => {
    const breaker = new CircuitBreaker()
    breaker.isolate()
    const circuit = CircuitBreaker.circuitOf(breaker)!
    assert.throws(() => new SupervisedCall(circuit), isCircuitBreakerError)
  })

  describe('is settled once', () => {
    const ways: Record<string, [judge: (call: SupervisedCall) => void, end: [string, unknown]]> = {
      'a success': [(call) => call.succeed('fine'), ['success', 'fine']],
      'a value that is ignored': [(call) => call.succeed('filtered', 'ignored'), ['ignored', 'filtered']],
      'a failure': [(call) => call.fail(down), ['failure', down]],
      'an error that is ignored': [(call) => call.fail(down, 'ignored'), ['ignored', down]],
      'a call without a result': [(call) => call.ignore(), ['ignored', undefined]],
      'a caller that gives up': [(call) => call.abandon(down), ['ignored', down]],
    }
    for (const [title, [judge, end]] of Object.entries(ways)) {
      it(title, () => {
        const { breaker, call, ends } = begin()
        assert.equal(call.settled, false)
        judge(call)
        assert.equal(call.settled, true)
        for (const [again] of Object.values(ways)) again(call)
        assert.deepEqual(ends, [[...end, 0]])
        assert.equal(breaker.snapshot().inFlight, 0)
      })
    }

    it('and as a failure when the caller gives up by its own timeout', () => {
      const { call, ends } = begin()
      const reason = new DOMException('too late', 'TimeoutError')
      call.abandon(reason)
      assert.deepEqual(ends, [['failure', reason, 0]])
    })

    it('by the options of the breaker where the adapter names no outcome', () => {
      const { call, ends } = begin({ exclude: [RangeError] })
      const error = new RangeError()
      call.fail(error)
      assert.deepEqual(ends, [['ignored', error, 0]])
    })
  })

  it('gives the caller the error, or under errorOnTrip that of the circuit which the call opened', () => {
    assert.equal(begin().call.fail(down), down)
    const { call } = begin({ errorOnTrip: true })
    const thrown = call.fail(down)
    assert.ok(isCircuitBreakerError(thrown))
    assert.equal(call.fail(new Error('of the body')), thrown)
  })

  describe('with a signal of the caller', () => {
    it('is abandoned when that aborts, and removes its listener', () => {
      const caller = new AbortController()
      const { call, ends } = begin({}, caller.signal)
      assert.equal(call.aborted, false)
      caller.abort(down)
      assert.deepEqual([call.aborted, call.settled, ends], [true, true, [['ignored', down, 0]]])
      assert.equal(call.fail(new Error('aborted')) instanceof Error, true)
      assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
    })

    it('removes its listener when the call is settled', () => {
      const caller = new AbortController()
      const { call } = begin({}, caller.signal)
      assert.equal(getEventListeners(caller.signal, 'abort').length, 1)
      call.succeed()
      assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
    })

    it('S6: takes no permit if that has aborted already, and throws its reason', () => {
      const breaker = new CircuitBreaker()
      breaker.isolate()
      const circuit = CircuitBreaker.circuitOf(breaker)!
      assert.throws(
        () => new SupervisedCall(circuit, AbortSignal.abort(down)),
        (error) => error === down,
      )
      assert.equal(breaker.snapshot().rejected, 0)
    })

    it('S6: is abandoned if a listener aborts it while it is admitted', () => {
      const caller = new AbortController()
      const { breaker, call, ends } = begin({ callTimeout: 100 }, caller.signal, false, () =>
        caller.abort(down),
      )
      assert.deepEqual([call.settled, ends, breaker.snapshot().inFlight], [true, [['ignored', down, 0]], 0])
      assert.equal(getEventListeners(caller.signal, 'abort').length, 0)
    })

    it('S5: is ignored if a client that learns of the abort first makes it fail', () => {
      const caller = new AbortController()
      const seen: { call?: SupervisedCall } = {}
      caller.signal.addEventListener('abort', () => seen.call?.fail(new Error('aborted by the client')))
      const { call, ends } = begin({}, caller.signal)
      seen.call = call
      caller.abort(down)
      assert.deepEqual(ends, [['ignored', down, 0]])
    })

    it('S6: leaves no listener when the circuit rejects it', () => {
      const { signal } = new AbortController()
      const breaker = new CircuitBreaker()
      breaker.isolate()
      const circuit = CircuitBreaker.circuitOf(breaker)!
      assert.throws(() => new SupervisedCall(circuit, signal), isCircuitBreakerError)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    })

    it('S6: gives its permit back even if the signal does not let go of its listener', () => {
      const { signal } = new AbortController()
      Object.defineProperty(signal, 'removeEventListener', {
        value() {
          throw new Error('hostile')
        },
      })
      const { breaker, call } = begin({}, signal)
      call.succeed()
      assert.deepEqual([breaker.snapshot().inFlight, breaker.snapshot().counts.successes], [0, 1])
    })
  })

  describe('that is run by `send`', () => {
    it('gets the caller’s own signal where nothing limits the call', async () => {
      const { signal } = new AbortController()
      const { call } = begin({}, signal)
      assert.equal(await call.send((given) => given), signal)
      call.succeed()
    })

    it('rejects with what the function throws synchronously', async () => {
      const { call } = begin()
      await assert.rejects(
        call.send(() => {
          throw down
        }),
        down,
      )
      call.ignore()
    })

    it('is a failure after callTimeout: the promise rejects, then `expire` runs, then the signal aborts', async () => {
      const { call, ends } = begin({ callTimeout: 100 })
      const seen: unknown[] = []
      const sent = call.send(
        (signal) =>
          new Promise(() => {
            signal?.addEventListener('abort', () => seen.push(signal.reason))
          }),
        (error) => seen.push('expired', error, call.settled),
      )
      sent.catch(() => {})
      time.tick(99)
      assert.equal(await stateOf(sent), 'pending')
      time.tick(1)
      const error = await sent.catch((reason: unknown) => reason)
      assert.ok(isCallTimeoutError(error))
      assert.deepEqual(seen, ['expired', error, true, error])
      assert.deepEqual(ends, [['failure', error, 100]])
    })

    it('S6: aborts its signal when the caller aborts, after it is settled, with the same reason', async () => {
      const caller = new AbortController()
      const reason = { my: 'reason' }
      const { call } = begin({ callTimeout: 100 }, caller.signal)
      const seen: unknown[] = []
      const sent = call.send((given) => {
        given!.addEventListener('abort', () => seen.push(call.settled, given!.reason))
        return Promise.resolve(given)
      })
      assert.notEqual(await sent, caller.signal)
      caller.abort(reason)
      assert.equal(seen[0], true)
      assert.equal(seen[1], reason)
    })

    it('S6: passes on an aborted signal once its caller has aborted', async () => {
      const caller = new AbortController()
      const { call } = begin({ callTimeout: 100 }, caller.signal)
      caller.abort(down)
      assert.equal(await call.send((given) => given?.reason as unknown), down)
    })

    it('has no limit once its answer has begun', async () => {
      const { call, ends } = begin({ callTimeout: 100 })
      assert.equal(await call.send(() => 'the head'), 'the head')
      call.stopTimeout()
      time.tick(1_000)
      call.succeed()
      assert.deepEqual(ends, [['success', undefined, 1_000]])
    })
  })

  it('does not expire if its answer has begun by then', () => {
    const { call } = begin({ callTimeout: 100 })
    call.startTimeout(assert.fail, () => true)
    time.tick(100)
    assert.equal(call.settled, false)
    call.succeed()
  })

  it('is not limited once it is settled', () => {
    const { call } = begin({ callTimeout: 100 })
    call.succeed()
    call.startTimeout(assert.fail)
    time.tick(100)
  })

  it('has a duration that ends at its first lap', () => {
    const { call, ends } = begin()
    time.tick(20)
    call.lap()
    time.tick(1_000)
    call.succeed()
    assert.deepEqual(ends, [['success', undefined, 20]])
  })

  it('runs an undo when it is settled, or at once if it is settled already', () => {
    const { call } = begin()
    const undone: number[] = []
    call.onSettled(() => undone.push(1))
    assert.equal(undone.length, 0)
    call.succeed()
    call.onSettled(() => undone.push(2))
    assert.deepEqual(undone, [1, 2])
  })

  it('gives its permit back whatever an undo throws, and reports the error', () => {
    const reported: unknown[] = []
    const { breaker, call } = begin({ onListenerError: (error) => void reported.push(error) })
    const undone: number[] = []
    const fails = (): never => {
      throw down
    }
    call.onSettled(fails)
    call.onSettled(() => undone.push(1))
    call.succeed()
    call.onSettled(fails)
    const { inFlight, counts } = breaker.snapshot()
    assert.deepEqual([inFlight, counts.successes, undone, reported], [0, 1, [1], [down, down]])
    assert.throws(() => call.onSettled('undo' as never), TypeError)
  })

  it('refuses an invalid outcome, and is settled by the next', () => {
    const { call, ends } = begin()
    assert.throws(() => call.succeed(1, 'bogus' as never), TypeError)
    assert.throws(() => call.fail(down, 'bogus' as never), TypeError)
    assert.equal(call.settled, false)
    call.succeed(2)
    assert.deepEqual(
      ends.map(([event, payload]) => [event, payload]),
      [['success', 2]],
    )
  })

  it('has one limit: a new one replaces the last', async () => {
    const { call } = begin({ callTimeout: 30 })
    const sent = [call.send(async () => 'first'), call.send(async () => 'second')]
    assert.deepEqual(await Promise.all(sent), ['first', 'second'])
    call.stopTimeout()
    time.tick(1_000)
    assert.equal(call.settled, false)
    call.succeed()
  })

  describe('with a classifier', () => {
    const reported: unknown[] = []
    const outcomeOf = (classify: ((status: number) => Outcome | undefined) | undefined): Outcome => {
      const { call } = begin({ onListenerError: (error) => void reported.push(error) })
      const outcome = call.classify(classify, 503, () => 'failure')
      call.ignore()
      return outcome
    }

    it('uses its answer, else the default', () => {
      assert.deepEqual(
        [outcomeOf(() => 'success'), outcomeOf(() => undefined), outcomeOf(undefined)],
        ['success', 'failure', 'failure'],
      )
      assert.deepEqual(reported, [])
    })

    it('leaves it to the default when it throws or returns an invalid outcome, which is reported', () => {
      const thrower = (): never => {
        throw down
      }
      assert.deepEqual([outcomeOf(thrower), outcomeOf(() => null as never)], ['failure', 'failure'])
      assert.equal(reported[0], down)
      assert.match(String(reported[1]), /Expected `a classifier's answer` to be/)
    })
  })
})
