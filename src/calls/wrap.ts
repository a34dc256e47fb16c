import { callTracked, invokeSync, isNativePromise, settleResult, settleThrow } from './call.ts'
import type { Circuit } from '../core/circuit.ts'
import { callChannel } from '../events/diagnostics.ts'
import { guardAsyncGenerator, guardGenerator } from './generator.ts'
import { guardedBy, mark, type AnyFunction } from './guarded.ts'
import { bodyOf, runTracked, type Fallback } from './task.ts'
import { check, checkFunction, readOptions, tagOf } from '../base/validate.ts'

/**
 * Returns the guarded version of a function, with the same `this`, parameters, `name` and `length`. A method counts as
 * one with the first call of the same breaker that it makes synchronously.
 */
export function guard(
  circuit: Circuit,
  given: AnyFunction,
  options: { readonly fallback?: AnyFunction | undefined } = {},
  method = false,
): AnyFunction {
  checkFunction(given, 'fn')
  const read = readOptions<typeof options>(options, { fallback: checkFunction }, 'wrap options')
  const before = guardedBy(circuit, given)
  const fn = before?.fn ?? given
  const fallback = read.fallback ?? before?.fallback
  const isMethod = method || !!before?.isMethod
  const kind = tagOf(fn)
  let guarded: AnyFunction
  if (kind === 'GeneratorFunction' || kind === 'AsyncGeneratorFunction') {
    check(!fallback, 'fallback', 'left out for a generator', fallback)
    guarded = (kind === 'GeneratorFunction' ? guardGenerator : guardAsyncGenerator)(circuit, fn, isMethod)
  } else if (fallback) guarded = withFallback(circuit, fn, fallback, isMethod)
  else guarded = (isMethod ? guardMethod : plain)(circuit, fn)
  return mark(circuit, fn, guarded, fallback, isMethod)
}

/** Returns the guarded version of a synchronous function. */
export function guardSync(circuit: Circuit, given: AnyFunction): AnyFunction {
  checkFunction(given, 'fn')
  const fn = guardedBy(circuit, given)?.fn ?? given
  return mark(circuit, fn, function (...args) {
    return invokeSync(circuit, fn, this, args)
  })
}

/** Returns the guarded version of a function without a fallback, not yet marked. */
function plain(circuit: Circuit, fn: AnyFunction): (this: unknown, ...args: unknown[]) => Promise<unknown> {
  return function (...args) {
    const call = callChannel?.hasSubscribers ? undefined : circuit.fastPath?.admit()
    if (call === undefined) return callTracked(circuit, fn, this, ...args)
    try {
      const result = this === undefined ? fn(...args) : fn.apply(this, args) // calling directly is faster
      return isNativePromise(result)
        ? result.then(call.onFulfilled, call.onRejected)
        : settleResult(call, result)
    } catch (error) {
      return settleThrow(call, error)
    }
  }
}

function withFallback(
  circuit: Circuit,
  fn: AnyFunction,
  fallback: AnyFunction,
  isMethod: boolean,
): AnyFunction {
  return function (...args) {
    const recover: Fallback<unknown> = (error) => fallback.call(this, error, ...args)
    const body = bodyOf(isMethod, () => fn.apply(this, args))
    return runTracked(circuit, body, args, { fallback: recover })
  }
}

/** Returns the guarded version of a method without a fallback, not yet marked. */
function guardMethod(circuit: Circuit, fn: AnyFunction): AnyFunction {
  return function (...args) {
    const call = callChannel?.hasSubscribers ? undefined : circuit.fastPath?.admit()
    if (!call)
      return runTracked(
        circuit,
        bodyOf(true, () => fn.apply(this, args)),
        args,
      )
    const method = circuit.toMethod(call)
    try {
      const result = circuit.enclose(method, () => fn.apply(this, args))
      const { handlers } = method
      return isNativePromise(result)
        ? result.then(handlers.onFulfilled, handlers.onRejected)
        : settleResult(handlers, result)
    } catch (error) {
      return settleThrow(method.handlers, error)
    }
  }
}
