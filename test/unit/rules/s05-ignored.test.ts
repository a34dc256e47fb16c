import assert from 'node:assert/strict'
import { inherits } from 'node:util'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import {
  CircuitBreaker,
  isAbortError,
  type CircuitBreakerOptions,
  type Exclusion,
} from '../../../src/index.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'
import { rejectionOf } from '../../helpers/rejection.ts'

/** Returns the outcome of a call that ends with `error`. */
function judge(options: CircuitBreakerOptions, error: unknown): string {
  const reported: unknown[] = []
  const breaker = new CircuitBreaker({
    failMax: 10,
    onListenerError: (problem) => reported.push(problem),
    ...options,
  })
  assert.equal(breaker.acquire().failure(error), true)
  const { ignored, counts } = breaker.snapshot()
  const outcome = ignored ? 'ignored' : counts.failures ? 'failure' : counts.successes ? 'success' : 'nothing'
  return reported.length ? `${outcome}, reported` : outcome
}

class NotFound extends Error {}
class Gone extends NotFound {}
class Plain {}

function OldStyle(this: object): void {}
inherits(OldStyle, Error)

const down = new Error('down')

describe('S5: excluded errors', () => {
  const cases: [string, Exclusion, unknown, string][] = [
    ['of an excluded class', NotFound, new NotFound(), 'ignored'],
    ['of a subclass of an excluded class', NotFound, new Gone(), 'ignored'],
    ['of the superclass of an excluded class', Gone, new NotFound(), 'failure'],
    ['of another class', NotFound, new TypeError(), 'failure'],
    ['of a subclass of Error, where Error is excluded', Error, new TypeError(), 'ignored'],
    ['of a built-in class', TypeError, new TypeError(), 'ignored'],
    ['that is no error, where Error is excluded', Error, 'text', 'failure'],
    ['of a class that is no error', Plain, new Plain(), 'ignored'],
    ['of none of the classes', Plain, new Error(), 'failure'],
    ['of an anonymous class', class {}, new Error(), 'failure'],
    ['of an aggregate', AggregateError, new AggregateError([]), 'ignored'],
    ['of an old-style class', OldStyle as never, Object.create(OldStyle.prototype), 'ignored'],
    ['of the class DOMException', DOMException, new DOMException('x', 'AbortError'), 'ignored'],
    ['that a predicate takes', (error) => error === 404, 404, 'ignored'],
    ['that a predicate leaves', (error) => error === 404, 500, 'failure'],
    [
      'that a predicate written as a function takes',
      function isIt(error: unknown): boolean {
        return error === 404
      },
      404,
      'ignored',
    ],
    ['that a predicate answers with something true', ((e: number) => e) as never, 404, 'ignored'],
    ['that a predicate answers with something falsy', ((e: string) => e) as never, '', 'failure'],
    ['that is undefined', (error) => error === undefined, undefined, 'ignored'],
    ['that is null', (error) => error === null, null, 'ignored'],
    [
      'that a predicate whose source only begins with the letters of `class` leaves',
      (classification) => classification === 404,
      500,
      'failure',
    ],
    [
      'that such a predicate takes',
      // As a string, so that no type-stripping tool adds parentheses around the parameter.
      runInNewContext('classification => classification === 404') as Exclusion,
      404,
      'ignored',
    ],
    [
      'that another such predicate leaves',
      runInNewContext('class$ => class$ === 404') as Exclusion,
      500,
      'failure',
    ],
  ]
  for (const [title, exclusion, error, outcome] of cases) {
    it(`S5: an error ${title} is ${outcome === 'failure' ? 'a failure' : 'ignored'}`, () => {
      assert.equal(judge({ exclude: [exclusion] }, error), outcome)
    })
  }

  it('S5: any one of several entries excludes', () => {
    const exclude: Exclusion[] = [NotFound, (error) => error === 404, RangeError]
    assert.equal(judge({ exclude }, new Gone()), 'ignored')
    assert.equal(judge({ exclude }, 404), 'ignored')
    assert.equal(judge({ exclude }, new RangeError()), 'ignored')
    assert.equal(judge({ exclude }, new Error()), 'failure')
  })

  it('S5: a class is never called like a predicate', () => {
    let constructed = 0
    class Counted {
      constructor() {
        constructed++
      }
    }
    assert.equal(judge({ exclude: [Counted] }, new Error()), 'failure')
    assert.equal(constructed, 0)
  })

  it('S5: an excluded error is not passed to any later predicate or classifier', () => {
    let asked = 0
    const classifyError = (): 'failure' => {
      asked++
      return 'failure'
    }
    assert.equal(judge({ exclude: [NotFound], classifyError }, new NotFound()), 'ignored')
    assert.equal(asked, 0)
    assert.equal(judge({ exclude: [NotFound], classifyError }, new Error()), 'failure')
    assert.equal(asked, 1)
  })

  it('S5: only errors can be excluded, never results', async () => {
    const breaker = new CircuitBreaker({ exclude: [() => true] })
    await breaker.call(() => new Error('returned'))
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('S5: an async predicate, whose promise would always be true, excludes nothing and is reported', () => {
    for (const answer of [false, true]) {
      const async = (async () => answer) as unknown as Exclusion
      assert.equal(judge({ exclude: [async] }, new Error()), 'failure, reported')
    }
  })

  for (const way of WAYS) {
    it(`S5: excluded errors are ignored by ${way.name}, and the caller gets them`, async () => {
      const breaker = breakerFor(way, { failMax: 1, exclude: [NotFound] })
      const error = new NotFound('own')
      for (const fn of [() => Promise.reject(error), thrower(error)]) {
        await assert.rejects(way.call(breaker, fn), (thrown) => thrown === error)
      }
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.failCounter, 0)
      assert.equal(breaker.snapshot().ignored, 2)
    })
  }

  it('S5: errors of another realm are recognized by predicates and by classes of that realm', () => {
    const there = runInNewContext(`({
      abort: Object.assign(new Error('stop'), { name: 'AbortError' }),
      NotFound: class NotFound extends Error {},
      get notFound() { return new this.NotFound() },
    })`) as { abort: unknown; NotFound: Exclusion; notFound: unknown }
    assert.equal(judge({ exclude: [isAbortError] }, there.abort), 'ignored')
    assert.equal(judge({ exclude: [there.NotFound] }, there.notFound), 'ignored')
    assert.equal(judge({ exclude: [there.NotFound] }, new Error()), 'failure')
  })
})

function thrower(error: unknown): () => never {
  return () => {
    throw error
  }
}

describe('S5: AbortErrors where no signal is known', () => {
  const aborts = {
    'a DOMException': new DOMException('stopped', 'AbortError'),
    'an error of Node': Object.assign(new Error('stopped'), { name: 'AbortError', code: 'ABORT_ERR' }),
    'the reason of a signal': AbortSignal.abort().reason as unknown,
  }
  for (const [title, abort] of Object.entries(aborts)) {
    it(`S5: ${title} is a failure of a \`call\`, unless \`isAbortError\` is excluded`, async () => {
      const breaker = new CircuitBreaker({ failMax: 10 })
      await assert.rejects(breaker.call(() => Promise.reject(abort)))
      assert.equal(breaker.failCounter, 1)
      breaker.configure({ exclude: [isAbortError] })
      await assert.rejects(breaker.call(() => Promise.reject(abort)))
      assert.equal(breaker.failCounter, 1)
      assert.equal(breaker.snapshot().ignored, 1)
    })
  }

  it('S5: `isAbortError` compares the name and accepts any value', () => {
    for (const abort of Object.values(aborts)) assert.equal(isAbortError(abort), true)
    for (const other of [new Error('AbortError'), 'AbortError', undefined, null, 0, {}, () => {}]) {
      assert.equal(isAbortError(other), false)
    }
    assert.equal(isAbortError(new DOMException('late', 'TimeoutError')), false)
  })
})

describe('S5: a rejection by the same breaker', () => {
  it('S5: the nested rejection is ignored also where it comes as the error of a permit', () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    const permit = breaker.acquire()
    breaker.isolate()
    const rejection = rejectionOf(breaker)
    breaker.close()
    assert.equal(permit.failure(rejection), false)
    const next = breaker.acquire()
    assert.equal(next.failure(rejection), true)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().ignored, 1)
  })

  it('S5: no classifier gets the nested rejection', () => {
    const breaker = new CircuitBreaker({ failMax: 1, classifyError: () => 'failure' })
    breaker.isolate()
    const rejection = rejectionOf(breaker)
    breaker.close()
    breaker.acquire().failure(rejection)
    assert.equal(breaker.state, 'closed')
  })

  it('S5: the rejection of another breaker is a failure like any, also of one with the same name', () => {
    const other = new CircuitBreaker({ name: 'same' })
    other.isolate()
    const breaker = new CircuitBreaker({ name: 'same', failMax: 1 })
    breaker.acquire().failure(rejectionOf(other))
    assert.equal(breaker.state, 'open')
  })

  it('S5: the mark is private: a look-alike of the rejection does not have it', () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    breaker.isolate()
    const rejection = rejectionOf(breaker)
    const lookalikes = {
      'an heir': Object.create(rejection) as object,
      'a copy': Object.assign(
        Object.create(Object.getPrototypeOf(rejection) as object) as object,
        rejection,
        Object.getOwnPropertyDescriptors(rejection),
      ),
      'a proxy of it': new Proxy(rejection, {}),
    }
    for (const [title, lookalike] of Object.entries(lookalikes)) {
      breaker.close()
      breaker.acquire().failure(lookalike)
      assert.equal(breaker.state, 'open', title)
    }
  })

  // What clients make of an error that they get.
  const wrappers: Record<string, (error: unknown) => unknown> = {
    'the cause of an error': (cause) => new Error('outer', { cause }),
    'the cause of an error, 8 deep': (error) => {
      let outer = error
      for (let i = 0; i < 8; i++) outer = new Error('outer', { cause: outer })
      return outer
    },
    'the last error of a retry': (lastError) => Object.assign(new Error('gave up'), { lastError }),
    'one of the errors of a retry': (error) => Object.assign(new Error('gave up'), { errors: [down, error] }),
    'the last of an AggregateError': (error) =>
      new AggregateError([...Array.from({ length: 20 }, () => down), error]),
    'the cause of one of many errors': (cause) => new AggregateError([down, new Error('outer', { cause })]),
    'the last error, where the cause cannot be read': (lastError) =>
      Object.defineProperty({ lastError }, 'cause', {
        get() {
          throw new Error('hostile')
        },
      }),
    'the cause of what is no Error': (cause) => ({ cause }),
    'the cause of an error that is its own last error': (cause) => {
      const outer = new Error('outer', { cause })
      return Object.assign(outer, { lastError: outer })
    },
  }
  for (const [title, wrap] of Object.entries(wrappers)) {
    it(`S5: a rejection by the same breaker is ignored as ${title}, and that of another counts`, () => {
      const other = new CircuitBreaker()
      other.isolate()
      const breaker = new CircuitBreaker({ failMax: 1 })
      breaker.isolate()
      const own = rejectionOf(breaker)
      breaker.close()
      breaker.acquire().failure(wrap(own))
      assert.deepEqual([breaker.state, breaker.snapshot().ignored], ['closed', 1])
      breaker.acquire().failure(wrap(rejectionOf(other)))
      assert.equal(breaker.state, 'open')
    })
  }
})
