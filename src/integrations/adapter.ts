/**
 * Building blocks for adapters: guards the calls of a library that stream, outlive a promise or can be aborted.
 *
 * @module
 */

import { check, isObject, readOptions } from '../base/validate.ts'
import { CircuitBreaker } from '../breaker.ts'
import { SupervisedCall } from '../calls/supervised-call.ts'

export type { SupervisedCall } from '../calls/supervised-call.ts'
export type { WatchOptions } from '../calls/watch.ts'

/** The options of {@link superviseCall}. */
export interface SuperviseOptions {
  /**
   * The caller's signal. When it aborts, the call is ignored, or a failure if the reason is a `TimeoutError`, such as
   * that of `AbortSignal.timeout`. `null` is the same as none.
   *
   * @default no signal
   */
  readonly signal?: AbortSignal | null | undefined
}

/**
 * Acquires a permit for a call that an adapter makes, and returns a `SupervisedCall` that handles the timeout, the
 * caller's signal and a response that streams, and that settles the permit exactly once. The integrations of this
 * package are built on it.
 *
 * If a call is a function that returns a promise, use `breaker.call` or `breaker.run` instead: they do all of this.
 *
 * @param breaker the breaker that admits or rejects the call.
 * @returns the admitted call, which the adapter must settle.
 * @throws {CircuitBreakerError} when the circuit rejects the call.
 * @throws the reason of `signal`, if it has aborted already; then no permit is taken.
 * @throws {TypeError} when `breaker` is not a `CircuitBreaker` of this copy of the package, or when an option is
 *   invalid.
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
 *     call.stopTimeout() // the answer has begun: `callTimeout` no longer applies
 *     call.lap() // the duration of the call ends here
 *     for await (const item of items) {
 *       call.renew() // each item renews the lease of a probe
 *       yield item
 *     }
 *     call.succeed()
 *   } catch (error) {
 *     throw call.fail(error)
 *   } finally {
 *     call.ignore() // the consumer stopped early; no effect on a settled call
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
  const { signal } = readOptions<SuperviseOptions>(options, { signal: () => {} }, 'superviseCall options')
  return new SupervisedCall(circuit, signal)
}
