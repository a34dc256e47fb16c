import type { Circuit } from '../core/circuit.ts'
import { callChannel } from '../events/diagnostics.ts'
import type { Handlers } from '../core/generation/closed.ts'
import { CircuitBreakerError } from '../base/errors.ts'
import { handleRejection, isThenable } from '../base/outcome.ts'
import { guardedBy, type AnyFunction } from './guarded.ts'
import { adopt, generatorError, isGenerator, runTracked } from './task.ts'
import { checkFunction, tagOf } from '../base/validate.ts'

// The fast path of a call is inlined in `CircuitBreaker.call`, in `runTask` and in `plain`: one more function call in between would
// cost a third of a guarded call. The functions below handle everything but a promise.

// Captured once, so that a `then` that was replaced later is noticed.
const then: unknown = Reflect.get(Promise.prototype, 'then')

/** Whether `result` is a promise with the built-in `then`, which is known to call back exactly once. */
export function isNativePromise(result: unknown): result is Promise<unknown> {
  return result instanceof Promise && result.then === then
}

/** Settles a call on the fast path that returned anything but a native promise. */
export function settleResult(call: Handlers, result: unknown): Promise<unknown> {
  if (isThenable(result)) return adopt(() => result).then(call.onFulfilled, call.onRejected)
  return adopt(() =>
    isGenerator(result) ? call.onRejected(generatorError(), 'ignored') : call.onFulfilled(result),
  )
}

/** Settles a call on the fast path that threw. */
export function settleThrow(call: Handlers, error: unknown): Promise<unknown> {
  return adopt(() => call.onRejected(error))
}

/** Runs a call that cannot take the fast path. */
export function callTracked(
  circuit: Circuit,
  fn: AnyFunction,
  self: unknown,
  ...args: unknown[]
): Promise<unknown> {
  return runTracked(circuit, () => fn.apply(self, args), args)
}

/** Runs whatever `call` was given that cannot take the fast path. */
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

// A function of its own, since a closure in `invokeSync` would cost each call an allocation.
function traceSync(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  return callChannel?.traceSync(() => invoke(circuit, fn, self, args), { breaker: circuit.breaker, args })
}

function invoke(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  const permit = circuit.admit(args)
  if (permit instanceof CircuitBreakerError) throw permit
  return permit.run(() => finish(permit.handlers, fn, self, args))
}

/** Runs a function that has been admitted. */
function finish(call: Handlers, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  let result: unknown
  let refusal: TypeError | undefined
  try {
    result = fn.apply(self, args)
    refusal = refuseAsync(result)
  } catch (error) {
    throw call.onRejected(error).error
  }
  if (refusal) throw call.onRejected(refusal, 'ignored').error
  return call.onFulfilled(result)
}

/** Returns an error for a promise or a generator: their outcomes are not known yet. */
function refuseAsync(result: unknown): TypeError | undefined {
  if (isGenerator(result)) return generatorError()
  if (!isThenable(result)) return undefined
  handleRejection(result)
  return new TypeError('Expected a synchronous function, got a promise: use `call` or `wrap`')
}
