const { setImmediate } = globalThis

/** Resolves once every pending microtask has run, and everything that those have queued. No time passes. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Returns the state of a promise once every pending microtask has run. */
export async function stateOf(
  promise: Promise<unknown>,
): Promise<'pending' | { readonly value: unknown } | { readonly error: unknown }> {
  let state: Awaited<ReturnType<typeof stateOf>> = 'pending'
  promise.then(
    (value) => (state = { value }),
    (error: unknown) => (state = { error }),
  )
  await nextTick()
  return state
}
