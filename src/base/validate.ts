/** Renders any value for a message. */
function render(value: unknown): string {
  let text: string
  try {
    text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  } catch {
    text = 'a value that cannot be shown'
  }
  return `\`${text.length > 60 ? `${text.slice(0, 60)}…` : text}\` (${value === null ? 'null' : typeof value})`
}

/**
 * Throws unless `holds`: a `RangeError` if a number was expected and given, otherwise a `TypeError`.
 * `expected` completes the sentence "Expected `name` to be …".
 */
export function check(holds: boolean, name: string, expected: string, got: unknown): asserts holds {
  if (holds) return
  const Kind = typeof got === 'number' && /number|integer/.test(expected) ? RangeError : TypeError
  throw new Kind(`Expected \`${name}\` to be ${expected}, got ${render(got)}`)
}

/** Checks one value and throws if it is invalid. May return a replacement for the value. */
export type Check = (value: unknown, name: string) => unknown

/** Creates a check for numbers; `expected` as in `check`. */
export function numberCheck(expected: string, holds: (value: number) => boolean): Check {
  return (value, name) => check(typeof value === 'number' && holds(value), name, expected, value)
}

export const positiveInteger: Check = /* @__PURE__ */ numberCheck(
  'a positive integer',
  (n) => Number.isSafeInteger(n) && n > 0,
)
export const nonNegativeInteger: Check = /* @__PURE__ */ numberCheck(
  'an integer from 0 up',
  (n) => Number.isSafeInteger(n) && n >= 0,
)
export const positive: Check = /* @__PURE__ */ numberCheck(
  'a positive finite number',
  (n) => n > 0 && n < Infinity,
)
export const positiveOrInfinity: Check = /* @__PURE__ */ numberCheck('a positive number', (n) => n > 0)
export const nonNegative: Check = /* @__PURE__ */ numberCheck(
  'a finite number from 0 up',
  (n) => n >= 0 && n < Infinity,
)
export const oneOrMore: Check = /* @__PURE__ */ numberCheck(
  'a finite number from 1 up',
  (n) => n >= 1 && n < Infinity,
)
export const ratio: Check = /* @__PURE__ */ numberCheck(
  'a number above 0 and at most 1',
  (n) => n > 0 && n <= 1,
)

export const aString: Check = (value, name) => check(typeof value === 'string', name, 'a string', value)
export const aBoolean: Check = (value, name) => check(typeof value === 'boolean', name, 'a boolean', value)

export const anAbortSignal: Check = (value, name) =>
  check(
    isObject(value) &&
      typeof value['aborted'] === 'boolean' &&
      typeof value['addEventListener'] === 'function' &&
      typeof value['removeEventListener'] === 'function',
    name,
    'an AbortSignal',
    value,
  )

export const aClock: Check = (value, name) => {
  check(isObject(value) && typeof value['now'] === 'function', name, 'an object with a method `now`', value)
  if (value['setTimer'] !== undefined) checkFunction(value['setTimer'], `${name}.setTimer`)
}

export function checkFunction(value: unknown, name: string): asserts value is (...args: never[]) => unknown {
  check(typeof value === 'function', name, 'a function', value)
}

export const oneOf =
  (allowed: readonly string[]): Check =>
  (value, name) =>
    check(allowed.includes(value as string), name, `one of '${allowed.join("', '")}'`, value)

/** Checks each element, holes included, and returns a frozen copy. */
export function readList(list: unknown, name: string, expected: string, element: Check): readonly unknown[] {
  check(Array.isArray(list), name, expected, list)
  return Object.freeze(Array.from(list, (each: unknown, index) => element(each, `${name}[${index}]`) ?? each))
}

/** Whether `value` is an object; false for functions. */
export const isObject = (value: unknown): value is Record<PropertyKey, unknown> =>
  typeof value === 'object' && value !== null

/** Returns the `Symbol.toStringTag` of a value, or its built-in class name; the same in all realms. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1)
  } catch {
    return ''
  }
}

/**
 * Reads and checks each property of `given` once, and returns a copy. `undefined` is the same as leaving an option out.
 * Throws for an unknown property, which is nearly always a typing error.
 */
export function readOptions<T extends object>(
  given: unknown,
  checks: { readonly [Name in keyof T]-?: Check },
  what: string,
): T {
  check(isObject(given) && !Array.isArray(given) && !('then' in given), what, 'an object', given)
  const result: Record<string, unknown> = {}
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(checks, name)) {
      throw new TypeError(
        `Expected ${what} to have only known names (${Object.keys(checks).join(', ')}), got \`${name}\``,
      )
    }
    const value = given[name]
    if (value === undefined) continue
    result[name] = checks[name as keyof T](value, name) ?? value
  }
  return result as T
}
