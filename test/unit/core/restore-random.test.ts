import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreaker, type CircuitBreakerSnapshot } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { parameters } from '../model/parameters.ts'

const STATES = ['closed', 'open', 'half-open', 'isolated'] as const
const MODES = ['enforce', 'observe', 'off'] as const

const reach: Record<string, (breaker: CircuitBreaker, clock: ManualClock) => unknown> = {
  closed: () => {},
  'closed with failures': (breaker) => fail(breaker, 2),
  'closed with an escalation': (breaker, clock) => {
    fail(breaker, 3)
    clock.advance(1_000)
    breaker.acquire().success()
  },
  open: (breaker) => fail(breaker, 3),
  're-opened': (breaker, clock) => {
    fail(breaker, 3)
    clock.advance(1_000)
    fail(breaker)
  },
  'opened manually': (breaker) => breaker.open({ for: 5, reason: 'x' }),
  'half-open when its time has passed': (breaker, clock) => {
    fail(breaker, 3)
    clock.advance(1_000)
  },
  'half-open manually': (breaker) => breaker.halfOpen(),
  'half-open with a probe': (breaker) => [breaker.halfOpen(), breaker.tryAcquire()],
  isolated: (breaker) => breaker.isolate(),
  'isolated while open': (breaker) => [fail(breaker, 3), breaker.isolate('why')],
}

describe('restore accepts every snapshot that a breaker takes', () => {
  for (const [title, act] of Object.entries(reach)) {
    for (const mode of MODES) {
      it(`${title}, in mode ${mode}, alone and in a fleet, also through JSON`, async () => {
        for (const more of [{}, { storage: new MemoryStorage() }, { probeTimeout: Infinity }]) {
          const clock = new ManualClock()
          const options = {
            name: 'b',
            failMax: 3,
            timeoutDuration: 1_000,
            attemptDecay: 9_000,
            mode,
            ...more,
          }
          const before = new CircuitBreaker({ ...options, clock })
          act(before, clock)
          await before.flush()
          const snapshot = before.snapshot()
          const text = JSON.stringify(snapshot)
          for (const restore of [snapshot, JSON.parse(text) as CircuitBreakerSnapshot]) {
            const after = new CircuitBreaker({ failMax: 3, restore, clock: new ManualClock() })
            assert.equal(after.state, snapshot.state)
          }
        }
      })
    }
  }
})

describe('restore refuses a changed snapshot, or restores a state that makes sense', () => {
  const anyPart = fc.oneof(
    fc.constantFrom(
      undefined,
      null,
      0,
      1,
      -1,
      5,
      0.5,
      NaN,
      Infinity,
      -Infinity,
      1e300,
      2 ** 53,
      '',
      '5',
      'x',
      true,
    ),
    fc.constantFrom(...STATES, [], {}, () => 1, 5n, Symbol('s'), new Date(), 'x'.repeat(1_000)),
    fc.double(),
    fc.nat(),
    fc.string(),
  )
  const names = ['version', 'state', 'retryAfter', 'attempt', 'tripReason', 'failCounter', 'takenAt'] as const
  const changes = fc.dictionary(fc.constantFrom(...names), anyPart, { maxKeys: 3 })

  it('random changes of the snapshots of all states', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...Object.values(reach)),
      changes,
      async (act, change) => {
        const clock = new ManualClock()
        const before = new CircuitBreaker({ failMax: 3, timeoutDuration: 1_000, clock })
        act(before, clock)
        const restore = { ...before.snapshot(), ...change } as CircuitBreakerSnapshot
        let breaker: CircuitBreaker
        try {
          breaker = new CircuitBreaker({ restore, clock })
        } catch (error) {
          assert.ok(error instanceof TypeError || error instanceof RangeError)
          const part = /^Expected `restore\.(\w+)` to be .*, got /s.exec(error.message)?.[1]
          assert.ok(part !== undefined && Object.hasOwn(restore, part), error.message)
          return
        }
        const { state, retryAfter, reopenTime } = breaker
        const snapshot = breaker.snapshot()
        // An opening whose time has passed reads as half-open.
        assert.ok(state === restore.state || (restore.state === 'open' && state === 'half-open'), state)
        assert.equal(retryAfter === Infinity, state === 'isolated')
        assert.equal(retryAfter === 0, state === 'closed' || state === 'half-open')
        assert.equal(snapshot.retryAfter, retryAfter === Infinity ? null : retryAfter)
        assert.ok(reopenTime === undefined || reopenTime.getTime() >= Date.now() - 1_000)
        assert.ok((snapshot.tripReason ?? '').length <= 256)
        assert.doesNotThrow(
          () => new CircuitBreaker({ restore: JSON.parse(JSON.stringify(snapshot)), clock }),
        )
        let isReady = false
        const abort = new AbortController()
        const ready = breaker.ready({ signal: abort.signal }).then(
          () => (isReady = true),
          () => {},
        )
        await Promise.resolve()
        assert.equal(isReady, retryAfter === 0)
        abort.abort()
        await ready
        assert.equal(breaker.tryAcquire() !== undefined, retryAfter === 0)
      },
    )
    await fc.assert(property, parameters)
  })
})
