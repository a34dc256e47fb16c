import { nearest } from './nearest.ts'

/** Escapes the characters that a terminal or an editor would obey or hide. */
export function escapeText(text: string): string {
  // Nearly all names and reasons are plain ASCII, and this is part of each rejection.
  if (!/[^ -~]/.test(text)) return text
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}

/** Cuts a text, and escapes it. */
function printable(text: string): string {
  return escapeText(text.slice(0, 99)).replace(/^(.{60}).+/u, '$1…')
}

const toText = (value: unknown): string => String(value)
const nameOf = (value: { readonly name?: unknown }): string => toText(value.name || 'anonymous')

/** Shows any value: an object by its properties or its class, but not what is nested in it. */
const show = (value: unknown, nested = false): string =>
  attempt(() => {
    if (typeof value === 'string') return JSON.stringify(value.slice(0, 99))
    if (typeof value === 'function') return nameOf(value)
    const isList = Array.isArray(value)
    if (!isObject(value) || (!isList && classesOf(value)[1])) {
      const text = toText(value)
      return text.startsWith('[object') ? nameOf((value as object).constructor) : text
    }
    const names = Object.keys(value).slice(0, 5)
    const each = (name: string): string => (isList ? '' : `${name}: `) + show(value[name], true)
    const shown = nested ? '…' : names.map(each).join(', ')
    if (isList) return `[${shown}]`
    return shown ? `{ ${shown} }` : '{}'
  }) ?? 'a value that cannot be shown'

/** Renders any value for a message. */
const render = (value: unknown): string =>
  `\`${printable(show(value))}\` (${value === null ? 'null' : typeof value})`

/**
 * Throws unless `holds`: a `RangeError` if a number was expected and given, otherwise a `TypeError`.
 * `expected` completes the sentence "Expected `name` to be …".
 */
export function check(holds: unknown, name: string, expected: string, got: unknown): asserts holds {
  if (holds) return
  const Kind = typeof got === 'number' && /number|integer/.test(expected) ? RangeError : TypeError
  throw new Kind(`Expected \`${name}\` to be ${expected}, got ${render(got)}`)
}

/**
 * Checks one value and throws if it is invalid. May return a replacement for the value. `context` is what else the check
 * depends on: another value, or `nullable` as in `readOptions`.
 */
export type Check = (value: unknown, name: string, context?: unknown) => unknown

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

const ofType =
  (type: string): Check =>
  (value, name) =>
    check(typeof value === type, name, `a ${type}`, value)

export const aString: Check = /* @__PURE__ */ ofType('string')
export const aBoolean: Check = /* @__PURE__ */ ofType('boolean')

type CheckFunction = (value: unknown, name: string) => asserts value is (...args: never[]) => unknown
export const checkFunction: CheckFunction = /* @__PURE__ */ ofType('function')

export const anAbortSignal: Check = (value, name) => check(isSignal(value), name, 'an AbortSignal', value)

export const aClock: Check = (value, name) => {
  check(hasMethods(value, 'now'), name, 'an object with a method `now`', value)
  const { setTimer } = value as { readonly setTimer?: unknown }
  if (setTimer !== undefined) checkFunction(setTimer, `${name}.setTimer`)
}

export const oneOf =
  (allowed: readonly string[]): Check =>
  (value, name) =>
    check(allowed.includes(value as string), name, `one of '${allowed.join("', '")}'`, value)

/** Checks each element, holes included, and returns a frozen copy. */
export function readList(list: unknown, name: string, expected: string, element: Check): readonly unknown[] {
  check(classesOf(list)[0] && Array.isArray(list), name, expected, list)
  return Object.freeze(Array.from(list, (each: unknown, index) => element(each, `${name}[${index}]`) ?? each))
}

/** Whether `value` is an object; false for functions. */
export const isObject = (value: unknown): value is Record<PropertyKey, unknown> =>
  typeof value === 'object' && value !== null

/** Returns what `read` returns; `undefined` if it throws. For values of the user, whose getters may throw. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Whether `value` is an object with these methods. Never throws. */
export const hasMethods = (value: unknown, ...names: readonly string[]): boolean =>
  attempt(() => isObject(value) && names.every((name) => typeof value[name] === 'function')) ?? false

/** Whether `value` can be used as an `AbortSignal`. Never throws. */
export const isSignal = (value: unknown): value is AbortSignal =>
  hasMethods(value, 'addEventListener', 'removeEventListener') &&
  attempt(() => typeof (value as AbortSignal).aborted) === 'boolean'

/** Returns the `Symbol.toStringTag` of a value, or its built-in class name; the same in all realms. */
export const tagOf = (value: unknown): string =>
  attempt(() => Object.prototype.toString.call(value).slice(8, -1)) ?? ''

/**
 * Returns an object and its prototypes, except for the `Object.prototype` of any realm: only itself if it is plain.
 * Returns nothing for what is not an object, and for a proxy that does not answer.
 */
export function classesOf(value: unknown): readonly object[] {
  const chain: object[] = []
  try {
    let next = isObject(value) ? (value as object | null) : null
    for (; next && !Object.hasOwn(next, 'isPrototypeOf'); next = Object.getPrototypeOf(next)) chain.push(next)
    return chain
  } catch {
    return []
  }
}

// The prototype of options that were read, which so inherit nothing. `classesOf` takes it for an `Object.prototype`, and
// engines create objects with it in a third less time than objects without a prototype.
const NOTHING = /* @__PURE__ */ Object.freeze({ __proto__: null, isPrototypeOf: true })

/** Copies objects of options into one that inherits nothing. Later options replace earlier ones. */
export const merge = <T extends object>(...options: readonly (Partial<T> | undefined)[]): T =>
  Object.assign(Object.create(NOTHING) as T, ...options) as T

/** Returns the known names that an object has, itself or by its classes. */
export const namesIn = (classes: readonly object[], known: readonly string[]): string[] =>
  known.filter((name) => classes.some((each) => Object.hasOwn(each, name)))

/**
 * Reads and checks options, each once, and returns a copy. `undefined` is the same as leaving an option out.
 *
 * A plain object has no unknown properties: one is nearly always a typing error. Any other object is read by the known
 * names, through its accessors, and has at least one of them: otherwise it was never meant as options.
 *
 * @param what names the options as a whole
 * @param path precedes the names of nested options
 * @param nullable whether each of them may be `null`, which then reads as `undefined`
 */
export function readOptions<T extends object>(
  given: unknown,
  checks: { readonly [Name in keyof T]-?: Check },
  what: string,
  path = '',
  nullable?: unknown,
): T {
  const classes = classesOf(given)
  const isClass = classes[1]
  // Arrays and errors have properties of their own that are no options.
  const isOther = isClass && /(Array|Error|Exception)$/.test(tagOf(given))
  check(classes[0] && !isOther, what, 'an object', given)
  const names = isClass ? namesIn(classes, Object.keys(checks)) : Object.getOwnPropertyNames(given)
  check(!isClass || names[0], what, 'an object with known options', given)
  const read = Object.create(NOTHING) as Record<string, unknown>
  for (const name of names) {
    if (!Object.hasOwn(checks, name)) throw unknownName(name, Object.keys(checks), what, path)
    const value = (given as Record<string, unknown>)[name]
    if (value === null && nullable) read[name] = undefined
    else if (value !== undefined) read[name] = checks[name as keyof T](value, path + name, nullable) ?? value
  }
  return read as T
}

function unknownName(name: string, known: readonly string[], what: string, path: string): TypeError {
  const near = nearest(name, known).map((each) => `\`${path}${each}\``)
  const [list, hint] = near[0] ? ['', `: did you mean ${near.join(' or ')}?`] : [` (${known.join(', ')})`, '']
  return new TypeError(
    `Expected ${what} to have only known names${list}, got \`${path}${printable(name)}\`${hint}`,
  )
}
