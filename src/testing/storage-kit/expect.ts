const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Whether `actual` has everything that `expected` has, at any depth. Lists must be of the same length. */
function covers(actual: unknown, expected: unknown): boolean {
  if (!isObject(expected)) return Object.is(actual, expected)
  if (!isObject(actual) || Array.isArray(actual) !== Array.isArray(expected)) return false
  if (Array.isArray(expected) && (actual as unknown as unknown[]).length !== expected.length) return false
  return Object.keys(expected).every((key) => covers(actual[key], expected[key]))
}

/** Throws unless `actual` has everything that `expected` has. */
export function expectToHave(actual: unknown, expected: unknown, where: string): void {
  if (covers(actual, expected)) return
  throw new Error(`${where}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)
}

/** Throws unless the two are the same plain data. */
export function expectSame(actual: unknown, expected: unknown, where: string): void {
  expectToHave(actual, expected, where)
  expectToHave(expected, actual, where)
}

/** The error of what must reject. A deadline does not keep a process alive, so this does. */
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
