import { it } from 'node:test'

export type Kind = typeof TypeError | typeof RangeError
/** A bad value, the class of the error, and how the message shows the value. */
export type Bad = readonly [value: unknown, kind: Kind, got: string]

export const notNumbers: Bad[] = [
  ['5', TypeError, '`"5"` (string)'],
  [null, TypeError, '`null` (null)'],
  [true, TypeError, '`true` (boolean)'],
  [5n, TypeError, '`5` (bigint)'],
  [{}, TypeError, '(object)'],
  [[5], TypeError, '(object)'],
  [Symbol('five'), TypeError, '(symbol)'],
]
export const NAN: Bad = [NaN, RangeError, '`NaN` (number)']
const ZERO: Bad = [0, RangeError, '`0` (number)']
const NEGATIVE: Bad = [-1, RangeError, '`-1` (number)']
export const INFINITE: Bad = [Infinity, RangeError, '`Infinity` (number)']
export const BELOW: Bad = [-Infinity, RangeError, '`-Infinity` (number)']
const FRACTION: Bad = [2.5, RangeError, '`2.5` (number)']
const UNSAFE: Bad = [2 ** 53, RangeError, '(number)']

export const positiveInteger = [
  ...notNumbers,
  NAN,
  ZERO,
  NEGATIVE,
  INFINITE,
  BELOW,
  FRACTION,
  UNSAFE,
  [() => 5, TypeError, '(function)'] as Bad,
]
export const positive = [...notNumbers, NAN, ZERO, NEGATIVE, INFINITE, BELOW]
export const positiveOrInfinity = [...notNumbers, NAN, ZERO, NEGATIVE, BELOW]
export const nonNegative = [...notNumbers, NAN, NEGATIVE, INFINITE, BELOW]
export const ratio = [
  ...notNumbers,
  NAN,
  ZERO,
  NEGATIVE,
  INFINITE,
  [1.001, RangeError, '`1.001` (number)'] as Bad,
  [50, RangeError, '`50` (number)'] as Bad,
]
export const notFunctions: Bad[] = [
  [5, TypeError, '`5` (number)'],
  ['f', TypeError, '`"f"` (string)'],
  [null, TypeError, '`null` (null)'],
  [{}, TypeError, '(object)'],
]
export const notStrings: Bad[] = [
  [5, TypeError, '`5` (number)'],
  [null, TypeError, '`null` (null)'],
  [Symbol('s'), TypeError, '(symbol)'],
  [{}, TypeError, '(object)'],
]
export const notObjects: Bad[] = [
  [5, TypeError, '`5` (number)'],
  ['x', TypeError, '`"x"` (string)'],
  [null, TypeError, '`null` (null)'],
  [() => ({}), TypeError, '(function)'],
]
export const notOptionObjects: Bad[] = [
  ...notObjects,
  [[], TypeError, '(object)'],
  [Promise.resolve({}), TypeError, '(object)'],
]
export const holes: Bad = [Object.assign([], { length: 1 }), TypeError, '`undefined` (undefined)']

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value without a text'
  }
}

/** Registers one test for each bad value, which calls `refuse` with it. */
export function table(
  title: string,
  bad: readonly Bad[],
  refuse: (value: never, ...expected: [Kind, string]) => void | Promise<void>,
): void {
  for (const [value, kind, got] of bad) {
    const shown =
      typeof value === 'string' ? `'${value}'` : Array.isArray(value) ? `[${value.join()}]` : textOf(value)
    it(`${title} is refused: ${shown} (${typeof value})`, () => refuse(value as never, kind, got))
  }
}
