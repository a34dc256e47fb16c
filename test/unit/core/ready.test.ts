import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { CountingClock } from '../../helpers/counting-clock.ts'
import { eventsOf } from '../../helpers/events.ts'
import { runProgram } from '../../helpers/program.ts'
import { stateOf } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const READY = { value: undefined }

describe('ready', () => {
  let time: ReturnType<typeof fakeTime>
  beforeEach(() => {
    time = fakeTime()
  })
  afterEach(() => {
    assert.equal(time.countTimers(), 0, 'a timer is left')
    time.uninstall()
  })

  const make = (more: CircuitBreakerOptions = {}): CircuitBreaker =>
    new CircuitBreaker({ failMax: 1, timeoutDuration: 1_000, ...more })
  const fail = (breaker: CircuitBreaker): boolean => breaker.acquire().failure(new Error('down'))

  it('resolves at once where a call would be admitted', async () => {
    const halfOpen = make()
    halfOpen.halfOpen()
    const over = make()
    over.open({ for: 0 })
    for (const breaker of [make(), make({ mode: 'off' }), make({ mode: 'observe' }), halfOpen, over]) {
      assert.deepEqual(await stateOf(breaker.ready()), READY)
    }
  })

  it('resolves when the open time has passed, and not before', async () => {
    const breaker = make()
    fail(breaker)
    const ready = breaker.ready()
    await time.tickAsync(999)
    assert.equal(await stateOf(ready), 'pending')
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
    assert.ok(breaker.tryAcquire())
  })

  it('waits while isolated without a timer, until it is closed', async () => {
    const breaker = make()
    breaker.isolate()
    const ready = breaker.ready()
    assert.equal(time.countTimers(), 0)
    await time.tickAsync(1e9)
    assert.equal(await stateOf(ready), 'pending')
    breaker.close()
    assert.deepEqual(await stateOf(ready), READY)
  })

  for (const move of ['close', 'halfOpen'] as const) {
    it(`resolves when ${move}() ends the wait early`, async () => {
      const breaker = make()
      fail(breaker)
      const ready = breaker.ready()
      breaker[move]()
      assert.deepEqual(await stateOf(ready), READY)
    })
  }

  it('resolves when a mode is set that admits everything', async () => {
    const breaker = make()
    breaker.isolate()
    const ready = breaker.ready()
    breaker.mode = 'observe'
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('keeps waiting if the circuit is isolated meanwhile', async () => {
    const breaker = make()
    fail(breaker)
    const ready = breaker.ready()
    breaker.isolate()
    await time.tickAsync(10_000)
    assert.equal(await stateOf(ready), 'pending')
    breaker.open({ for: 50 })
    await time.tickAsync(50)
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('follows a deadline that moves later or sooner', async () => {
    const breaker = make()
    fail(breaker)
    const ready = breaker.ready()
    breaker.open({ for: 60_000 })
    await time.tickAsync(1_500)
    assert.equal(await stateOf(ready), 'pending')
    breaker.open({ for: 5 })
    await time.tickAsync(4)
    assert.equal(await stateOf(ready), 'pending')
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
  })

  for (const [end, settle] of Object.entries({
    success: (breaker: CircuitBreaker) => breaker.acquire().success(),
    'an ignored outcome': (breaker: CircuitBreaker) => breaker.acquire().ignore(),
    failure: (breaker: CircuitBreaker) => breaker.acquire().failure(new Error('down')),
  })) {
    it(`resolves when a permit is given back by ${end}`, async () => {
      const breaker = make({ halfOpen: { calls: 5, successes: 2, concurrent: 2 } })
      breaker.halfOpen()
      breaker.acquire()
      const probe = breaker.acquire()
      const ready = breaker.ready()
      assert.equal(await stateOf(ready), 'pending')
      probe.ignore()
      assert.deepEqual(await stateOf(ready), READY)
      settle(breaker)
      assert.deepEqual(await stateOf(breaker.ready()), READY)
    })

    it(`resolves when the permit of the only concurrent probe is given back by ${end}`, async () => {
      const breaker = make({ halfOpen: { calls: 5, successes: 2, concurrent: 1 } })
      breaker.halfOpen()
      const probe = breaker.acquire()
      const ready = breaker.ready()
      assert.equal(await stateOf(ready), 'pending')
      if (end === 'success') probe.success()
      else if (end === 'failure') probe.failure(new Error('down'))
      else probe.ignore()
      assert.deepEqual(await stateOf(ready), READY)
    })
  }

  it('resolves when the lease of a probe ends and frees a permit', async () => {
    const breaker = make({ probeTimeout: 300, halfOpen: { calls: 5, successes: 2, concurrent: 1 } })
    breaker.halfOpen()
    breaker.acquire()
    const ready = breaker.ready()
    await time.tickAsync(299)
    assert.equal(await stateOf(ready), 'pending')
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('waits for the next open time when the probe fails', async () => {
    const breaker = make()
    breaker.halfOpen()
    const probe = breaker.acquire()
    const ready = breaker.ready()
    await time.tickAsync(10)
    probe.failure(new Error('down'))
    await time.tickAsync(999)
    assert.equal(await stateOf(ready), 'pending')
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('waits for the next open time when the lease ends and re-opens the circuit', async () => {
    const breaker = make({ probeTimeout: 300 })
    breaker.halfOpen()
    breaker.acquire()
    const ready = breaker.ready()
    await time.tickAsync(1_299)
    assert.equal(await stateOf(ready), 'pending')
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('waits for a probe that has no lease, and is told when it ends', async () => {
    const breaker = make({ probeTimeout: Infinity })
    breaker.halfOpen()
    const probe = breaker.acquire()
    const ready = breaker.ready()
    await time.tickAsync(10_000)
    assert.equal(await stateOf(ready), 'pending')
    probe.success()
    assert.deepEqual(await stateOf(ready), READY)
    assert.equal(time.countTimers(), 0)
  })

  it('is told of a place that an ignored probe gives back', async () => {
    const breaker = make()
    breaker.halfOpen()
    const probe = breaker.acquire()
    const ready = breaker.ready()
    assert.equal(await stateOf(ready), 'pending')
    probe.ignore()
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('is not woken by late results, which free nothing', async () => {
    const clock = new CountingClock()
    const breaker = make({ clock, probeTimeout: 30_000 })
    const late = Array.from({ length: 2_000 }, () => breaker.acquire())
    breaker.halfOpen()
    const probe = breaker.acquire()
    const ready = Array.from({ length: 1_000 }, () => breaker.ready())
    await stateOf(ready[0]!)
    const before = clock.readings
    for (const [i, permit] of late.entries()) assert.equal(i % 2 ? permit.success() : permit.failure(), false)
    await stateOf(ready[0]!)
    assert.equal(clock.readings - before, late.length, 'one reading for each result, and none for a waiter')
    assert.equal(breaker.snapshot().late, 2_000)
    probe.ignore()
    await Promise.all(ready)
  })

  it('is not woken by the late result of a probe whose lease has expired', async () => {
    const clock = new CountingClock()
    const breaker = make({ clock, probeTimeout: 500, halfOpen: { calls: 3, successes: 1, concurrent: 1 } })
    breaker.halfOpen()
    const hung = breaker.acquire()
    clock.advance(500)
    const probe = breaker.acquire()
    const ready = breaker.ready()
    await stateOf(ready)
    const before = clock.readings
    assert.equal(hung.success(), false)
    await stateOf(ready)
    assert.equal(clock.readings - before, 1)
    probe.success()
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('reserves nothing: all waiting callers are notified, and one of them is admitted', async () => {
    const breaker = make()
    fail(breaker)
    const waiting = [breaker.ready(), breaker.ready(), breaker.ready()]
    await time.tickAsync(1_000)
    for (const ready of waiting) assert.deepEqual(await stateOf(ready), READY)
    assert.ok(breaker.tryAcquire())
    assert.equal(breaker.tryAcquire(), undefined)
  })

  it('takes no permit, counts as no rejection and emits no event', async () => {
    const breaker = make()
    fail(breaker)
    const events = eventsOf(breaker)
    const ready = breaker.ready()
    await time.tickAsync(1_000)
    await ready
    assert.deepEqual(events, [])
    const { rejected, inFlight } = breaker.snapshot()
    assert.deepEqual({ rejected, inFlight }, { rejected: 0, inFlight: 0 })
  })

  it('follows the clock of the breaker: a timer that fires too early does not end the wait', async () => {
    const clock = new ManualClock()
    const breaker = make({ clock })
    fail(breaker)
    const ready = breaker.ready()
    await time.tickAsync(1_000)
    assert.equal(await stateOf(ready), 'pending')
    clock.advance(999)
    await time.tickAsync(1_000)
    assert.equal(await stateOf(ready), 'pending')
    clock.advance(1)
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
  })

  it('can wait for longer than a timer can run', async () => {
    const breaker = make()
    const length = 2 ** 31 + 1_000
    breaker.open({ for: length })
    const ready = breaker.ready()
    await time.tickAsync(length - 1)
    assert.equal(await stateOf(ready), 'pending')
    await time.tickAsync(1)
    assert.deepEqual(await stateOf(ready), READY)
  })
})

describe('ready with a signal', () => {
  const waiting = (): CircuitBreaker => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    breaker.open({ for: 60_000 })
    return breaker
  }

  it('rejects with the reason of the signal when that aborts, and leaves neither timer nor listener', async () => {
    const time = fakeTime()
    try {
      const breaker = waiting()
      const controller = new AbortController()
      const ready = breaker.ready({ signal: controller.signal })
      assert.equal(await stateOf(ready), 'pending')
      assert.equal(getEventListeners(controller.signal, 'abort').length, 1)
      const reason = { my: 'reason' }
      controller.abort(reason)
      await assert.rejects(ready, (error) => error === reason)
      assert.equal(time.countTimers(), 0)
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
      breaker.close()
    } finally {
      time.uninstall()
    }
  })

  it('rejects at once when the signal has aborted already, whatever the state', async () => {
    const reason = new Error('too late')
    const signal = AbortSignal.abort(reason)
    for (const breaker of [new CircuitBreaker(), waiting()]) {
      await assert.rejects(breaker.ready({ signal }), (error) => error === reason)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    }
  })

  it('leaves no listener when it resolves', async () => {
    const breaker = waiting()
    const { signal } = new AbortController()
    const ready = breaker.ready({ signal })
    breaker.close()
    await ready
    await breaker.ready({ signal })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('an abort after it has resolved changes nothing', async () => {
    const breaker = waiting()
    const controller = new AbortController()
    const ready = breaker.ready({ signal: controller.signal })
    breaker.close()
    await ready
    controller.abort()
    assert.equal(await ready, undefined)
  })
})

describe('ready and the process', () => {
  it('keeps it alive until the open time has passed, but not while isolated', async () => {
    const file = join(import.meta.dirname, 'programs/ready-holds-process.ts')
    assert.equal(await runProgram(file, ['--no-warnings']), 'open is ready')
  })
})

describe('what waits for a circuit', () => {
  it('is woken by each transition until it stops waiting', async () => {
    const breaker = new CircuitBreaker()
    let woken = 0
    const stop = CircuitBreaker.circuitOf(breaker)!.onWake(() => woken++)
    breaker.open()
    await Promise.resolve()
    assert.equal(woken > 0, true)
    stop()
    const before = woken
    breaker.close()
    await Promise.resolve()
    assert.equal(woken, before)
  })
})
