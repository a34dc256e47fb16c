import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { stateOf, nextTick } from '../../helpers/next-tick.ts'

const endless = (): Promise<unknown> => new Promise(() => {})
const quiet = (promise: Promise<unknown>): void => void promise.catch(() => {})

describe('S6: a signal that is aborted before the call', () => {
  const states: Record<string, (breaker: CircuitBreaker) => unknown> = {
    closed: () => {},
    open: (breaker) => breaker.open(),
    isolated: (breaker) => breaker.isolate(),
    'half-open': (breaker) => breaker.halfOpen(),
    'half-open and full': (breaker) => {
      breaker.halfOpen()
      breaker.acquire()
    },
    'in mode off': (breaker) => (breaker.mode = 'off'),
  }
  for (const [state, enter] of Object.entries(states)) {
    it(`S6: rejects with its reason and takes no permit, while ${state}`, async () => {
      const breaker = new CircuitBreaker({ clock: new ManualClock(), failMax: 1, callTimeout: 1_000 })
      enter(breaker)
      const { takenAt: _, ...before } = breaker.snapshot()
      const events = eventsOf(breaker)
      let ran = false
      const run = (): unknown => (ran = true)
      for (const reason of [new Error('gone'), new DOMException('late', 'TimeoutError'), 0, null]) {
        const signal = AbortSignal.abort(reason)
        const fallback = (): unknown => assert.fail('a fallback for an aborted caller')
        const result = await stateOf(breaker.run(run, { signal, fallback }))
        assert.deepEqual(result, { error: reason })
        assert.equal(getEventListeners(signal, 'abort').length, 0)
      }
      const { takenAt: __, ...after } = breaker.snapshot()
      assert.deepEqual(after, before)
      assert.deepEqual(events, [])
      assert.equal(ran, false)
    })
  }
})

describe('S6: abort listeners', () => {
  const listening = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

  it('S6: there is one listener while the call runs', async () => {
    const { signal } = new AbortController()
    const task = deferred()
    const call = new CircuitBreaker().run(() => task.promise, { signal })
    assert.equal(listening(signal), 1)
    task.resolve('done')
    await call
    assert.equal(listening(signal), 0)
  })

  it('S6: none is left by a rejection', async () => {
    const { signal } = new AbortController()
    const breaker = new CircuitBreaker()
    breaker.isolate()
    quiet(breaker.run(endless, { signal }))
    assert.equal(listening(signal), 0)
  })

  const fallbacks: Record<string, () => unknown> = {
    returns: () => 'stand-in',
    throws: () => {
      throw new Error('fallback')
    },
    resolves: () => Promise.resolve('stand-in'),
    rejects: () => Promise.reject(new Error('fallback')),
  }
  for (const [title, fallback] of Object.entries(fallbacks)) {
    it(`S6: none is left by a fallback that ${title}`, async () => {
      const { signal } = new AbortController()
      const breaker = new CircuitBreaker()
      await stateOf(breaker.run(() => Promise.reject(new Error('down')), { signal, fallback }))
      breaker.isolate()
      await stateOf(breaker.run(endless, { signal, fallback }))
      assert.equal(listening(signal), 0)
    })
  }

  it('S6: none is left when the caller aborts while the fallback runs', async () => {
    const caller = new AbortController()
    const { signal } = caller
    const breaker = new CircuitBreaker()
    const call = breaker.run(() => Promise.reject(new Error('down')), { signal, fallback: endless })
    quiet(call)
    await nextTick()
    caller.abort('gone')
    assert.deepEqual(await stateOf(call), { error: 'gone' })
    assert.equal(listening(signal), 0)
  })
})
