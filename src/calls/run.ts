import type { Circuit } from '../core/circuit.ts'
import { callOther, isNativePromise, settleResult, settleThrow } from './call.ts'
import { callChannel } from '../events/diagnostics.ts'
import { guardedBy, type AnyFunction } from './guarded.ts'
import type { RunOptions } from './signatures.ts'
import { bodyOf, Context, runTracked, type TaskContext } from './task.ts'
import { follow, type Caller } from '../base/signal.ts'
import { checkFunction, positiveOrInfinity, readOptions } from '../base/validate.ts'

type Task = (context: TaskContext) => unknown

const CHECKS = { signal: () => {}, callTimeout: positiveOrInfinity, fallback: checkFunction }
const NO_OPTIONS: RunOptions<unknown> = {}

/** Runs a task that can be aborted. The task may be a guarded function, whose own fallback then applies. */
export function runTask(circuit: Circuit, given: Task, options?: RunOptions<unknown>): Promise<unknown> {
  let read: RunOptions<unknown> = NO_OPTIONS
  let caller: Caller | undefined
  try {
    checkFunction(given, 'task')
    if (options !== undefined) {
      read = readOptions<RunOptions<unknown>>(options, CHECKS, 'run options')
      caller = follow(read.signal)
    }
  } catch (error) {
    return Promise.reject(error)
  }
  if (caller?.aborted) return Promise.reject(caller.reason)
  const before = guardedBy(circuit, given as AnyFunction)
  const { callTimeout } = read
  // Without limits a task is the same as a call.
  const isLimited = caller || read.fallback || callTimeout !== undefined
  if (!isLimited && before && circuit.isPlain) return callOther(circuit, given as AnyFunction, new Context())
  const isDirect = !isLimited && !before && !callChannel?.hasSubscribers
  const call = isDirect ? circuit.fastPath?.admit() : undefined
  if (call) {
    try {
      const result = given(new Context())
      return isNativePromise(result)
        ? result.then(call.onFulfilled, call.onRejected)
        : settleResult(call, result)
    } catch (error) {
      return settleThrow(call, error)
    }
  }
  const { fn, fallback, isMethod = false } = before ?? { fn: given as AnyFunction }
  const signal = read.signal ?? undefined
  // The fallback of a guarded function receives the arguments of the call, which is the context here.
  let context: TaskContext = new Context(signal)
  const task = bodyOf(isMethod, (own) => fn((context = own)))
  const recover = fallback && ((error: unknown): unknown => fallback(error, context))
  return runTracked(circuit, task, [], {
    signal,
    caller,
    callTimeout,
    fallback: read.fallback ?? recover,
  })
}
