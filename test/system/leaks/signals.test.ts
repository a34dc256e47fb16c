import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import { CircuitBreaker } from '../../../src/index.ts'

const endless = (): Promise<never> => new Promise(() => {})
const down = (): Promise<never> => Promise.reject(new Error('down'))
const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {})

describe('after a call', () => {
  let timers: Clock
  let caller: AbortController

  beforeEach(() => {
    timers = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout'] })
    caller = new AbortController()
  })

  afterEach(() => timers.uninstall())

  function assertNothingIsLeft(): void {
    assert.equal(getEventListeners(caller.signal, 'abort').length, 0, 'abort listeners')
    assert.equal(timers.countTimers(), 0, 'timers')
  }

  for (const callTimeout of [undefined, 1_000]) {
    describe(callTimeout ? 'with a timeout' : 'without a timeout', () => {
      const make = (): CircuitBreaker => new CircuitBreaker({ callTimeout })

      it('S6: nothing is left when it succeeded', async () => {
        await make().run(async ({ signal }) => signal.aborted, { signal: caller.signal })
        assertNothingIsLeft()
      })

      it('S6: nothing is left when the task did not use its signal', async () => {
        await make().run(async () => 1, { signal: caller.signal })
        assertNothingIsLeft()
      })

      it('S6: nothing is left when it failed', async () => {
        await quiet(make().run(down, { signal: caller.signal }))
        assertNothingIsLeft()
      })

      it('S6: nothing is left when it threw at once', async () => {
        const thrower = (): never => {
          throw new Error('down')
        }
        await quiet(make().run(thrower, { signal: caller.signal }))
        assertNothingIsLeft()
      })

      it('S6: nothing is left when its caller aborted', async () => {
        const call = make().run(({ signal }) => (signal.aborted ? down() : endless()), {
          signal: caller.signal,
        })
        caller.abort()
        await quiet(call)
        assertNothingIsLeft()
      })

      it('S6: nothing is left when its caller had already aborted', async () => {
        caller.abort()
        await quiet(make().run(endless, { signal: caller.signal }))
        assertNothingIsLeft()
      })

      it('S6: nothing is left when it was rejected', async () => {
        const breaker = make()
        breaker.isolate()
        await quiet(breaker.run(endless, { signal: caller.signal }))
        assertNothingIsLeft()
      })
    })
  }

  it('S6: nothing is left when it timed out', async () => {
    const breaker = new CircuitBreaker({ callTimeout: 1_000 })
    const call = quiet(
      breaker.run(({ signal }) => (signal.aborted ? down() : endless()), { signal: caller.signal }),
    )
    await timers.tickAsync(1_000)
    await call
    assertNothingIsLeft()
  })

  it('nothing is left when waiting for `ready()` was aborted', async () => {
    const breaker = new CircuitBreaker()
    breaker.open()
    const waiting = quiet(breaker.ready({ signal: caller.signal }))
    assert.equal(timers.countTimers(), 1)
    caller.abort()
    await waiting
    assertNothingIsLeft()
  })

  it('nothing is left when `ready()` has resolved', async () => {
    const breaker = new CircuitBreaker()
    breaker.open()
    const waiting = breaker.ready({ signal: caller.signal })
    breaker.close()
    await waiting
    assertNothingIsLeft()
  })
})
