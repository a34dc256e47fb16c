import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { refusedLater } from '../../helpers/refusal.ts'

const down = new Error('down')
const is = (error: unknown) => (thrown: unknown) => thrown === error

function* letters(): Generator<string, string> {
  yield 'a'
  yield 'b'
  return 'end'
}

describe('loops over guarded generators', () => {
  it('a loop that runs to the end is a success, one that breaks is ignored', async () => {
    const breaker = new CircuitBreaker()
    const sync = breaker.wrap(letters)
    const async = breaker.wrap(async function* () {
      yield* letters()
    })
    assert.deepEqual([...sync()], ['a', 'b'])
    const seen: string[] = []
    for await (const letter of async()) seen.push(letter)
    assert.deepEqual(seen, ['a', 'b'])
    for (const _ of sync()) break
    for await (const _ of async()) break
    assert.equal(breaker.snapshot().counts.successes, 2)
    assert.equal(breaker.snapshot().ignored, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('a consumer whose own code throws in the loop does not count', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const async = breaker.wrap(async function* () {
      yield* letters()
    })
    const loop = async (): Promise<void> => {
      for await (const _ of async()) throw down
    }
    await assert.rejects(loop(), is(down))
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().ignored, 1)
  })

  it('an async generator that yields a rejecting promise is a failure', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const it = breaker.wrap(async function* () {
      yield Promise.reject(down)
    })()
    await assert.rejects(it.next(), is(down))
    assert.equal(breaker.state, 'open')
  })

  it('several next() at once are answered in their order', async () => {
    const breaker = new CircuitBreaker()
    const it = breaker.wrap(async function* () {
      yield* letters()
    })()
    const steps = await Promise.all([it.next(), it.next(), it.next(), it.next()])
    assert.deepEqual(
      steps.map(({ done }) => done),
      [false, false, true, true],
    )
    assert.equal(breaker.snapshot().counts.calls, 1)
  })
})

describe('a generator object that an ordinary function returns', () => {
  const returning = (): Generator<string> => letters()
  const returningAsync = async (): Promise<Generator<string>> => letters()

  for (const listeners of [[], [{ success() {} }]]) {
    it(`is refused with a message that says how to write it, and ignored (${listeners.length} listeners)`, async () => {
      const breaker = new CircuitBreaker({ listeners, failMax: 1 })
      const asyncGenerator = async function* (): AsyncGenerator<string> {
        yield* letters()
      }
      for (const fn of [returning, letters, asyncGenerator] as (() => unknown)[]) {
        const refusals = [breaker.call(fn), breaker.run(fn)]
        if (fn === returning) refusals.push(breaker.wrap(fn)())
        for (const refusal of refusals) await refusedLater(refusal, TypeError, 'function* () { yield* fn() }')
      }
      const { ignored, inFlight, counts } = breaker.snapshot()
      assert.deepEqual({ ignored, inFlight, calls: counts.calls }, { ignored: 7, inFlight: 0, calls: 0 })
    })

    it(`is a value like any other when a promise resolves with it (${listeners.length} listeners)`, async () => {
      const breaker = new CircuitBreaker({ listeners })
      assert.deepEqual([...(await breaker.call(returningAsync))], ['a', 'b'])
    })

    it(`is not an object whose toStringTag merely ends in Generator (${listeners.length} listeners)`, async () => {
      class UuidGenerator {
        readonly [Symbol.toStringTag] = 'UuidGenerator'
      }
      const breaker = new CircuitBreaker({ listeners })
      const value = new UuidGenerator()
      assert.equal(await breaker.call(() => value), value)
      assert.equal(
        breaker.callSync(() => value),
        value,
      )
    })
  }
})
