import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CircuitBreaker, isCircuitBreakerError, type CircuitBreakerOptions } from '../../../src/index.ts'

const ForeignTypeError = runInNewContext('TypeError') as TypeErrorConstructor

/** Makes a failing call. Returns its outcome and the number of errors that were reported. */
function judge(options: CircuitBreakerOptions, error: unknown): readonly [outcome: string, reports: number] {
  let reports = 0
  const breaker = new CircuitBreaker({ onListenerError: () => reports++, ...options })
  breaker.acquire().failure(error)
  return [breaker.snapshot().ignored ? 'ignored' : 'failure', reports]
}

describe('S5: built-in classes of another realm', () => {
  it('S5: a class of this realm does not take the errors of another', () => {
    assert.deepEqual(judge({ exclude: [TypeError] }, new ForeignTypeError('there')), ['failure', 0])
    assert.deepEqual(judge({ exclude: [Error] }, new ForeignTypeError('there')), ['failure', 0])
  })

  it('S5: a predicate that compares the name takes the errors of every realm', () => {
    const exclude = [(error: unknown): boolean => (error as Error).name === 'TypeError']
    assert.deepEqual(judge({ exclude }, new ForeignTypeError('there')), ['ignored', 0])
    assert.deepEqual(judge({ exclude }, new TypeError('here')), ['ignored', 0])
  })

  it('S5, S8: a built-in class of another realm looks like a predicate, so its answer is reported', () => {
    for (const error of [new ForeignTypeError('there'), new RangeError('here')]) {
      assert.deepEqual(judge({ exclude: [ForeignTypeError] }, error), ['ignored', 1])
    }
  })
})

describe('S5: how deep calls of one breaker may be nested', () => {
  /** Makes `depth` nested calls. */
  const nest = (breaker: CircuitBreaker, depth: number): Promise<unknown> =>
    breaker.call(() => (depth > 1 ? nest(breaker, depth - 1) : 'innermost'))

  for (const depth of [1, 2, 3, 4]) {
    for (const concurrent of [1, 2, 3, 4]) {
      const enough = concurrent >= depth
      it(`S5: a half-open circuit with ${concurrent} concurrent probes ${enough ? 'recovers' : 'stays'} with calls ${depth} deep`, async () => {
        const breaker = new CircuitBreaker({ halfOpen: { calls: 4, successes: depth, concurrent } })
        breaker.halfOpen()
        if (enough) assert.equal(await nest(breaker, depth), 'innermost')
        else await assert.rejects(nest(breaker, depth), isCircuitBreakerError)
        assert.equal(breaker.state, enough ? 'closed' : 'half-open')
        const { inFlight, ignored, rejected } = breaker.snapshot()
        assert.deepEqual(
          { inFlight, ignored, rejected },
          { inFlight: 0, ignored: enough ? 0 : concurrent, rejected: enough ? 0 : 1 },
        )
      })
    }
  }

  it('S5: the mark survives a call of another breaker that passes the rejection on', async () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const between = new CircuitBreaker({ failMax: 1, exclude: [isCircuitBreakerError] })
    breaker.halfOpen()
    const through = breaker.call(() => between.call(() => breaker.call(() => 'inner')))
    await assert.rejects(through, isCircuitBreakerError)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().ignored, 1)
    assert.equal(between.snapshot().ignored, 1)
  })
})
