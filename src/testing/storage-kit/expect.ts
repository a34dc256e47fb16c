const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Whether `actual` has all properties of `expected`, recursively. Arrays must have the same length. */
function covers(actual: unknown, expected: unknown): boolean {
  if (!isObject(expected)) return Object.is(actual, expected)
  if (!isObject(actual) || Array.isArray(actual) !== Array.isArray(expected)) return false
  if (Array.isArray(expected) && (actual as unknown as unknown[]).length !== expected.length) return false
  return Object.keys(expected).every((key) => covers(actual[key], expected[key]))
}

/** Throws unless `actual` has all properties of `expected`, recursively. */
export function expectToHave(actual: unknown, expected: unknown, where: string): void {
  if (covers(actual, expected)) return
  throw new Error(`${where}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)
}

/** Throws unless both values are the same plain data. */
export function expectSame(actual: unknown, expected: unknown, where: string): void {
  expectToHave(actual, expected, where)
  expectToHave(expected, actual, where)
}

/** Returns the error that a promise must reject with. Keeps the process alive, because deadlines do not. */
export async function rejection(promise: Promise<unknown>, where: string): Promise<unknown> {
  const alive = setInterval(() => {}, 1_000)
  try {
    await promise
  } catch (error) {
    return error
  } finally {
    clearInterval(alive)
  }
  throw new Error(`${where}: expected a rejection, got none`)
}
