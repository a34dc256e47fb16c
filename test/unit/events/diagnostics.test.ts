import assert from 'node:assert/strict'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'

interface Traced {
  readonly breaker: CircuitBreaker
  readonly args: readonly unknown[]
  readonly result?: unknown
  readonly error?: unknown
}

const boom = new Error('boom')
const fail = async (): Promise<never> => Promise.reject(boom)

describe('the channels of node:diagnostics_channel', () => {
  const transition = channel('recloser:transition')
  const rejected = channel('recloser:rejected')
  const received: { name: string; message: unknown }[] = []
  const receive = (message: unknown, name: string | symbol): void => {
    received.push({ name: String(name), message })
  }

  beforeEach(() => {
    received.length = 0
    transition.subscribe(receive)
    rejected.subscribe(receive)
  })
  afterEach(() => {
    transition.unsubscribe(receive)
    rejected.unsubscribe(receive)
  })

  it('publish every transition as listeners get it, after the breaker has changed and after its listeners', async () => {
    const order: string[] = []
    const note = (): void => void order.push('channel')
    transition.subscribe(note)
    const breaker = new CircuitBreaker({
      failMax: 1,
      listeners: [{ stateChange: () => void order.push(breaker.state) }],
    })
    await assert.rejects(breaker.call(fail), boom)
    transition.unsubscribe(note)
    assert.deepEqual(order, ['open', 'channel'])
    const [first] = received
    assert.equal(first?.name, 'recloser:transition')
    const { at, ...event } = first.message as { at: number }
    assert.deepEqual(event, {
      breaker,
      from: 'closed',
      to: 'open',
      reason: 'consecutiveFailures',
      scope: 'local',
    })
    assert.ok(Math.abs(Date.now() - at) < 10_000)
  })

  it('publish every rejection with the error that the caller gets', async () => {
    const breaker = new CircuitBreaker()
    breaker.isolate()
    received.length = 0
    const error: unknown = await breaker.call(fail).catch((caught: unknown) => caught)
    assert.ok(isCircuitBreakerError(error))
    assert.deepEqual(
      received.map(({ name }) => name),
      ['recloser:rejected'],
    )
    assert.deepEqual(received[0]?.message, { breaker, error })
  })

  it('publish nothing to subscribers that have unsubscribed', () => {
    transition.unsubscribe(receive)
    rejected.unsubscribe(receive)
    const breaker = new CircuitBreaker()
    breaker.isolate()
    assert.equal(breaker.tryAcquire(), undefined)
    assert.deepEqual(received, [])
  })
})

describe('the tracing channel recloser:call', () => {
  const tracing = tracingChannel<Traced, Traced>('recloser:call')
  const events: string[] = []
  let last: Traced | undefined
  const note =
    (name: string) =>
    (message: unknown): void => {
      events.push(name)
      last = message as Traced
    }
  const subscribers = {
    start: note('start'),
    end: note('end'),
    asyncStart: note('asyncStart'),
    asyncEnd: note('asyncEnd'),
    error: note('error'),
  }
  const begin = (): void => {
    tracing.subscribe(subscribers)
    events.length = 0
    last = undefined
  }
  const end = (): void => {
    tracing.unsubscribe(subscribers)
  }
  afterEach(end)

  /** All ways to make an asynchronous call. */
  const ways: readonly [
    string,
    (breaker: CircuitBreaker, fn: (n: number) => Promise<number>) => Promise<number>,
  ][] = [
    ['call', (breaker, fn) => breaker.call(fn, 7)],
    ['run', (breaker, fn) => breaker.run(() => fn(7))],
    [
      'run with a fallback',
      (breaker, fn) =>
        breaker.run(() => fn(7), { fallback: async (error) => Promise.reject(error as Error) }),
    ],
    ['wrap', (breaker, fn) => breaker.wrap(fn)(7)],
  ]

  for (const [way, make] of ways) {
    it(`traces a call by ${way} once, and its result`, async () => {
      const breaker = new CircuitBreaker()
      begin()
      assert.equal(await make(breaker, async (n) => n * 6), 42)
      end()
      assert.deepEqual(events, ['start', 'end', 'asyncStart', 'asyncEnd'])
      assert.equal(last?.breaker, breaker)
      assert.equal(last.result, 42)
      assert.equal(breaker.snapshot().counts.successes, 1)
    })

    it(`counts a traced call by ${way}, failures included`, async () => {
      const breaker = new CircuitBreaker()
      begin()
      await assert.rejects(make(breaker, fail), boom)
      end()
      assert.deepEqual(events, ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
      assert.equal(last?.error, boom)
      assert.equal(breaker.failCounter, 1)
    })
  }

  it('publishes the arguments', async () => {
    const breaker = new CircuitBreaker()
    begin()
    await breaker.call(async (_a: string, _b: number) => 'x', 'a', 2)
    end()
    assert.deepEqual(last?.args, ['a', 2])
  })

  it('traces a rejection as an error', async () => {
    const breaker = new CircuitBreaker({ name: 'payments' })
    breaker.isolate()
    begin()
    await assert.rejects(breaker.call(fail), isCircuitBreakerError)
    end()
    assert.ok(isCircuitBreakerError(last?.error))
    assert.ok(events.includes('error'))
  })

  it('traces a synchronous call', () => {
    const breaker = new CircuitBreaker()
    begin()
    assert.equal(
      breaker.callSync((n: number) => n + 1, 41),
      42,
    )
    end()
    assert.deepEqual(events, ['start', 'end'])
    assert.equal(last?.result, 42)
  })

  it('also reaches a subscriber to errors only', async () => {
    const only = { error: note('error') }
    tracing.subscribe(only as typeof subscribers)
    events.length = 0
    await assert.rejects(new CircuitBreaker().call(fail), boom)
    tracing.unsubscribe(only as typeof subscribers)
    assert.deepEqual(events, ['error'])
  })

  it('publishes nothing once there are no subscribers', async () => {
    begin()
    end()
    await new CircuitBreaker().call(async () => 1)
    assert.deepEqual(events, [])
  })

  it('S7: a subscriber that aborts the caller at the start makes the promise reject, and no permit is taken', async () => {
    const traced = tracingChannel('recloser:call')
    const caller = new AbortController()
    const order: string[] = []
    const note = (name: string) => (): void => void order.push(name)
    const start = (): void => {
      order.push('start')
      caller.abort(boom)
    }
    const subscriber = {
      start,
      end: note('end'),
      error: note('error'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
    }
    traced.subscribe(subscriber)
    try {
      const breaker = new CircuitBreaker()
      await assert.rejects(
        breaker.run(() => 1, { signal: caller.signal }),
        boom,
      )
      assert.deepEqual(order, ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
      assert.equal(breaker.snapshot().ignored, 0)
    } finally {
      traced.unsubscribe(subscriber)
    }
  })
})
