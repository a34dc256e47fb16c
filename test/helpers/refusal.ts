import assert from 'node:assert/strict'

type ErrorClass = new (message?: string) => Error

/**
 * Asserts that `act` is refused by an error of exactly this class, in one of the project's own sentences ("Expected …
 * got …"), which mentions all `parts`.
 */
export function refused(act: () => unknown, kind: ErrorClass, ...parts: readonly string[]): void {
  assert.throws(act, (error) => isRefusal(error, kind, parts))
}

/** The same for what is refused by a rejection. */
export function refusedLater(
  promise: Promise<unknown>,
  kind: ErrorClass,
  ...parts: readonly string[]
): Promise<void> {
  return assert.rejects(promise, (error) => isRefusal(error, kind, parts))
}

function isRefusal(error: unknown, kind: ErrorClass, parts: readonly string[]): true {
  assert.ok(error instanceof Error, 'not an error')
  assert.equal(error.constructor, kind, `${error.name}: ${error.message}`)
  assert.match(error.message, /^Expected .* got /s)
  for (const part of parts) {
    assert.ok(error.message.includes(part), `“${error.message}” does not mention “${part}”`)
  }
  return true
}
