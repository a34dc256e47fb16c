/** The project's own warnings while `act` runs. */
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
