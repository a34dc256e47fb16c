/** Returns all warnings of the process while `act` runs. It must be synchronous, so that no other code can warn. */
export function warningsDuring(act: () => unknown): string[] {
  const warnings: string[] = []
  replaced(
    process,
    'emitWarning',
    (warning: string, type: string) => warnings.push(`${type}: ${warning}`),
    act,
  )
  return warnings
}

/** Returns the project's own warnings until `act` has settled. */
export async function warningsFrom(act: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = []
  const before = process.emitWarning
  const take = (warning: string, type: string): void => {
    if (type === 'RecloserWarning') warnings.push(warning)
  }
  process.emitWarning = take as typeof process.emitWarning
  try {
    await act()
    return warnings
  } finally {
    process.emitWarning = before
  }
}

/** Runs `act` while a property has another value. */
export function replaced<T extends object>(
  target: T,
  key: keyof T,
  value: unknown,
  act: () => unknown,
): void {
  const before = Object.getOwnPropertyDescriptor(target, key)
  Object.defineProperty(target, key, { value, configurable: true, writable: true })
  try {
    act()
  } finally {
    if (before) Object.defineProperty(target, key, before)
    else Reflect.deleteProperty(target, key)
  }
}
