import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError, isFailedResultError } from '../../../src/index.ts'
import { superviseCall } from '../../../src/integrations/adapter.ts'
import { deferred } from '../../helpers/deferred.ts'
import { nextTick } from '../../helpers/next-tick.ts'

// Two tenants share a breaker. Whatever belongs to a call of one must not reach the other.

const tenant = new AsyncLocalStorage<string>()

/** The failure of a client, with what such errors have: the request that failed, and its credentials. */
function failureOf(name: string): Error {
  const config = { headers: { authorization: `Bearer of ${name}` } }
  return Object.assign(new Error('down'), { config, request: { of: name } })
}

/** Every object that can be reached from `value`, and the strings in them. */
function reachable(value: unknown, seen = new Set<unknown>()): Set<unknown> {
  if (seen.has(value)) return seen
  seen.add(value)
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return seen
  for (const { value: each } of Object.values(Object.getOwnPropertyDescriptors(value))) reachable(each, seen)
  return seen
}

/** Fails unless nothing in `value` mentions this tenant. */
function assertFreeOf(name: string, value: unknown): void {
  for (const each of reachable(value)) {
    assert.ok(!(typeof each === 'string' && each.includes(name)), `it mentions ${String(each)}`)
  }
}

describe('S7: of two tenants that share a breaker', () => {
  it('S7: each gets its own error and the fallback its own failure', async () => {
    const breaker = new CircuitBreaker({ failMax: 10 })
    const errors: Record<string, unknown> = {}
    const ask = (name: string): Promise<unknown> =>
      breaker.run(() => Promise.reject(failureOf(name)), { fallback: (error) => (errors[name] = error) })
    await Promise.all([ask('alice'), ask('bob')])
    assertFreeOf('bob', errors['alice'])
    assertFreeOf('alice', errors['bob'])
  })

  it('S7: each gets its own failed result', async () => {
    const breaker = new CircuitBreaker({ failMax: 10, classifyResult: () => 'failure' })
    const ask = (name: string): Promise<unknown> =>
      breaker.run(() => ({ status: 500, of: name }), { fallback: (error) => error })
    const [alice, bob] = await Promise.all([ask('alice'), ask('bob')])
    assert.ok(isFailedResultError(alice) && isFailedResultError(bob))
    assertFreeOf('bob', alice)
    assertFreeOf('alice', bob)
  })

  it('S7: the reason of an abort reaches only the tasks and the caller that it belongs to', async () => {
    const breaker = new CircuitBreaker({ callTimeout: 1e6 })
    const callers = { alice: new AbortController(), bob: new AbortController() }
    const signals: Record<string, AbortSignal> = {}
    const ask = (name: keyof typeof callers): Promise<unknown> =>
      breaker.run(
        ({ signal }) => {
          signals[name] = signal
          return new Promise(() => {})
        },
        { signal: callers[name].signal },
      )
    const calls = [ask('alice'), ask('bob')]
    callers.alice.abort(failureOf('alice'))
    await assert.rejects(calls[0]!)
    assert.equal(signals['bob']?.aborted, false)
    callers.bob.abort(failureOf('bob'))
    const error: unknown = await calls[1]!.catch((reason: unknown) => reason)
    assertFreeOf('alice', [error, signals['bob']?.reason])
  })

  it('S7: each event is of one call', async () => {
    const events: unknown[] = []
    const note = (event: object): void => void events.push({ ...event, breaker: undefined })
    const breaker = new CircuitBreaker({
      failMax: 10,
      listeners: [{ beforeCall: note, success: note, failure: note, ignored: note, fallback: note }],
    })
    const ask = (name: string): Promise<unknown> =>
      breaker.wrap((given: string) => Promise.reject(failureOf(given)), {
        fallback: (_, given) => `for ${given}`,
      })(name)
    await Promise.all([ask('alice'), ask('bob')])
    assert.equal(events.length, 6)
    for (const event of events) {
      const text = [...reachable(event)].filter((each) => typeof each === 'string').join()
      assert.ok(!(text.includes('alice') && text.includes('bob')), text)
    }
  })

  it('S7: functions, fallbacks and what waits run in the async context of their own tenant', async () => {
    const breaker = new CircuitBreaker({ failMax: 1, callTimeout: 1e6 })
    const seen: [place: string, expected: string, found: string | undefined][] = []
    const note = (place: string, name: string): void => void seen.push([place, name, tenant.getStore()])
    const gates = { alice: deferred(), bob: deferred() }
    const as = (name: keyof typeof gates): Promise<unknown> =>
      tenant.run(name, async () => {
        const answer = breaker.run(
          async () => {
            note('task', name)
            await gates[name].promise
            note('task, later', name)
            throw failureOf(name)
          },
          { signal: new AbortController().signal, fallback: () => note('fallback', name) },
        )
        await answer
        note('caller', name)
        await breaker.ready()
        note('ready', name)
        const call = superviseCall(breaker)
        await call.send(() => note('send', name))
        call.ignore()
      })
    const both = [as('alice'), as('bob')]
    gates.bob.resolve(undefined) // trips the circuit; alice's is late
    await nextTick()
    gates.alice.resolve(undefined)
    await nextTick()
    assert.equal(breaker.state, 'open')
    breaker.close()
    await Promise.all(both)
    assert.equal(seen.length, 12)
    for (const [place, expected, found] of seen) assert.equal(found, expected, place)
  })

  it('S7: a resource that is born in the call of one is not bound to that call', async () => {
    // A pool creates a connection within a probe of alice, and serves bob with it.
    const breaker = new CircuitBreaker({ failMax: 1 })
    breaker.halfOpen()
    const requests: ((answer: string) => void)[] = []
    let connection: ((query: string) => Promise<string>) | undefined
    const connect = (): NonNullable<typeof connection> => {
      // The connection answers in the async context in which it was born, as sockets do.
      let last: Promise<unknown> = Promise.resolve()
      return (query) => {
        const answer = last.then(() => new Promise<string>((resolve) => requests.push(resolve)))
        last = answer
        return answer.then((text) => `${text} to ${query}`)
      }
    }
    const ask = (name: string): Promise<string> =>
      tenant.run(name, () => breaker.call(() => (connection ??= connect())(name)))
    const alice = ask('alice')
    await nextTick()
    requests.shift()!('answer')
    assert.equal(await alice, 'answer to alice')
    assert.equal(breaker.state, 'closed')
    breaker.isolate()
    // Bob's call is rejected, although the connection was born in a probe.
    const error: unknown = await ask('bob').catch((reason: unknown) => reason)
    assert.ok(isCircuitBreakerError(error))
    assertFreeOf('alice', error)
  })
})
