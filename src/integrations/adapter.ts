/**
 * For adapters: how a library whose calls last, stream or are aborted goes through a circuit breaker.
 *
 * @module
 */

import { anAbortSignal, check, isObject, readOptions } from '../base/validate.ts'
import { CircuitBreaker } from '../breaker.ts'
import { SupervisedCall } from '../calls/supervised-call.ts'

export type { SupervisedCall } from '../calls/supervised-call.ts'
export type { WatchOptions } from '../calls/watch.ts'

/** The options of {@link superviseCall}. */
export interface SuperviseOptions {
  /** The caller's signal: when it aborts, the call is abandoned. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Begins a call that an adapter makes: takes a permit, and returns what sees to the time-out, the caller's signal and an
 * answer that lasts, and judges the call once. The integrations of this package are made of it.
 *
 * Where a call is a function that returns a promise, `breaker.call` and `breaker.run` do all that by themselves.
 *
 * @throws {CircuitBreakerError} if the circuit does not let the call through.
 * @throws {TypeError} if `breaker` is none, or one of another copy of this package, and for a bad option.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { superviseCall } from 'recloser/adapter'
 *
 * const feed = new CircuitBreaker({ name: 'feed', callTimeout: 1_000 })
 *
 * type Subscribe = (signal?: AbortSignal) => Promise<AsyncIterable<string>>
 *
 * async function* guarded(subscribe: Subscribe, signal?: AbortSignal) {
 *   const call = superviseCall(feed, { signal })
 *   try {
 *     const items = await call.send(subscribe)
 *     call.stopTimeout() // it has answered in time
 *     call.lap() // how long that took counts, and no more
 *     for await (const item of items) {
 *       call.renew() // a probe keeps its place while there are items
 *       yield item
 *     }
 *     call.succeed()
 *   } catch (error) {
 *     throw call.fail(error)
 *   } finally {
 *     call.ignore() // if the reader has left before the end
 *   }
 * }
 *
 * async function* items() {
 *   yield 'one'
 *   throw new Error('cut off')
 * }
 * try {
 *   for await (const item of guarded(async () => items())) console.log(item) // one
 * } catch (error) {
 *   console.log(String(error), feed.failCounter) // Error: cut off 1
 * }
 * ```
 */
export function superviseCall(breaker: CircuitBreaker, options: SuperviseOptions = {}): SupervisedCall {
  const circuit = isObject(breaker) ? CircuitBreaker.circuitOf(breaker) : undefined
  check(circuit !== undefined, 'breaker', 'a CircuitBreaker of this copy of the package', breaker)
  const { signal } = readOptions<SuperviseOptions>(
    options,
    { signal: anAbortSignal },
    'superviseCall options',
  )
  return new SupervisedCall(circuit, signal)
}
