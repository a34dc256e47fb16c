import { invokeSync, settleResult, settleThrow, type AnyFunction } from './call.ts'
import type { Circuit } from './circuit.ts'
import { guardAsyncGenerator, guardGenerator } from './generator.ts'
import { runTracked, type Fallback } from './task.ts'
import { check } from './validate.ts'

/** Marks a function that a circuit guards, so that a call of it through the same circuit counts once. */
const GUARDED_BY = Symbol('recloser.guardedBy')

export function isGuardedBy(fn: AnyFunction, circuit: Circuit): boolean {
  return (fn as { [GUARDED_BY]?: Circuit })[GUARDED_BY] === circuit
}

/** The guarded form of `fn`: same `this`, same parameters, same `name` and `length`. */
export function guard(circuit: Circuit, fn: AnyFunction, fallback: AnyFunction | undefined): AnyFunction {
  const kind = Object.prototype.toString.call(fn)
  const ofGenerator = kind === '[object GeneratorFunction]' || kind === '[object AsyncGeneratorFunction]'
  check(
    !ofGenerator || !fallback,
    'fallback',
    'left out: what stands in for a generator is for its consumer',
    fallback,
  )
  if (kind === '[object GeneratorFunction]') return like(fn, guardGenerator(circuit, fn))
  if (kind === '[object AsyncGeneratorFunction]') return like(fn, guardAsyncGenerator(circuit, fn))
  if (isGuardedBy(fn, circuit) && !fallback) return fn
  return mark(
    circuit,
    like(
      fn,
      fallback
        ? function (...args) {
            const recover: Fallback<unknown> = (error) => fallback.call(this, error, ...args)
            return runTracked(circuit, () => fn.apply(this, args), args, undefined, recover)
          }
        : function (...args) {
            const generation = circuit.plain
            if (generation === undefined) return runTracked(circuit, () => fn.apply(this, args), args)
            generation.inFlight++
            try {
              const result = fn.call(this, ...args)
              return result instanceof Promise
                ? result.then(generation.onFulfilled, generation.onRejected)
                : settleResult(circuit, generation, result)
            } catch (error) {
              return settleThrow(circuit, generation, error)
            }
          },
    ),
  )
}

export function guardSync(circuit: Circuit, fn: AnyFunction): AnyFunction {
  if (isGuardedBy(fn, circuit)) return fn
  return mark(
    circuit,
    like(fn, function (...args) {
      return invokeSync(circuit, fn, this, args)
    }),
  )
}

function mark(circuit: Circuit, wrapper: AnyFunction): AnyFunction {
  return Object.defineProperty(wrapper, GUARDED_BY, { value: circuit })
}

function like(fn: AnyFunction, wrapper: AnyFunction): AnyFunction {
  return Object.defineProperties(wrapper, {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  })
}
