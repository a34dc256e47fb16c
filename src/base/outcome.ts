import type { Outcome } from './state.ts'
import { check, checkFunction, isObject, readList } from './validate.ts'

/**
 * What `exclude` takes: an error class, or a predicate. A function is a class if its prototype is, or inherits from,
 * `Error.prototype`, or if its source begins with `class`.
 */
export type Exclusion = (abstract new (...args: never[]) => object) | ((error: unknown) => boolean)

/** Decides what an error means; `undefined` leaves it to the default, a failure. */
export type ClassifyError = (error: unknown) => Outcome | undefined

/** Decides what a result means; `undefined` leaves it to the default, a success. */
export type ClassifyResult = (value: unknown) => Outcome | undefined

export type Predicate = (error: unknown) => unknown

export function readExclusions(entries: unknown, name: string): readonly Exclusion[] {
  return readList(entries, name, 'an array of error classes and predicates', checkFunction) as Exclusion[]
}

export function toPredicate(entry: Exclusion): Predicate {
  return isClass(entry) ? (error) => error instanceof entry : entry
}

function isClass(entry: Exclusion): entry is abstract new (...args: never[]) => object {
  const prototype: unknown = entry.prototype
  return (
    prototype === Error.prototype ||
    prototype instanceof Error ||
    /^class[\s{]/.test(Function.prototype.toString.call(entry))
  )
}

/**
 * What a predicate or a classifier answered, if that is an answer. A promise is none, and as a predicate's it would
 * always be true; neither is the error that a class of another realm makes when it is called like a predicate.
 */
export function readAnswer(answer: unknown): unknown {
  if (!isObject(answer)) return answer
  handleRejection(answer)
  throw new TypeError(
    'Expected a predicate or classifier to answer at once, with a plain value; got an object',
  )
}

export function readOutcome(answer: unknown): Outcome | undefined {
  if (readAnswer(answer) === undefined) return undefined
  check(
    answer === 'success' || answer === 'failure' || answer === 'ignored',
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

/** Nobody waits for `value`; if it is a promise that rejects, that must not end the process. */
export function handleRejection(value: unknown, report: (error: unknown) => void = () => {}): void {
  if (isThenable(value)) Promise.resolve(value).then(undefined, report)
}

/** The user's classifiers. */
interface Classifiers {
  readonly classifyError: ClassifyError | undefined
  readonly classifyResult: ClassifyResult | undefined
}

/** The outcome of a call that threw or returned `payload`. Runs user code and throws what that throws. */
export function classify(
  { classifyError, classifyResult }: Classifiers,
  excluded: readonly Predicate[],
  threw: boolean,
  payload: unknown,
): Outcome {
  if (!threw) return (classifyResult && readOutcome(classifyResult(payload))) ?? 'success'
  for (const isExcluded of excluded) if (readAnswer(isExcluded(payload))) return 'ignored'
  return (classifyError && readOutcome(classifyError(payload))) ?? 'failure'
}
