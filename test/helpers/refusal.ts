import assert from 'node:assert/strict'

type ErrorClass = new (message?: string) => Error

/**
 * Asserts that `act` throws an error of exactly this class, whose message follows the project's pattern ("Expected …
 * got …") and mentions all `parts`.
 */
export function refused(act: () => unknown, kind: ErrorClass, ...parts: readonly string[]): void {
  assert.throws(act, (error) => isRefusal(error, kind, parts))
}

/** The same for a promise that rejects. */
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
