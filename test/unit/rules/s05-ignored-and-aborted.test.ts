import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'

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

  it('S5, S8: a built-in class of another realm looks like a predicate that answers with an object, which excludes nothing and is reported', () => {
    for (const error of [new ForeignTypeError('there'), new RangeError('here')]) {
      assert.deepEqual(judge({ exclude: [ForeignTypeError] }, error), ['failure', 1])
    }
  })
})
