const { setImmediate } = globalThis

/** Resolves when all that can go on by itself has gone on: every microtask, and what they cause. No time passes. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** How a promise stands once all that can go on by itself has gone on. */
export async function stateOf(
  promise: Promise<unknown>,
): Promise<'pending' | { readonly value: unknown } | { readonly error: unknown }> {
  let now: Awaited<ReturnType<typeof stateOf>> = 'pending'
  promise.then(
    (value) => (now = { value }),
    (error: unknown) => (now = { error }),
  )
  await nextTick()
  return now
}
