import type { Circuit } from './circuit.ts'
import { calls } from './diagnostics.ts'
import { CircuitBreakerError } from './errors.ts'
import { handleRejection, isThenable } from './outcome.ts'
import type { ClosedGeneration } from './generation/closed.ts'
import { guardedBy } from './guarded.ts'
import { adopt, generatorError, isGenerator, runTracked } from './task.ts'
import { checkFunction, tagOf } from './validate.ts'

/** Any function; its types were checked where it was handed over. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown

// The hot path of a call stands where the call is made, in `call` and in each wrapper: even one more function between
// costs a third of what a guarded call costs in all. It hands over to these two for all but a promise.

// The function itself is what is compared: engines and tools that replace it are seen.
const then: unknown = Reflect.get(Promise.prototype, 'then')

/** Whether it is a promise whose `then` can be trusted to call back once. */
export function isNativePromise(result: unknown): result is Promise<unknown> {
  return result instanceof Promise && result.then === then
}

/** What a plain call returned is not a native promise. */
export function settleResult(
  circuit: Circuit,
  generation: ClosedGeneration,
  result: unknown,
): Promise<unknown> {
  if (isThenable(result)) return adopt(() => result).then(generation.onFulfilled, generation.onRejected)
  if (!isGenerator(result)) return Promise.resolve(generation.onFulfilled(result))
  const error = generatorError()
  circuit.settle(generation, undefined, true, error, 'ignored')
  return Promise.reject(error)
}

/** A plain call threw at once. */
export function settleThrow(circuit: Circuit, generation: ClosedGeneration, error: unknown): Promise<never> {
  circuit.settle(generation, undefined, true, error)
  return Promise.reject(error)
}

/** A call that is not plain. */
export function callTracked(
  circuit: Circuit,
  fn: AnyFunction,
  self: unknown,
  args: unknown[],
): Promise<unknown> {
  const timed = calls?.hasSubscribers ? undefined : circuit.timed
  const promise = timed && invokeTimed(circuit, timed, fn, self, args)
  return promise ?? runTracked(circuit, () => fn.apply(self, args), args)
}

/** The same for what `call` was given, whatever that is. */
export function callOther(circuit: Circuit, fn: AnyFunction, args: unknown[]): Promise<unknown> {
  if (typeof fn !== 'function') return adopt(() => checkFunction(fn, 'fn'))
  if (guardedBy(circuit, fn) && tagOf(fn) === 'Function') return adopt(() => fn(...args))
  return callTracked(circuit, fn, undefined, args)
}

/**
 * A call of a closed circuit that wants to know how long it takes, and nothing else. `undefined`: the clock, which is
 * user code, changed the state.
 */
function invokeTimed(
  circuit: Circuit,
  generation: ClosedGeneration,
  fn: AnyFunction,
  self: unknown,
  args: unknown[],
): Promise<unknown> | undefined {
  const start = circuit.time.now()
  if (circuit.timed !== generation) return undefined
  generation.inFlight++
  const succeed = (value: unknown): unknown => {
    circuit.succeed(generation, start, value)
    return value
  }
  const fail = (error: unknown): never => {
    circuit.fail(generation, start, error)
    throw error
  }
  try {
    const result = self === undefined ? fn(...args) : fn.apply(self, args)
    if (isNativePromise(result)) return result.then(succeed, fail)
    if (isThenable(result)) return adopt(() => result).then(succeed, fail)
    if (!isGenerator(result)) return Promise.resolve(succeed(result))
    const error = generatorError()
    circuit.fail(generation, start, error, 'ignored')
    return Promise.reject(error)
  } catch (error) {
    circuit.fail(generation, start, error)
    return Promise.reject(error)
  }
}

/** Runs whatever `callSync` was given. */
export function callSync(circuit: Circuit, fn: AnyFunction, args: unknown[]): unknown {
  checkFunction(fn, 'fn')
  return invokeSync(circuit, guardedBy(circuit, fn)?.fn ?? fn, undefined, args)
}

/** Runs a synchronous `fn` through the circuit. */
export function invokeSync(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  return calls?.hasSubscribers
    ? calls.traceSync(() => invoke(circuit, fn, self, args), { breaker: circuit.breaker, args })
    : invoke(circuit, fn, self, args)
}

function invoke(circuit: Circuit, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
  const permit = circuit.admit(args)
  if (permit instanceof CircuitBreakerError) throw permit
  let result: unknown
  let refusal: TypeError | undefined
  try {
    result = fn.apply(self, args)
    refusal = refuseAsync(result)
  } catch (error) {
    permit.settle(true, error)
    throw permit.tripError ?? error
  }
  if (refusal) {
    permit.ignore()
    throw refusal
  }
  permit.settle(false, result)
  return result
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
