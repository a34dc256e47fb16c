import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { CircuitBreaker, failureRate, type Permit } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { eventsOf } from '../../helpers/events.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'

const ENDS = {
  success: (permit: Permit) => permit.success(),
  'a result': (permit: Permit) => permit.success(1),
  failure: (permit: Permit) => permit.failure(),
  'an error': (permit: Permit) => permit.failure(new Error('down')),
  ignored: (permit: Permit) => permit.ignore(),
  disposal: (permit: Permit) => permit[Symbol.dispose](),
}

function halfOpened(options: ConstructorParameters<typeof CircuitBreaker>[0] = {}): {
  breaker: CircuitBreaker
  clock: ManualClock
} {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ clock, timeoutDuration: 1_000, probeTimeout: 5_000, ...options })
  breaker.open()
  clock.advance(1_000)
  return { breaker, clock }
}

describe('S2: permits', () => {
  for (const [first, settle] of Object.entries(ENDS)) {
    it(`S2: any settlement after ${first} is a no-op`, () => {
      for (const [second, again] of Object.entries(ENDS)) {
        const breaker = new CircuitBreaker({ failMax: 2 })
        const permit = breaker.acquire()
        settle(permit)
        const { takenAt: _, ...before } = breaker.snapshot()
        const events = eventsOf(breaker)
        for (let i = 0; i < 3; i++) assert.notEqual(again(permit), true, second)
        const { takenAt: __, ...after } = breaker.snapshot()
        assert.deepEqual(after, before, second)
        assert.deepEqual(events, [], second)
        assert.equal(breaker.snapshot().inFlight, 0)
      }
    })

    it(`S2: any settlement after ${first} of a probe is a no-op`, () => {
      for (const [second, again] of Object.entries(ENDS)) {
        const { breaker } = halfOpened({ halfOpen: { calls: 3, successes: 2 } })
        const permit = breaker.acquire()
        settle(permit)
        const { takenAt: _, ...before } = breaker.snapshot()
        for (let i = 0; i < 3; i++) assert.notEqual(again(permit), true, second)
        const { takenAt: __, ...after } = breaker.snapshot()
        assert.deepEqual(after, before, second)
        assert.equal(breaker.state, 'half-open')
      }
    })
  }

  it('S2: every method but disposal returns whether it was applied', () => {
    const breaker = new CircuitBreaker()
    const permits = [breaker.acquire(), breaker.acquire(), breaker.acquire(), breaker.acquire()] as const
    assert.equal(permits[0].success(), true)
    assert.equal(permits[1].failure(), true)
    assert.equal(permits[2].ignore(), true)
    assert.equal(permits[3][Symbol.dispose](), undefined)
    for (const permit of permits) {
      assert.equal(permit.success(), false)
      assert.equal(permit.failure(), false)
      assert.equal(permit.ignore(), false)
    }
  })

  it('S2: disposal gives an unsettled permit back as ignored', () => {
    const { breaker } = halfOpened()
    breaker.acquire()[Symbol.dispose]()
    assert.equal(breaker.snapshot().ignored, 1)
    assert.equal(breaker.state, 'half-open')
    assert.ok(breaker.tryAcquire())
  })

  it('S2: the event of a permit that is given back has no error', () => {
    const received: object[] = []
    const breaker = new CircuitBreaker({ listeners: [{ ignored: (event) => received.push(event) }] })
    breaker.acquire().ignore()
    breaker.acquire()[Symbol.dispose]()
    assert.deepEqual(
      received.map((event) => 'error' in event),
      [false, false],
    )
  })

  it('S2: a late permit is counted late once, however often it is settled', () => {
    const breaker = new CircuitBreaker()
    const permit = breaker.acquire()
    breaker.isolate()
    for (const settle of Object.values(ENDS)) settle(permit)
    assert.equal(breaker.snapshot().late, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S2: a permit that was settled in time cannot become late', () => {
    const breaker = new CircuitBreaker()
    const permit = breaker.acquire()
    permit.success()
    breaker.isolate()
    for (const settle of Object.values(ENDS)) settle(permit)
    assert.equal(breaker.snapshot().late, 0)
  })

  it('S2: permits are independent of each other', () => {
    const breaker = new CircuitBreaker({ failMax: 10 })
    const [first, second, third] = [breaker.acquire(), breaker.acquire(), breaker.acquire()]
    assert.equal(breaker.snapshot().inFlight, 3)
    assert.equal(second.failure(), true)
    assert.equal(first.failure(), true)
    assert.equal(second.failure(), false)
    assert.equal(third.failure(), true)
    assert.equal(breaker.failCounter, 3)
  })

  it('S2: a classifier that settles the permit which it is classifying has no effect', () => {
    let permit: Permit | undefined
    const answers: unknown[] = []
    const breaker = new CircuitBreaker({
      failMax: 2,
      classifyError: () => {
        answers.push(permit!.success(), permit!.failure(), permit!.ignore())
        return undefined
      },
    })
    permit = breaker.acquire()
    assert.equal(permit.failure(new Error('down')), true)
    assert.deepEqual(answers, [false, false, false])
    assert.equal(breaker.failCounter, 1)
    assert.equal(breaker.snapshot().late, 0)
  })

  it('S2: a listener that settles the permit of its event has no effect', () => {
    let permit: Permit | undefined
    const answers: unknown[] = []
    const settle = (): unknown => answers.push(permit!.success(), permit!.failure())
    const breaker = new CircuitBreaker({ failMax: 1, listeners: [{ failure: settle, stateChange: settle }] })
    permit = breaker.acquire()
    assert.equal(permit.failure(), true)
    assert.deepEqual(answers, [false, false, false, false])
    assert.equal(breaker.snapshot().late, 0)
  })

  it('S2: an open time that settles the permit which opens the circuit has no effect', () => {
    let permit: Permit | undefined
    const answers: unknown[] = []
    const breaker = new CircuitBreaker({
      failMax: 1,
      timeoutDuration: () => {
        answers.push(permit!.success())
        return 1_000
      },
    })
    permit = breaker.acquire()
    assert.equal(permit.failure(), true)
    assert.deepEqual(answers, [false])
    assert.equal(breaker.state, 'open')
  })

  it('S2: permits that are dropped while closed block no call, and the circuit still trips and recovers', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 2, timeoutDuration: 1_000 })
    for (let i = 0; i < 100; i++) breaker.acquire()
    fail(breaker, 2)
    assert.equal(breaker.state, 'open')
    clock.advance(1_000)
    assert.equal(breaker.acquire().success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S2: permits that are dropped while half-open cannot wedge the breaker, time after time', () => {
    const { breaker, clock } = halfOpened()
    for (let i = 0; i < 10; i++) {
      breaker.acquire()
      assert.equal(breaker.tryAcquire(), undefined)
      clock.advance(5_000)
      assert.equal(breaker.state, 'open')
      clock.advance(1_000)
      assert.equal(breaker.state, 'half-open')
    }
    assert.equal(breaker.acquire().success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S2: where the lease is off a dropped permit stays taken, until a manual transition', () => {
    const { breaker, clock } = halfOpened({ probeTimeout: Infinity })
    breaker.acquire()
    clock.advance(1e12)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(breaker.retryAfter, 1_000)
    assert.equal(breaker.close(), true)
    assert.ok(breaker.tryAcquire())
  })

  it('S2: a permit shows nothing that could be changed, and what is added to it has no effect', () => {
    const { breaker, clock } = halfOpened({ probeTimeout: 1_000 })
    for (const permit of [breaker.acquire(), (breaker.close(), breaker.acquire()), breaker.tryAcquire()!]) {
      assert.deepEqual(Reflect.ownKeys(permit), [])
      assert.deepEqual(Object.keys(permit), [])
      assert.equal(JSON.stringify(permit), '{}')
      assert.doesNotMatch(inspect(permit, { depth: 9, showHidden: true }), /[:=]/)
      permit.ignore()
    }
    breaker.halfOpen()
    const leaked = breaker.acquire()
    Object.assign(leaked, {
      deadline: Infinity,
      start: 0,
      paced: true,
      waiting: true,
      lease: {},
      outcome: 'success',
      duration: 0,
    })
    clock.advance(1_000)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
    assert.equal(leaked.success(), false)
  })

  it('S2: the methods of a permit work on permits only, and `using` needs no more than the permit', () => {
    const { breaker } = halfOpened({})
    const permit = breaker.acquire()
    const { success } = permit
    assert.throws(() => success.call({} as Permit), TypeError)
    permit[Symbol.dispose]()
    assert.equal(permit.success(), false)
    assert.equal(breaker.retryAfter, 0)
  })

  // A subclass whose `then` calls back several times, as that of a few libraries does.
  class Unruly<T> extends Promise<T> {
    static override get [Symbol.species](): PromiseConstructor {
      return Promise
    }

    // oxlint-disable-next-line unicorn/no-thenable -- the test is about `then`
    override then<A = T, B = never>(
      onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
      onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
    ): Promise<A | B> {
      for (let i = 0; i < 2; i++) super.then(onFulfilled, onRejected).catch(() => {})
      return super.then(onFulfilled, onRejected)
    }
  }

  for (const way of WAYS) {
    it(`S2: a promise whose \`then\` calls back three times settles one call, by ${way.name}`, async () => {
      const breaker = breakerFor(way, { trip: failureRate({ threshold: 1, lastCalls: 100 }) })
      assert.equal(await way.call(breaker, () => new Unruly((resolve) => resolve('once'))), 'once')
      const { inFlight, counts } = breaker.snapshot()
      assert.deepEqual({ inFlight, calls: counts.calls }, { inFlight: 0, calls: 1 })
    })

    it(`S2: a failing promise whose \`then\` calls back three times settles one call, by ${way.name}`, async () => {
      const breaker = breakerFor(way, { failMax: 3 })
      const unruly = (): unknown => new Unruly((_, reject) => reject(new Error('once')))
      await assert.rejects(way.call(breaker, unruly), /once/)
      assert.equal(breaker.failCounter, 1)
      assert.equal(breaker.snapshot().inFlight, 0)
      assert.equal(breaker.state, 'closed')
    })
  }
})
