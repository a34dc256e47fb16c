import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STATES } from '../../../src/base/state.ts'
import { CircuitBreaker, type CircuitBreakerState } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { rejectionOf } from '../../helpers/rejection.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

const move: Record<CircuitBreakerState, (breaker: CircuitBreaker) => boolean> = {
  closed: (breaker) => breaker.close(),
  open: (breaker) => breaker.open(),
  'half-open': (breaker) => breaker.halfOpen(),
  isolated: (breaker) => breaker.isolate(),
}

function make(): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, breaker: new CircuitBreaker({ clock, failMax: 3, timeoutDuration: 1_000 }) }
}

describe('S22: manual control, from every state to every state', () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const repeat = from === to
      it(`S22: ${from} to ${to} ${repeat ? 'changes nothing and returns false' : 'changes the state, returns true and emits an event'}`, () => {
        const { breaker } = make()
        move[from](breaker)
        const transitions = transitionsOf(breaker)
        assert.equal(move[to](breaker), !repeat)
        assert.equal(breaker.state, to)
        assert.deepEqual(transitions, repeat ? [] : [`${from} > ${to} (manual)`])
      })

      it(`S22: ${from} to ${to} ${repeat ? 'starts no generation' : 'makes calls in flight late'}`, () => {
        const { breaker } = make()
        move[from](breaker)
        const permit = breaker.tryAcquire()
        move[to](breaker)
        assert.equal(permit !== undefined, from === 'closed' || from === 'half-open')
        if (permit) assert.equal(permit.ignore(), repeat)
      })
    }
  }

  for (const method of ['open', 'halfOpen', 'isolate', 'close'] as const) {
    const given = (reason?: string): never => (reason === undefined ? {} : { reason }) as never

    it(`S22: ${method} takes its reason in an object, as it does alone`, () => {
      for (const [argument, expected] of [
        [given('mine'), 'mine'],
        [Object.freeze(given('mine')), 'mine'],
        [given(''), ''],
        [given(), 'manual'],
        [{ reason: undefined } as never, 'manual'],
        [undefined, 'manual'],
        ...(method === 'open' ? [] : [['mine', 'mine'] as const, ['', ''] as const]),
      ] as const) {
        const { breaker } = make()
        if (method === 'close') breaker.isolate()
        const transitions = transitionsOf(breaker)
        assert.equal(breaker[method](argument as never), true)
        assert.match(transitions[0]!, new RegExp(`\\(${expected}\\)$`))
      }
    })

    it(`S22: ${method} cuts its reason to 256 characters, wherever it goes`, async () => {
      const long = 'x'.repeat(1e6)
      for (const reason of [long, `${'x'.repeat(255)}💥${long}`]) {
        const { breaker, clock } = make()
        const storage = new MemoryStorage()
        const member = new CircuitBreaker({ name: 'b', clock, storage })
        for (const each of [breaker, member]) {
          if (method === 'close') each.isolate()
          const reasons: string[] = []
          each.addListener({ stateChange: (event) => reasons.push(event.reason) })
          each[method]({ reason })
          each[method]({ reason })
          await each.flush()
          const { tripReason, fleet } = each.snapshot()
          const { message = '' } = each.tryAcquire() ? {} : rejectionOf(each)
          for (const kept of [...reasons, tripReason ?? '', fleet?.reason ?? '']) {
            assert.ok(kept.length <= 256)
            assert.doesNotMatch(kept, /\p{Cs}/u)
          }
          assert.equal(reasons[0]!.length, reason === long ? 256 : 255)
          assert.ok(message.length < 400)
        }
      }
    })
  }

  it('S22: isolating again without a reason keeps the one that was given', () => {
    const { breaker } = make()
    breaker.isolate({ reason: 'first' })
    breaker.isolate({})
    assert.equal(breaker.snapshot().tripReason, 'first')
    breaker.isolate({ reason: 'second' })
    assert.equal(breaker.snapshot().tripReason, 'second')
  })

  it('S22: each takes a reason, which is in its event and in the rejections', () => {
    const { breaker } = make()
    const transitions = transitionsOf(breaker)
    breaker.open({ reason: 'deploy' })
    assert.equal(breaker.snapshot().tripReason, 'deploy')
    assert.throws(() => breaker.acquire(), /deploy/)
    breaker.isolate('maintenance')
    assert.equal(breaker.snapshot().tripReason, 'maintenance')
    assert.throws(() => breaker.acquire(), /maintenance/)
    breaker.halfOpen('try it')
    breaker.close('done')
    assert.deepEqual(transitions, [
      'closed > open (deploy)',
      'open > isolated (maintenance)',
      'isolated > half-open (try it)',
      'half-open > closed (done)',
    ])
  })

  it('S22: an empty reason is a reason', () => {
    const { breaker } = make()
    const transitions = transitionsOf(breaker)
    breaker.isolate('')
    breaker.close('')
    assert.deepEqual(transitions, ['closed > isolated ()', 'isolated > closed ()'])
  })

  it('S22: a manual opening has no cause', () => {
    const { breaker } = make()
    breaker.acquire().failure(new Error('not the reason'))
    breaker.open()
    assert.throws(
      () => breaker.acquire(),
      (error) => error instanceof Error && !('cause' in error),
    )
  })

  it('S22: a manual opening clears the cause of a trip', () => {
    const { breaker } = make()
    fail(breaker, 3)
    breaker.isolate()
    assert.throws(
      () => breaker.acquire(),
      (error) => error instanceof Error && !('cause' in error),
    )
    breaker.halfOpen()
    breaker.acquire()
    assert.throws(
      () => breaker.acquire(),
      (error) => error instanceof Error && !('cause' in error),
    )
  })
})

describe('S22: open', () => {
  it('S22: lasts for timeoutDuration and then probes like any opening', () => {
    const { breaker, clock } = make()
    breaker.open()
    clock.advance(999)
    assert.equal(breaker.state, 'open')
    clock.advance(1)
    assert.equal(breaker.state, 'half-open')
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
  })

  it('S22: lasts for the time it is given', () => {
    const { breaker, clock } = make()
    breaker.open({ for: 50 })
    assert.equal(breaker.retryAfter, 50)
    clock.advance(50)
    fail(breaker)
    assert.equal(breaker.retryAfter, 1_000)
  })

  it('S22: for 0 it probes at once', () => {
    const { breaker } = make()
    assert.equal(breaker.open({ for: 0 }), true)
    assert.equal(breaker.state, 'half-open')
  })

  it('S22: a repeat moves the deadline, sooner or later, and keeps the rest', () => {
    const { breaker, clock } = make()
    fail(breaker, 3)
    const { since, attempt, tripReason } = breaker.snapshot()
    clock.advance(500)
    assert.equal(breaker.open({ for: 10_000 }), false)
    assert.equal(breaker.retryAfter, 10_000)
    assert.equal(breaker.open({ for: 20 }), false)
    assert.equal(breaker.retryAfter, 20)
    assert.equal(breaker.open(), false)
    assert.equal(breaker.retryAfter, 1_000)
    const after = breaker.snapshot()
    assert.deepEqual([after.since, after.attempt, after.tripReason], [since, attempt, tripReason])
  })

  it('S22: a repeat with a reason replaces the reason', () => {
    const { breaker } = make()
    fail(breaker, 3)
    breaker.open({ reason: 'deploy' })
    assert.equal(breaker.snapshot().tripReason, 'deploy')
  })

  it('S22: is the first attempt, and a repeated manual opening is not a failed one', () => {
    const { breaker } = make()
    breaker.open()
    assert.equal(breaker.snapshot().attempt, 1)
    breaker.open()
    breaker.halfOpen()
    breaker.open()
    assert.equal(breaker.snapshot().attempt, 1)
  })

  it('S22: once the open time has passed it is an opening from half-open, also in its events', () => {
    const { breaker, clock } = make()
    breaker.open()
    clock.advance(1_000)
    const transitions = transitionsOf(breaker)
    assert.equal(breaker.open({ for: 5 }), true)
    assert.equal(breaker.retryAfter, 5)
    assert.equal(transitions.at(-1), 'half-open > open (manual)')
  })
})

describe('S22: once the open time has passed, the circuit is half-open for manual control, too', () => {
  it('S22: halfOpen() is a repeat then: it changes nothing', () => {
    const { breaker, clock } = make()
    breaker.open()
    clock.advance(1_000)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.halfOpen(), false)
  })

  for (const to of ['closed', 'isolated'] as const) {
    it(`S22: it goes to ${to}, by events that form a path`, () => {
      const { breaker, clock } = make()
      breaker.open()
      clock.advance(1_000)
      const path: string[] = ['open']
      breaker.addListener({
        stateChange: (event) => {
          assert.equal(event.from, path.at(-1))
          path.push(event.to)
        },
      })
      assert.equal(move[to](breaker), true)
      assert.equal(path.at(-1), to)
      assert.equal(breaker.state, to)
    })
  }
})

describe('S22: isolate', () => {
  it('S22: lasts until close, whatever time passes', () => {
    const { breaker, clock } = make()
    breaker.isolate()
    for (const time of [1_000, 60_000, 1e12]) {
      clock.advance(time)
      assert.equal(breaker.state, 'isolated')
      assert.equal(breaker.retryAfter, Infinity)
      assert.equal(breaker.reopenTime, undefined)
      assert.equal(breaker.tryAcquire(), undefined)
    }
    assert.equal(breaker.close(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S22: a repeat with a reason sets the reason, without one it keeps it', () => {
    const { breaker } = make()
    breaker.isolate('first')
    assert.equal(breaker.isolate('second'), false)
    assert.equal(breaker.snapshot().tripReason, 'second')
    assert.throws(() => breaker.acquire(), /second/)
    breaker.isolate()
    assert.equal(breaker.snapshot().tripReason, 'second')
  })

  it('S22: a rejection says that the circuit is isolated and that no time ends that', () => {
    const { breaker } = make()
    breaker.isolate()
    assert.throws(() => breaker.acquire(), {
      reason: 'isolated',
      retryAfter: Infinity,
      reopenTime: undefined,
    })
  })
})

describe('S22: close and halfOpen', () => {
  it('S22: closing a closed circuit empties counts, run and escalation, and keeps its calls', () => {
    const { breaker } = make()
    const permit = breaker.acquire()
    fail(breaker, 2)
    assert.equal(breaker.close(), false)
    const { failCounter, counts, attempt } = breaker.snapshot()
    assert.deepEqual(
      { failCounter, attempt, ...counts },
      { failCounter: 0, attempt: 0, calls: 0, successes: 0, failures: 0, slow: 0 },
    )
    assert.equal(breaker.snapshot().inFlight, 1)
    assert.equal(permit.failure(new Error('counts')), true)
    assert.equal(breaker.failCounter, 1)
    fail(breaker)
    assert.equal(breaker.state, 'closed')
  })

  it('S22: closing a closed circuit keeps the time at which it closed', () => {
    const { breaker } = make()
    breaker.open()
    breaker.close()
    const { since } = breaker.snapshot()
    assert.equal(typeof since, 'number')
    breaker.close()
    assert.equal(breaker.snapshot().since, since)
  })

  it('S22: halfOpen admits probes at once and treats them like any', () => {
    const { breaker } = make()
    breaker.isolate()
    breaker.halfOpen()
    assert.equal(breaker.retryAfter, 0)
    fail(breaker)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeFailed')
    assert.equal(breaker.snapshot().attempt, 1)
  })

  it('S22: a repeat of halfOpen keeps the probes that run', () => {
    const { breaker } = make()
    breaker.halfOpen()
    const probe = breaker.acquire()
    assert.equal(breaker.halfOpen(), false)
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })
})

describe('S22: outside of mode enforce, manual control changes nothing', () => {
  for (const mode of ['observe', 'off'] as const) {
    it(`S22: in mode ${mode} every transition returns false`, () => {
      const { breaker } = make()
      breaker.mode = mode
      const transitions = transitionsOf(breaker)
      for (const to of STATES) assert.equal(move[to](breaker), false)
      assert.equal(breaker.state, 'closed')
      assert.deepEqual(transitions, [])
      assert.throws(() => breaker.open({ for: -1 }), RangeError)
    })
  }
})
