import {
  callTracked,
  invokeSync,
  isNativePromise,
  settleResult,
  settleThrow,
  type AnyFunction,
} from './call.ts'
import type { Circuit } from './circuit.ts'
import { calls } from './diagnostics.ts'
import { guardAsyncGenerator, guardGenerator } from './generator.ts'
import { runTracked, type Fallback } from './task.ts'
import { check, tagOf } from './validate.ts'

/** Marks a function that a circuit guards, so that a call of it through the same circuit counts once. */
const GUARD = Symbol('recloser.guard')

interface Guard {
  readonly circuit: Circuit
  readonly fn: AnyFunction
  readonly fallback: AnyFunction | undefined
}

/** What is behind a function that `circuit` guards. */
export function guardedBy(circuit: Circuit, fn: AnyFunction): Guard | undefined {
  try {
    const mark = (fn as { [GUARD]?: Guard })[GUARD]
    return mark?.circuit === circuit ? mark : undefined
  } catch {
    return undefined // a proxy that does not like to be asked
  }
}

/** The guarded form of `fn`: same `this`, same parameters, same `name` and `length`. */
export function guard(circuit: Circuit, given: AnyFunction, ownFallback?: AnyFunction): AnyFunction {
  const before = guardedBy(circuit, given)
  const fn = before?.fn ?? given
  const fallback = ownFallback ?? before?.fallback
  const kind = tagOf(fn)
  if (kind !== 'GeneratorFunction' && kind !== 'AsyncGeneratorFunction') {
    return mark(circuit, fn, fallback ? withFallback(circuit, fn, fallback) : plain(circuit, fn), fallback)
  }
  check(!fallback, 'fallback', 'left out: what stands in for a generator is for its consumer', fallback)
  return mark(circuit, fn, (kind === 'GeneratorFunction' ? guardGenerator : guardAsyncGenerator)(circuit, fn))
}

export function guardSync(circuit: Circuit, given: AnyFunction): AnyFunction {
  const fn = guardedBy(circuit, given)?.fn ?? given
  return mark(circuit, fn, function (...args) {
    return invokeSync(circuit, fn, this, args)
  })
}

function plain(circuit: Circuit, fn: AnyFunction): AnyFunction {
  return function (...args) {
    const generation = circuit.plain
    if (generation === undefined || calls?.hasSubscribers) return callTracked(circuit, fn, this, args)
    generation.inFlight++
    try {
      const result = this === undefined ? fn(...args) : fn.apply(this, args) // the first is quicker
      return isNativePromise(result)
        ? result.then(generation.onFulfilled, generation.onRejected)
        : settleResult(circuit, generation, result)
    } catch (error) {
      return settleThrow(circuit, generation, error)
    }
  }
}

function withFallback(circuit: Circuit, fn: AnyFunction, fallback: AnyFunction): AnyFunction {
  return function (...args) {
    const recover: Fallback<unknown> = (error) => fallback.call(this, error, ...args)
    return runTracked(circuit, () => fn.apply(this, args), args, undefined, recover)
  }
}

function mark(circuit: Circuit, fn: AnyFunction, wrapper: AnyFunction, fallback?: AnyFunction): AnyFunction {
  return Object.defineProperties(wrapper, {
    [GUARD]: { value: { circuit, fn, fallback } satisfies Guard },
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  })
}
