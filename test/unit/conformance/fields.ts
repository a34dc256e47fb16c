/** A case to which the format, or the driver, assigns no meaning. It counts as failed. */
export class UnsupportedCase extends Error {
  override readonly name = 'UnsupportedCase'
}

type Check<T> = (value: unknown, where: string) => T

const unsupported = (where: string, expected: string, value: unknown): never => {
  throw new UnsupportedCase(`${where}: expected ${expected}, got ${JSON.stringify(value)}`)
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const number: Check<number> = (value, where) =>
  typeof value === 'number' ? value : unsupported(where, 'a number', value)

export const string: Check<string> = (value, where) =>
  typeof value === 'string' ? value : unsupported(where, 'a string', value)

export const boolean: Check<boolean> = (value, where) =>
  typeof value === 'boolean' ? value : unsupported(where, 'a boolean', value)

export const count: Check<number> = (value, where) =>
  Number.isInteger(value) && number(value, where) >= 0
    ? number(value, where)
    : unsupported(where, 'a whole number from 0 on', value)

export const oneOf =
  <const T extends string>(...allowed: readonly T[]): Check<T> =>
  (value, where) =>
    allowed.find((candidate) => candidate === value) ??
    unsupported(where, `one of ${allowed.join(', ')}`, value)

export const listOf =
  <T>(item: Check<T>): Check<readonly T[]> =>
  (value, where) =>
    Array.isArray(value)
      ? value.map((each, index) => item(each, `${where}[${index}]`))
      : unsupported(where, 'a list', value)

type Checks = Readonly<Record<string, Check<unknown>>>
type Checked<R extends Checks, O extends Checks> = { readonly [K in keyof R]: ReturnType<R[K]> } & {
  readonly [K in keyof O]?: ReturnType<O[K]>
}

/** Reads an object that has all of `required`, any of `optional`, and nothing else. */
export const record =
  <R extends Checks, O extends Checks>(required: R, optional: O): Check<Checked<R, O>> =>
  (value, where) => {
    if (!isObject(value)) return unsupported(where, 'an object', value)
    const checks: Checks = { ...required, ...optional }
    const read: Record<string, unknown> = {}
    for (const key of Object.keys(required)) {
      if (!(key in value)) throw new UnsupportedCase(`${where}: \`${key}\` is missing`)
    }
    for (const [key, field] of Object.entries(value)) {
      const check = checks[key]
      if (check === undefined) throw new UnsupportedCase(`${where}: \`${key}\` is unknown`)
      read[key] = check(field, `${where}.${key}`)
    }
    return read as Checked<R, O>
  }
