import type { Circuit } from '../core/circuit.ts'
import { callChannel } from '../events/diagnostics.ts'
import type { Handlers } from '../core/generation/closed.ts'
import { CircuitBreakerError } from '../base/errors.ts'
import { handleRejection, isThenable } from '../base/outcome.ts'
import { guardedBy, type AnyFunction } from './guarded.ts'
import { adopt, generatorError, isGenerator, runTracked } from './task.ts'
import { checkFunction, tagOf } from '../base/validate.ts'

// The hot path of a call stands where the call is made, in `call` and in each wrapper: even one more function between
// costs a third of what a guarded call costs in all. It hands over to these two for all but a promise.

// The function itself is what is compared: engines and tools that replace it are seen.
const then: unknown = Reflect.get(Promise.prototype, 'then')

/** Whether it is a promise whose `then` can be trusted to call back once. */
export function isNativePromise(result: unknown): result is Promise<unknown> {
  return result instanceof Promise && result.then === then
}

/** What a direct call returned is not a native promise. */
export function settleResult(call: Handlers, result: unknown): Promise<unknown> {
  if (isThenable(result)) return adopt(() => result).then(call.onFulfilled, call.onRejected)
  return adopt(() =>
    isGenerator(result) ? call.onRejected(generatorError(), 'ignored') : call.onFulfilled(result),
  )
}

/** A direct call threw at once. */
export function settleThrow(call: Handlers, error: unknown): Promise<never> {
  return adopt(() => call.onRejected(error))
}

/** A call that is not direct. */
export function callTracked(
  circuit: Circuit,
  fn: AnyFunction,
  self: unknown,
  ...args: unknown[]
): Promise<unknown> {
  return runTracked(circuit, () => fn.apply(self, args), args)
}

/** The same for what `call` was given, whatever that is. */
export function callOther(circuit: Circuit, fn: AnyFunction, ...args: unknown[]): Promise<unknown> {
  if (typeof fn !== 'function') return adopt(() => checkFunction(fn, 'fn'))
  if (guardedBy(circuit, fn) && tagOf(fn) === 'Function') return adopt(() => fn(...args))
  return runTracked(circuit, () => fn(...args), args)
}

/** Runs whatever `callSync` was given. */
export function callSync(circuit: Circuit, fn: AnyFunction, args: unknown[]): unknown {
  checkFunction(fn, 'fn')
  return invokeSync(circuit, guardedBy(circuit, fn)?.fn ?? fn, undefined, args)
}

/** Runs a synchronous `fn` through the circuit. */
export function invokeSync(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  if (callChannel?.hasSubscribers) return traceSync(circuit, fn, self, args)
  const call = circuit.fastPath?.admit()
  return call ? finish(call, fn, self, args) : invoke(circuit, fn, self, args)
}

// By itself: a closure in `invokeSync` would cost each call an allocation.
function traceSync(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  return callChannel?.traceSync(() => invoke(circuit, fn, self, args), { breaker: circuit.breaker, args })
}

function invoke(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  const permit = circuit.admit(args)
  if (permit instanceof CircuitBreakerError) throw permit
  const call: Handlers = {
    onFulfilled(value) {
      permit.settle(false, value)
      return value
    },
    onRejected(error, outcome) {
      permit.settle(true, error, outcome)
      throw permit.tripError ?? error
    },
  }
  return finish(call, fn, self, args)
}

/** Makes a call that has been admitted. */
function finish(call: Handlers, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  let result: unknown
  let refusal: TypeError | undefined
  try {
    result = fn.apply(self, args)
    refusal = refuseAsync(result)
  } catch (error) {
    return call.onRejected(error)
  }
  return refusal ? call.onRejected(refusal, 'ignored') : call.onFulfilled(result)
}

/** A promise would be counted as a success before it is one. */
function refuseAsync(result: unknown): TypeError | undefined {
  if (isGenerator(result)) return generatorError()
  if (!isThenable(result)) return undefined
  handleRejection(result)
  return new TypeError(
    'Expected a synchronous function, got one that returns a promise: use `call` or `wrap`',
  )
}
