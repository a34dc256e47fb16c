import type { AnyFunction } from './guarded.ts'
import type { Circuit } from '../core/circuit.ts'
import { CircuitBreakerError } from '../base/errors.ts'
import type { CallPermit } from '../core/permit.ts'

type Step = IteratorResult<unknown, unknown>
type Method = 'next' | 'return' | 'throw'

/**
 * Admits a generator: one call that lasts from the first `next()` to the end. If its consumer ends it early, by
 * `return()` or by throwing into it, the call is ignored.
 */
function begin(circuit: Circuit, args: unknown[]): CallPermit {
  const permit = circuit.admit(args)
  if (permit instanceof CircuitBreakerError) throw permit
  permit.paced = true
  return permit
}

/** Resumes the generator. Its consumer has taken as long as it liked, so the lease of a probe restarts. */
function resume<R>(permit: CallPermit, isMethod: boolean, fn: () => R): R {
  permit.renew()
  permit.waiting = false
  return permit.run(isMethod ? () => permit.enclose(fn) : fn)
}

function onStep(permit: CallPermit, method: Method, step: Step): Step {
  if (step.done) permit.settle(false, step.value, method === 'next' ? undefined : 'ignored')
  else {
    permit.renew()
    permit.waiting = true
  }
  return step
}

function onError(permit: CallPermit, method: Method, error: unknown, sent: unknown): unknown {
  const byConsumer = method === 'return' || (method === 'throw' && error === sent)
  permit.settle(true, error, byConsumer ? 'ignored' : undefined)
  return permit.tripError ?? error
}

/** Returns the guarded version of a generator function. A method knows the calls of the same breaker that its steps make synchronously. */
export function guardGenerator(circuit: Circuit, fn: AnyFunction, isMethod: boolean): AnyFunction {
  return function* (...args) {
    const permit = begin(circuit, args)
    // Created by the first step: evaluating the parameters may throw.
    let inner: Generator<unknown, unknown> | undefined
    const drive =
      (method: Method) =>
      (sent?: unknown): Step => {
        try {
          return onStep(
            permit,
            method,
            resume(permit, isMethod, () =>
              (inner ??= fn.apply(this, args) as Generator<unknown, unknown>)[method](sent),
            ),
          )
        } catch (error) {
          throw onError(permit, method, error, sent)
        }
      }
    return yield* { [Symbol.iterator]: (): Iterator<unknown, unknown> => each(drive) }
  }
}

/** Returns the guarded version of an async generator function. */
export function guardAsyncGenerator(circuit: Circuit, fn: AnyFunction, isMethod: boolean): AnyFunction {
  return async function* (...args) {
    const lease = circuit.awaitLease(undefined)
    if (lease) await lease
    const permit = begin(circuit, args)
    let inner: AsyncGenerator<unknown, unknown> | undefined
    const drive =
      (method: Method) =>
      async (sent?: unknown): Promise<Step> => {
        try {
          return onStep(
            permit,
            method,
            await resume(permit, isMethod, () =>
              (inner ??= fn.apply(this, args) as AsyncGenerator<unknown, unknown>)[method](sent),
            ),
          )
        } catch (error) {
          throw onError(permit, method, error, sent)
        }
      }
    return yield* { [Symbol.asyncIterator]: (): AsyncIterator<unknown, unknown> => each(drive) }
  }
}

function each<F>(drive: (method: Method) => F): Record<Method, F> {
  return { next: drive('next'), return: drive('return'), throw: drive('throw') }
}
