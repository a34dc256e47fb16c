import type { AnyFunction } from './call.ts'
import type { Circuit } from '../core/circuit.ts'
import { guardedBy } from './guarded.ts'
import type { RunOptions } from './signatures.ts'
import { checkSignal, Context, runTracked, type TaskContext } from './task.ts'
import { checkFunction, readOptions } from '../base/validate.ts'

type Task = (context: TaskContext) => unknown

/** Runs a task that can be aborted. What a guarded function brings along holds for it as a task, too. */
export function runTask(circuit: Circuit, given: Task, options: RunOptions<unknown>): Promise<unknown> {
  let read: RunOptions<unknown>
  try {
    checkFunction(given, 'task')
    read = readOptions<RunOptions<unknown>>(
      options,
      { signal: checkSignal, fallback: checkFunction },
      'run options',
    )
  } catch (error) {
    return Promise.reject(error)
  }
  const { signal, fallback } = read
  if (!signal && !fallback && circuit.direct)
    return circuit.breaker.call(given, new Context(undefined, false))
  const before = guardedBy(circuit, given as AnyFunction)
  const task = (before?.fn as Task | undefined) ?? given
  return runTracked(circuit, task, [], signal, fallback ?? (before?.fallback as typeof fallback))
}
