import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { format, inspect } from 'node:util'
import { CircuitBreaker, failureRate } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { eventsOf } from '../../helpers/events.ts'

const clock = new ManualClock()
const make = (): CircuitBreaker =>
  new CircuitBreaker({
    name: 'payments',
    clock,
    trip: failureRate({ threshold: 0.5, minCalls: 2, lastCalls: 10 }),
    timeoutDuration: 5_000,
  })

/** Brings a breaker into each state, and says how it is shown. */
const SHOWN: Record<string, [bring: (breaker: CircuitBreaker) => unknown, line: string]> = {
  closed: [() => {}, 'closed'],
  open: [
    (breaker) => {
      fail(breaker, 2)
      clock.advance(800)
    },
    'open (failureRate), retry in 4.2 s',
  ],
  'open, whose time has passed': [
    (breaker) => {
      fail(breaker, 2)
      clock.advance(5_000)
    },
    'half-open (failureRate)',
  ],
  'opened by hand': [
    (breaker) => breaker.open({ for: 60_000, reason: 'deploy' }),
    'open (deploy), retry in 60 s',
  ],
  'half-open, with a free place': [(breaker) => breaker.halfOpen(), 'half-open'],
  'half-open, with a probe': [
    (breaker) => {
      fail(breaker, 2)
      clock.advance(5_000)
      breaker.acquire()
    },
    'half-open (failureRate), retry in 1 s',
  ],
  isolated: [(breaker) => breaker.isolate('maintenance'), 'isolated (maintenance)'],
  'closed again': [
    (breaker) => {
      fail(breaker, 2)
      breaker.close()
    },
    'closed',
  ],
  'in mode observe': [
    (breaker) => {
      breaker.mode = 'observe'
      fail(breaker, 2)
    },
    'closed',
  ],
}

describe('a breaker that is shown', () => {
  for (const [title, [bring, rest]] of Object.entries(SHOWN)) {
    it(`is one readable line: ${title}`, () => {
      const breaker = make()
      bring(breaker)
      const line = `CircuitBreaker payments: ${rest}`
      assert.equal(inspect(breaker), line)
      assert.equal(String(breaker), line)
      assert.equal(format('%o', breaker), line)
      assert.equal(inspect({ a: [breaker] }, { breakLength: Infinity }), `{ a: [ ${line} ] }`)
      let written = ''
      const stdout = new Writable({
        write(chunk, _encoding, done) {
          written += String(chunk)
          done()
        },
      })
      new Console({ stdout }).log(breaker)
      assert.equal(written, `${line}\n`)
    })

    it(`is its snapshot as JSON: ${title}`, () => {
      const breaker = make()
      bring(breaker)
      const { takenAt: _, ...snapshot } = breaker.snapshot()
      const { takenAt, ...shown } = JSON.parse(JSON.stringify(breaker)) as { takenAt: number }
      assert.deepEqual(shown, JSON.parse(JSON.stringify(snapshot)))
      assert.equal(typeof takenAt, 'number')
      assert.deepEqual(Object.keys(breaker.toJSON()), Object.keys(breaker.snapshot()))
    })
  }

  it('S15: takes no permit, emits nothing and changes nothing', () => {
    const breaker = make()
    fail(breaker, 2)
    const events = eventsOf(breaker)
    const before = JSON.stringify(breaker)
    inspect(breaker)
    assert.equal(JSON.stringify(breaker).replace(/"takenAt":\d+/, ''), before.replace(/"takenAt":\d+/, ''))
    assert.deepEqual(events, [])
  })

  it('shows a subclass, too, and restores from what JSON keeps', () => {
    class Named extends CircuitBreaker {}
    const breaker = new Named({ name: 'own', failMax: 1, clock })
    fail(breaker)
    assert.match(inspect(breaker), /^CircuitBreaker own: open \(consecutiveFailures\), retry in 60 s$/)
    const restore = JSON.parse(JSON.stringify(breaker)) as ReturnType<CircuitBreaker['snapshot']>
    assert.equal(new CircuitBreaker({ name: 'own', clock, restore }).state, 'open')
  })
})

describe('foreign text', () => {
  const name = 'a\u001b[31m\nb\u202e'
  const escaped = 'a\\u{1b}[31m\\u{a}b\\u{202e}'

  it('has its control and bidi characters escaped where it is shown, and only there', async () => {
    const breaker = new CircuitBreaker({ name, clock, callTimeout: 1, classifyResult: () => 'failure' })
    assert.equal(breaker.name, name)
    assert.ok(String(breaker).startsWith(`CircuitBreaker ${escaped}: closed`))
    const fallback = (error: unknown): unknown => error
    const failed = (await breaker.run(() => 'bad', { fallback })) as Error
    assert.match(failed.message, /through "a\\u\{1b\}/)
    breaker.isolate(name)
    const rejected = (await breaker.call(() => 'unreachable').catch(fallback)) as Error
    assert.equal(rejected.message, `Circuit "${escaped}" is isolated (${escaped}), until it is closed`)
    assert.equal(breaker.snapshot().tripReason, name)
  })

  it('is cut in a warning', async (t) => {
    const warned: string[] = []
    t.mock.method(process, 'emitWarning', (text: string) => void warned.push(text))
    const breaker = new CircuitBreaker({
      name,
      exclude: [
        () => {
          throw new Error('x'.repeat(5_000_000))
        },
      ],
    })
    await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
    assert.equal(warned.length, 1)
    assert.ok(warned[0]!.startsWith(`${escaped}: Error: xxx`))
    assert.ok(warned[0]!.length < 2_100)
  })
})
