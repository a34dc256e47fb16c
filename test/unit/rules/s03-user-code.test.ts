import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  customRule,
  exponentialBackoff,
  failureRate,
  type CircuitBreakerOptions,
  type Clock,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { eventsOf } from '../../helpers/events.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

/** Something that user code does once, during an operation of the breaker. */
type Meddling = () => void

/** Runs a meddling once when it springs, if it is armed. */
class Trap {
  #meddling: Meddling | undefined

  arm(meddling: Meddling): void {
    this.#meddling = meddling
  }

  spring(): void {
    const meddling = this.#meddling
    this.#meddling = undefined
    meddling?.()
  }

  get sprung(): boolean {
    return this.#meddling === undefined
  }
}

/** A clock that meddles when it is read. */
function trappedClock(trap: Trap): Clock & ManualClock {
  return new (class extends ManualClock {
    override now(): number {
      trap.spring()
      return super.now()
    }
  })()
}

const down = new Error('down')

/** The user code that is called while a failing call is settled, and the options that install it. */
const ASKED: Record<string, (trap: Trap) => CircuitBreakerOptions> = {
  'an `exclude` predicate': (trap) => ({ exclude: [() => (trap.spring(), false)] }),
  '`classifyError`': (trap) => ({ classifyError: () => trap.spring() as undefined }),
  '`timeoutDuration`': (trap) => ({ failMax: 1, timeoutDuration: () => (trap.spring(), 1_000) }),
  '`random`': (trap) => ({
    failMax: 1,
    timeoutDuration: exponentialBackoff({ initial: 1_000 }),
    random: () => (trap.spring(), 0.5),
  }),
  'the predicate of a custom rule': (trap) => ({
    trip: customRule('own', { lastCalls: 5 }, () => (trap.spring(), true)),
  }),
  'the clock of a rule': (trap) => ({
    trip: failureRate({ threshold: 1, window: 1_000, minCalls: 1 }),
    clock: trappedClock(trap),
  }),
  'the clock of an opening': (trap) => ({ failMax: 1, clock: trappedClock(trap) }),
  'the error itself': () => ({ failMax: 1 }),
}

describe('S3: user code whose answer is needed', () => {
  for (const [asked, options] of Object.entries(ASKED)) {
    const settle = (meddle: (breaker: CircuitBreaker) => void): CircuitBreaker => {
      const trap = new Trap()
      const breaker = new CircuitBreaker(options(trap))
      const permit = breaker.acquire()
      trap.arm(() => meddle(breaker))
      const error = Object.defineProperty(new Error(), 'message', {
        get: () => (asked === 'the error itself' && trap.spring(), 'down'),
      })
      assert.equal(permit.failure(error), breaker.snapshot().late === 0)
      assert.ok(trap.sprung, 'was never asked')
      return breaker
    }

    it(`S3: ${asked} is called before the commit`, () => {
      const seen: unknown[] = []
      settle((breaker) => seen.push(breaker.state, breaker.snapshot().lastFailure))
      assert.deepEqual(seen, ['closed', null])
    })

    it(`S3: a result is late if ${asked} isolates the circuit`, () => {
      const breaker = settle((meddled) => meddled.isolate())
      assert.equal(breaker.state, 'isolated')
      const { late, inFlight, lastFailure, counts } = breaker.snapshot()
      assert.deepEqual(
        { late, inFlight, lastFailure, failures: counts.failures },
        {
          late: 1,
          inFlight: 0,
          lastFailure: null,
          failures: 0,
        },
      )
    })

    it(`S3: a result is late if ${asked} opens the circuit and closes it again`, () => {
      const breaker = settle((meddled) => {
        meddled.open()
        meddled.close()
      })
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.failCounter, 0)
      assert.equal(breaker.snapshot().late, 1)
      assert.equal(breaker.snapshot().attempt, 0)
      assert.equal(breaker.snapshot().inFlight, 0)
    })

    it(`S3: a result is late if ${asked} changes the mode`, () => {
      const breaker = settle((meddled) => (meddled.mode = 'observe'))
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.snapshot().late, 1)
      assert.ok(breaker.tryAcquire(), 'a breaker that only observes rejects nothing')
    })

    it(`S3: a result counts if ${asked} only reads the breaker`, () => {
      const breaker = settle((meddled) => [meddled.state, meddled.retryAfter, meddled.snapshot()])
      assert.equal(breaker.snapshot().late, 0)
      assert.equal(breaker.snapshot().lastFailure?.message, 'down')
    })
  }

  it('S3: a success is late if `classifyResult` opens the circuit', async () => {
    const breaker: CircuitBreaker = new CircuitBreaker({
      classifyResult: () => {
        breaker.open()
        return 'success'
      },
    })
    assert.equal(await breaker.call(async () => 'mine'), 'mine')
    assert.equal(breaker.snapshot().late, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
    assert.equal(breaker.state, 'open')
  })

  it('S3: a plain success is late if the clock of a window opens the circuit', async () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({
      trip: failureRate({ threshold: 1, window: 1_000 }),
      clock: trappedClock(trap),
    })
    trap.arm(() => breaker.isolate())
    assert.equal(await breaker.call(async () => 'mine'), 'mine')
    assert.ok(trap.sprung)
    assert.equal(breaker.snapshot().late, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S3: a call whose duration is measured is rejected if the clock opens the circuit before it begins', async () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({ clock: trappedClock(trap), listeners: [{ failure: () => 0 }] })
    let ran = false
    trap.arm(() => breaker.isolate('by the clock'))
    const call = breaker.call(async () => (ran = true))
    await assert.rejects(call, { name: 'CircuitBreakerError', reason: 'isolated' })
    assert.equal(ran, false)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S3: a success whose duration is measured is late if the clock opens the circuit', async () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({ clock: trappedClock(trap), listeners: [{ failure: () => 0 }] })
    const call = breaker.call(async () => 'mine')
    trap.arm(() => breaker.isolate())
    assert.equal(await call, 'mine')
    const { late, inFlight, counts } = breaker.snapshot()
    assert.deepEqual([late, inFlight, counts.calls], [1, 0, 0])
  })

  it('S3: the late event of such a success has its value, and no error', async () => {
    const trap = new Trap()
    const trip = failureRate({ threshold: 1, window: 1_000 })
    const breaker = new CircuitBreaker({ trip, clock: trappedClock(trap) })
    const received: unknown[] = []
    const call = breaker.call(async () => 'mine')
    breaker.addListener({ late: (event) => received.push(event) })
    trap.arm(() => breaker.isolate())
    await call
    assert.deepEqual(received, [{ breaker, duration: undefined, value: 'mine' }])
  })

  it('S3: an ignored result is late if the predicate that ignores it opens the circuit', () => {
    const breaker: CircuitBreaker = new CircuitBreaker({ exclude: [() => breaker.open()] })
    const events = eventsOf(breaker)
    assert.equal(breaker.acquire().failure(down), false)
    assert.deepEqual(events, ['beforeCall', 'closed > open', 'late'])
    assert.equal(breaker.snapshot().ignored, 0)
  })

  it('S3: the success of a probe is late if the clock re-opens the circuit', () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({ clock: trappedClock(trap) })
    breaker.halfOpen()
    const probe = breaker.acquire()
    trap.arm(() => breaker.open({ for: 9_000 }))
    assert.equal(probe.success(), false)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.retryAfter, 9_000)
  })

  it('S3: a failed probe is late if the open time closes the circuit', () => {
    const breaker: CircuitBreaker = new CircuitBreaker({
      clock: new ManualClock(),
      timeoutDuration: () => {
        breaker.close()
        return 1_000
      },
    })
    breaker.halfOpen()
    const transitions = transitionsOf(breaker)
    assert.equal(breaker.acquire().failure(down), false)
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(transitions, ['half-open > closed (manual)'])
    assert.equal(breaker.snapshot().attempt, 0)
  })

  it('S3: an ended lease does not re-open what the open time has closed meanwhile', () => {
    const clock = new ManualClock()
    const breaker: CircuitBreaker = new CircuitBreaker({
      clock,
      probeTimeout: 100,
      timeoutDuration: () => {
        breaker.close()
        return 1_000
      },
    })
    breaker.halfOpen()
    breaker.acquire()
    clock.advance(100)
    assert.equal(breaker.state, 'closed')
    assert.ok(breaker.tryAcquire())
  })

  it('S3: a call that fails while the open time is computed does not open the circuit a second time', () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({
      failMax: 2,
      clock: new ManualClock(),
      timeoutDuration: ({ attempt }) => {
        trap.spring()
        return attempt * 1_000
      },
    })
    const transitions = transitionsOf(breaker)
    fail(breaker)
    trap.arm(() => fail(breaker, 5))
    breaker.acquire().failure(down)
    assert.ok(trap.sprung)
    assert.deepEqual(transitions, ['closed > open (consecutiveFailures)'])
    assert.equal(breaker.retryAfter, 1_000)
    assert.equal(breaker.snapshot().attempt, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S3: an open time that fails another call each time it is computed does not recurse forever', () => {
    const breaker: CircuitBreaker = new CircuitBreaker({
      failMax: 1,
      clock: new ManualClock(),
      timeoutDuration: () => {
        breaker.tryAcquire()?.failure()
        return 1_000
      },
    })
    fail(breaker)
    assert.equal(breaker.state, 'open')
    breaker.close()
    fail(breaker)
    assert.equal(breaker.state, 'open', 'also the second time')
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S3: a classifier may call the breaker that uses it', async () => {
    const breaker: CircuitBreaker = new CircuitBreaker({
      failMax: 10,
      classifyResult: (value) => {
        if (value === 'outer')
          assert.equal(
            breaker.callSync(() => 'inner'),
            'inner',
          )
        return 'failure'
      },
    })
    assert.equal(await breaker.call(async () => 'outer'), 'outer')
    assert.equal(breaker.failCounter, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S3: an admission checks the state again after reading the clock', () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({ clock: trappedClock(trap) })
    breaker.halfOpen()
    trap.arm(() => breaker.acquire())
    assert.equal(breaker.tryAcquire(), undefined, 'the call of the clock is the only probe')

    breaker.close()
    breaker.open()
    trap.arm(() => breaker.close())
    assert.ok(breaker.tryAcquire(), 'the clock has closed the circuit')

    breaker.halfOpen()
    trap.arm(() => breaker.isolate())
    assert.throws(() => breaker.acquire(), { reason: 'isolated', retryAfter: Infinity })
  })

  for (const mode of ['observe', 'off'] as const) {
    it(`S3: a manual opening whose open time changes the mode to ${mode} leaves a circuit that rejects nothing`, () => {
      const breaker: CircuitBreaker = new CircuitBreaker({
        timeoutDuration: () => {
          breaker.mode = mode
          return 1_000
        },
      })
      assert.equal(breaker.open(), false)
      assert.equal(breaker.state, 'closed')
      assert.ok(breaker.tryAcquire())
    })

    for (const act of ['open', 'isolate', 'halfOpen', 'close'] as const) {
      it(`S3: \`${act}\` changes nothing when its clock has changed the mode to ${mode}`, () => {
        const trap = new Trap()
        const breaker = new CircuitBreaker({ clock: trappedClock(trap) })
        breaker[act === 'halfOpen' ? 'open' : 'halfOpen']()
        trap.arm(() => (breaker.mode = mode))
        assert.equal(breaker[act](), false)
        assert.ok(trap.sprung)
        assert.equal(breaker.state, 'closed')
        assert.ok(breaker.tryAcquire())
      })
    }
  }

  it('S3: a call whose clock turns the breaker off is not recorded', async () => {
    const trap = new Trap()
    const breaker = new CircuitBreaker({ failMax: 1, clock: trappedClock(trap) })
    breaker.halfOpen()
    trap.arm(() => (breaker.mode = 'off'))
    await assert.rejects(breaker.call(() => Promise.reject(down)))
    assert.ok(trap.sprung)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.failCounter, 0)
  })

  it('S3: a clock, an open time and a classifier may read the state', () => {
    const trap = new Trap()
    const states: string[] = []
    const ask = (): void => void states.push(breaker.state)
    const breaker: CircuitBreaker = new CircuitBreaker({
      failMax: 1,
      clock: trappedClock(trap),
      classifyError: () => ask() as undefined,
      timeoutDuration: () => (ask(), 1_000),
    })
    trap.arm(ask)
    fail(breaker)
    assert.equal(breaker.state, 'open')
    assert.deepEqual(states, ['closed', 'closed', 'closed'])
  })
})
