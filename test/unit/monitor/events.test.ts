import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor, type MonitorEvent } from '../../../src/monitor/index.ts'

/** Describes an event in a few words. */
function tell(event: MonitorEvent): string {
  if (event.type === 'transition')
    return `${event.transition.id} ${event.transition.to} ${event.transition.reason}`
  return event.type === 'dropped' ? `dropped ${event.count}` : `${event.type} ${event.id}`
}

async function take(events: AsyncIterator<MonitorEvent>, count: number): Promise<string[]> {
  const taken: string[] = []
  for (let i = 0; i < count; i++) {
    const { done, value } = await events.next()
    taken.push(done ? 'end' : tell(value))
  }
  return taken
}

/** Lets pending promises settle. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

const END = { done: true, value: undefined }

describe('the events of a monitor', () => {
  let monitor: CircuitBreakerMonitor
  let breaker: CircuitBreaker

  beforeEach(() => {
    monitor = new CircuitBreakerMonitor()
    breaker = new CircuitBreaker({ name: 'a' })
  })

  /** Causes `count` events, with the reasons 1, 2, 3 … */
  function cause(count: number): void {
    for (let i = 1; i <= count; i++) {
      if (breaker.state === 'isolated') breaker.close(`${i}`)
      else breaker.isolate(`${i}`)
    }
  }

  it('report watching, transitions and unwatching, in this order', async () => {
    const events = monitor.events()
    monitor.watch(breaker)
    breaker.isolate('maintenance')
    breaker.close()
    monitor.unwatch(breaker)
    breaker.isolate()
    monitor.watch(breaker)
    assert.deepEqual(await take(events, 5), [
      'watched a',
      'a isolated maintenance',
      'a closed manual',
      'unwatched a',
      'watched a',
    ])
  })

  it('have the same details of a transition as `transitions`', async () => {
    monitor.watch(breaker)
    const events = monitor.events()
    const before = Date.now()
    breaker.isolate('maintenance')
    const { value } = (await events.next()) as IteratorYieldResult<MonitorEvent>
    assert.ok(value.type === 'transition')
    const { at, ...transition } = value.transition
    assert.deepEqual(transition, {
      id: 'a',
      from: 'closed',
      to: 'isolated',
      reason: 'maintenance',
      scope: 'local',
    })
    assert.ok(at >= before && at <= Date.now())
    assert.deepEqual(monitor.transitions, [value.transition])
  })

  it('report in mode observe that the circuit would have opened', async () => {
    const observed = new CircuitBreaker({ name: 'observed', mode: 'observe', failMax: 1 })
    monitor.watch(observed)
    const events = monitor.events()
    const before = Date.now()
    observed.acquire().failure()
    const { value } = (await events.next()) as IteratorYieldResult<MonitorEvent>
    assert.ok(value.type === 'wouldTrip')
    const { at, ...event } = value
    assert.deepEqual(event, { type: 'wouldTrip', id: 'observed', reason: 'consecutiveFailures' })
    assert.ok(at >= before && at <= Date.now())
    assert.deepEqual(monitor.transitions, [])
  })

  it('start when they are requested, without earlier ones', async () => {
    monitor.watch(breaker)
    cause(2)
    const events = monitor.events()
    cause(1)
    assert.deepEqual(await take(events, 1), ['a isolated 1'])
  })

  it('reach a consumer that waits for them, one by one', async () => {
    monitor.watch(breaker)
    const events = monitor.events()
    const asked = [events.next(), events.next(), events.next()]
    cause(2)
    const results = await Promise.all(asked.slice(0, 2))
    assert.deepEqual(
      results.map(({ value }) => tell(value as MonitorEvent)),
      ['a isolated 1', 'a closed 2'],
    )
    cause(1)
    assert.equal(tell((await asked[2]!).value as MonitorEvent), 'a isolated 1')
  })

  it('reach every consumer, each at its own pace', async () => {
    monitor.watch(breaker)
    const quick = monitor.events()
    const slow = monitor.events()
    cause(1)
    assert.deepEqual(await take(quick, 1), ['a isolated 1'])
    cause(1)
    assert.deepEqual(await take(quick, 1), ['a closed 1'])
    assert.deepEqual(await take(slow, 2), ['a isolated 1', 'a closed 1'])
  })

  it('may be read with `for await`, also while breakers are unwatched', async () => {
    const registered: string[] = []
    monitor.watch(breaker)
    const other = new CircuitBreaker({ name: 'b' })
    monitor.watch(other)
    const reading = (async () => {
      for await (const event of monitor.events()) {
        registered.push(tell(event))
        if (event.type === 'transition') monitor.unwatch(breaker)
        if (registered.length === 3) break
      }
    })()
    breaker.isolate('x')
    await settle()
    breaker.close('is not received any more')
    other.isolate('y')
    await reading
    assert.deepEqual(registered, ['a isolated x', 'unwatched a', 'b isolated y'])
  })

  it('may be consumed where they are caused: a consumer that acts on an event gets the resulting event', async () => {
    monitor.watch(breaker)
    const events = monitor.events()
    breaker.addListener({ stateChange: ({ to }) => to === 'isolated' && breaker.close('no') })
    breaker.isolate('yes')
    assert.deepEqual(await take(events, 2), ['a isolated yes', 'a closed no'])
  })

  describe('for a consumer that is too slow', () => {
    it('lose the oldest and report how many', async () => {
      monitor.watch(breaker)
      const events = monitor.events({ limit: 3 })
      cause(10)
      assert.deepEqual(await take(events, 4), ['dropped 7', 'a closed 8', 'a isolated 9', 'a closed 10'])
    })

    it('lose one when there is one too many', async () => {
      monitor.watch(breaker)
      const events = monitor.events({ limit: 3 })
      cause(4)
      assert.deepEqual(await take(events, 2), ['dropped 1', 'a closed 2'])
    })

    it('lose nothing up to the limit', async () => {
      monitor.watch(breaker)
      const events = monitor.events({ limit: 3 })
      cause(3)
      assert.deepEqual(await take(events, 3), ['a isolated 1', 'a closed 2', 'a isolated 3'])
    })

    it('report every loss', async () => {
      monitor.watch(breaker)
      const events = monitor.events({ limit: 2 })
      cause(4)
      assert.deepEqual(await take(events, 2), ['dropped 2', 'a isolated 3'])
      cause(4)
      assert.deepEqual(await take(events, 3), ['dropped 3', 'a isolated 3', 'a closed 4'])
    })

    it('have a limit of 1,000', async () => {
      monitor.watch(breaker)
      const events = monitor.events()
      cause(5_000)
      assert.deepEqual(await take(events, 2), ['dropped 4000', 'a isolated 4001'])
    })

    it('have a limit for each consumer', async () => {
      monitor.watch(breaker)
      const consumers = [5, 2_000, 1].map((limit) => monitor.events({ limit }))
      cause(3_000)
      assert.deepEqual(await Promise.all(consumers.map((events) => take(events, 2))), [
        ['dropped 2995', 'a closed 2996'],
        ['dropped 1000', 'a isolated 1001'],
        ['dropped 2999', 'a closed 3000'],
      ])
    })

    it('add up: those delivered and those lost are all events', async () => {
      monitor.watch(breaker)
      const events = monitor.events({ limit: 7 })
      const sizes = [3, 20, 1, 8, 7, 40]
      const caused = sizes.reduce((sum, size) => sum + size)
      let delivered = 0
      const drain = async (): Promise<number> => {
        const { value } = (await events.next()) as IteratorYieldResult<MonitorEvent>
        return value.type === 'dropped' ? value.count : 1
      }
      for (const size of sizes) {
        cause(size)
        delivered += await drain()
      }
      while (delivered < caused) delivered += await drain()
      assert.equal(delivered, caused)
      cause(1)
      assert.deepEqual(await take(events, 1), [breaker.state === 'isolated' ? 'a isolated 1' : 'a closed 1'])
    })
  })

  describe('end', () => {
    it('when the consumer returns, also while it waits', async () => {
      monitor.watch(breaker)
      const events = monitor.events()
      const asked = [events.next(), events.next()]
      assert.deepEqual(await events.return!(), END)
      assert.deepEqual(await Promise.all(asked), [END, END])
      cause(1)
      assert.deepEqual(await events.next(), END)
    })

    it('when the signal aborts, also while the consumer waits', async () => {
      monitor.watch(breaker)
      const caller = new AbortController()
      const events = monitor.events({ signal: caller.signal })
      const seen: string[] = []
      const reading = (async () => {
        for await (const event of events) seen.push(tell(event))
      })()
      cause(1)
      await settle()
      caller.abort()
      await reading
      cause(1)
      assert.deepEqual(seen, ['a isolated 1'])
      assert.deepEqual(await events.next(), END)
    })

    it('at once when the signal has aborted before', async () => {
      monitor.watch(breaker)
      const events = monitor.events({ signal: AbortSignal.abort() })
      cause(1)
      assert.deepEqual(await events.next(), END)
    })

    it('without the events that were unread when the signal aborted', async () => {
      monitor.watch(breaker)
      const caller = new AbortController()
      const events = monitor.events({ signal: caller.signal })
      cause(3)
      await take(events, 1)
      caller.abort()
      assert.deepEqual(await events.next(), END)
    })

    it('and leave no listener on the signal, whether they were read, awaited or neither', async () => {
      const listeners = new Set<unknown>()
      const signal = {
        aborted: false,
        addEventListener: (_: string, listener: unknown) => listeners.add(listener),
        removeEventListener: (_: string, listener: unknown) => listeners.delete(listener),
      } as unknown as AbortSignal
      monitor.watch(breaker)
      const events = monitor.events({ signal })
      monitor.events({ signal })
      cause(1)
      await take(events, 1)
      assert.equal(listeners.size, 0)
      const waiting = [events.next(), events.next()]
      assert.equal(listeners.size, 1)
      cause(1)
      await waiting[0]
      assert.equal(listeners.size, 1)
      cause(1)
      await waiting[1]
      assert.equal(listeners.size, 0)
      const last = events.next()
      await events.return!()
      await last
      assert.equal(listeners.size, 0)
    })
  })
})
