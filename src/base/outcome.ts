import type { Outcome } from './state.ts'
import { check, checkFunction, isObject, readList } from './validate.ts'

/**
 * An entry of `exclude`: an error class, or a predicate. A function counts as a class if its prototype is or inherits
 * from `Error.prototype`, or if its source starts with `class`.
 *
 * A predicate receives whatever was thrown, so its parameter is `unknown`: narrow it, or annotate it as `any`. One that
 * takes an `Error` does not compile, nor does one that returns a promise, nor a class with a private constructor.
 */
export type Exclusion = (abstract new (...args: never[]) => object) | ((error: unknown) => boolean)

/** Classifies an error. `undefined` stands for the default: a failure. */
export type ClassifyError = (error: unknown) => Outcome | undefined

/** Classifies a result. `undefined` stands for the default: a success. */
export type ClassifyResult = (value: unknown) => Outcome | undefined

export type Predicate = (error: unknown) => unknown

export function readExclusions(entries: unknown, name: string): readonly Exclusion[] {
  return readList(entries, name, 'an array of error classes and predicates', checkFunction) as Exclusion[]
}

export function toPredicate(entry: Exclusion): Predicate {
  return isClass(entry) ? (error) => error instanceof entry : entry
}

function isClass(entry: Exclusion): entry is abstract new (...args: never[]) => object {
  try {
    const prototype: unknown = entry.prototype
    return (
      prototype === Error.prototype ||
      prototype instanceof Error ||
      /^class[\s{]/.test(Function.prototype.toString.call(entry))
    )
  } catch {
    return false // a getter or a proxy threw
  }
}

/**
 * Returns the answer of a predicate, and throws if it is an object. A promise would always be truthy, and an error
 * class of another realm returns an error when it is called as a predicate.
 */
export function readAnswer(answer: unknown): unknown {
  handleRejection(answer)
  check(!isObject(answer), 'exclude()', 'a plain value', answer)
  return answer
}

/** Returns the outcome that a classifier answered. Throws if the answer is not an outcome. */
export function readOutcome(answer: unknown): Outcome | undefined {
  handleRejection(answer)
  check(
    answer === undefined || answer === 'success' || answer === 'failure' || answer === 'ignored',
    "a classifier's answer",
    "'success', 'failure', 'ignored' or undefined",
    answer,
  )
  return answer
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (isObject(value) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Prevents an unhandled rejection if `value` is a promise, since nothing awaits it. */
export function handleRejection(value: unknown, report: (error: unknown) => void = () => {}): void {
  if (isThenable(value)) Promise.resolve(value).then(undefined, report)
}
