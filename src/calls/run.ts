import type { Circuit } from '../core/circuit.ts'
import { guardedBy, type AnyFunction } from './guarded.ts'
import type { RunOptions } from './signatures.ts'
import { Context, runTracked, type TaskContext } from './task.ts'
import { anAbortSignal, checkFunction, readOptions } from '../base/validate.ts'
import { plain } from './wrap.ts'

type Task = (context: TaskContext) => unknown

/** Runs a task that can be aborted. What a guarded function brings along holds for it as a task, too. */
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
  const task = before?.fn ?? (given as AnyFunction)
  const fallback = read.fallback ?? before?.fallback
  // Nothing is asked of it but its result: the same as a call.
  if (!signal && !fallback && circuit.direct) return plain(circuit, task)(new Context(undefined, false))
  return runTracked(circuit, task, [], signal, fallback)
}
