import type { Circuit } from '../core/circuit.ts'
import { callOther } from './call.ts'
import { guardedBy, type AnyFunction } from './guarded.ts'
import type { RunOptions } from './signatures.ts'
import { Context, runTracked, type TaskContext } from './task.ts'
import { anAbortSignal, checkFunction, readOptions } from '../base/validate.ts'
import { plain } from './wrap.ts'

type Task = (context: TaskContext) => unknown

/** Runs a task that can be aborted. The task may be a guarded function, whose own fallback then applies. */
export function runTask(circuit: Circuit, given: Task, options: RunOptions<unknown>): Promise<unknown> {
  let read: RunOptions<unknown>
  try {
    checkFunction(given, 'task')
    read = readOptions<RunOptions<unknown>>(
      options,
      { signal: anAbortSignal, fallback: checkFunction },
      'run options',
    )
  } catch (error) {
    return Promise.reject(error)
  }
  const { signal } = read
  const before = guardedBy(circuit, given as AnyFunction)
  // Without a signal and a fallback a task is the same as a call.
  if (!signal && !read.fallback && circuit.fastPath) {
    const context = new Context(undefined, false)
    const fn = given as AnyFunction
    return before ? callOther(circuit, fn, context) : plain(circuit, fn)(context)
  }
  const { fn, fallback } = before ?? { fn: given as AnyFunction }
  // The fallback of a guarded function receives the arguments of the call, which is the context here.
  let context: TaskContext = new Context(signal, false)
  const task: Task = (own) => fn((context = own))
  const recover = fallback && ((error: unknown): unknown => fallback(error, context))
  return runTracked(circuit, task, [], signal, read.fallback ?? recover)
}
