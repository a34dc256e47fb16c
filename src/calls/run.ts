import type { Circuit } from '../core/circuit.ts'
import { callOther } from './call.ts'
import { guardedBy, type AnyFunction } from './guarded.ts'
import type { RunOptions } from './signatures.ts'
import { beginning, Context, runTracked, type TaskContext } from './task.ts'
import { follow, type Caller } from '../base/signal.ts'
import { checkFunction, positiveOrInfinity, readOptions } from '../base/validate.ts'
import { plain } from './wrap.ts'

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
  // Without limits a task is the same as a call. Inside of a request the circuit has a fast path in any case.
  const isUnlimited = callTimeout === undefined && circuit.options.callTimeout === Infinity
  if (isUnlimited && !caller && !read.fallback && circuit.fastPath) {
    const context = new Context()
    const fn = given as AnyFunction
    return before ? callOther(circuit, fn, context) : plain(circuit, fn)(context)
  }
  const { fn, fallback, isMethod = false } = before ?? { fn: given as AnyFunction }
  const signal = read.signal ?? undefined
  // The fallback of a guarded function receives the arguments of the call, which is the context here.
  let context: TaskContext = new Context(signal)
  const task = beginning(isMethod, (own) => fn((context = own)))
  const recover = fallback && ((error: unknown): unknown => fallback(error, context))
  return runTracked(circuit, task, [], {
    signal,
    caller,
    callTimeout,
    fallback: read.fallback ?? recover,
  })
}
