import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerError } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { runProgram } from '../../helpers/program.ts'
import { rejectionOf } from '../../helpers/rejection.ts'

/** The lines of a stack that are frames, as V8 and JavaScriptCore write them. */
const frames = (error: Error): string[] =>
  (error.stack ?? '').split('\n').filter((line) => /^\s+at |\.ts:\d+/.test(line))

const inState: Record<string, (breaker: CircuitBreaker) => unknown> = {
  open: (breaker) => breaker.open(),
  'half-open': (breaker) => [breaker.halfOpen(), breaker.acquire()],
  isolated: (breaker) => breaker.isolate(),
}

describe('S26: a rejection captures no stack', () => {
  const withStack = CircuitBreakerError.withStack
  afterEach(() => {
    CircuitBreakerError.withStack = withStack
  })

  for (const [state, reach] of Object.entries(inState)) {
    it(`S26: has no frames while ${state}`, async () => {
      const breaker = new CircuitBreaker({ clock: new ManualClock() })
      reach(breaker)
      assert.deepEqual(frames(rejectionOf(breaker)), [])
      const rejected = await breaker.call(() => 1).catch((error: unknown) => error)
      assert.ok(rejected instanceof CircuitBreakerError)
      assert.deepEqual(frames(rejected), [])
    })
  }

  it('S26: names instead the breaker, its state, what opened it and for how long', () => {
    const breaker = new CircuitBreaker({
      name: 'payments',
      failMax: 1,
      timeoutDuration: 1_234,
      clock: new ManualClock(),
    })
    const cause = new Error('down')
    breaker.acquire().failure(cause)
    const { message } = rejectionOf(breaker)
    for (const part of ['payments', 'open', 'consecutiveFailures', '1234'])
      assert.ok(message.includes(part), part)
  })

  it('S26: its cause describes the failure that opened the circuit, with the stack of that failure', () => {
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    const cause = new Error('down')
    breaker.acquire().failure(cause)
    const described = rejectionOf(breaker).cause as Error
    assert.equal(described.stack, cause.stack)
    assert.ok(frames(described).length > 0)
  })

  it('S26: withStack turns stacks on, and off again', () => {
    const breaker = new CircuitBreaker()
    breaker.open()
    assert.equal(withStack, false)
    CircuitBreakerError.withStack = true
    assert.ok(frames(rejectionOf(breaker)).length > 0)
    CircuitBreakerError.withStack = false
    assert.deepEqual(frames(rejectionOf(breaker)), [])
  })

  it('S26: the error that errorOnTrip makes has none either', async () => {
    const breaker = new CircuitBreaker({ failMax: 1, errorOnTrip: true })
    const error = await breaker
      .call(() => Promise.reject(new Error('down')))
      .catch((thrown: unknown) => thrown)
    assert.ok(error instanceof CircuitBreakerError)
    assert.deepEqual(frames(error), [])
  })
})

describe('S26: Error.stackTraceLimit is the process’s own', () => {
  const engine = Error as { stackTraceLimit?: number | undefined }
  const original = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  afterEach(() => {
    if (original) Object.defineProperty(Error, 'stackTraceLimit', original)
    else delete engine.stackTraceLimit
  })

  for (const limit of [10, 3, 0, 1_000, Infinity]) {
    it(`S26: ${limit} is ${limit} after a rejection`, () => {
      const breaker = new CircuitBreaker()
      breaker.open()
      engine.stackTraceLimit = limit
      rejectionOf(breaker)
      assert.equal(engine.stackTraceLimit, limit)
    })
  }

  it('S26: where it is missing, it is missing after a rejection', () => {
    const breaker = new CircuitBreaker()
    breaker.open()
    delete engine.stackTraceLimit
    rejectionOf(breaker)
    assert.equal('stackTraceLimit' in Error, false)
  })

  it('S26: a limit that cannot be written is left alone', () => {
    const breaker = new CircuitBreaker()
    breaker.open()
    Object.defineProperty(Error, 'stackTraceLimit', { value: 5, writable: false, configurable: true })
    assert.equal(rejectionOf(breaker).reason, 'open')
    assert.equal(engine.stackTraceLimit, 5)
  })

  it('S26: the errors of others have their stacks, before, between and after rejections', async () => {
    const breaker = new CircuitBreaker()
    const fallback = (): number => {
      throw new Error('of the fallback')
    }
    breaker.open()
    const listener = { rejected: () => assert.ok(frames(new Error('of a listener')).length > 0) }
    const reported: unknown[] = []
    breaker.configure({ onListenerError: (error) => reported.push(error) })
    breaker.addListener(listener)
    const error = await breaker.run(() => 1, { fallback }).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof Error)
    assert.ok(frames(error).length > 0)
    assert.ok(frames(new Error('after')).length > 0)
    assert.deepEqual(reported, [])
  })

  it('S26: rejects as usual where the intrinsics are frozen', async () => {
    const file = join(import.meta.dirname, 'programs/frozen-intrinsics.ts')
    const seen: unknown = JSON.parse(await runProgram(file, ['--no-warnings', '--frozen-intrinsics']))
    assert.deepEqual(seen, {
      all: true,
      name: 'CircuitBreakerError',
      cause: 'down',
      writable: false,
      reasons: ['open', 'open'],
    })
  })
})
