/** What one runtime says about the project. */
export interface RuntimeResult {
  readonly version: string
  readonly passed: number
  readonly failed: number
  /** What to read if something failed. */
  readonly output: string
}

export interface Runtime {
  readonly name: string
  /** Whether it runs the whole suite on the sources, or a smoke test on the built package. */
  readonly kind: 'suite' | 'for Node' | 'smoke'
  run(): Promise<RuntimeResult>
}

/** The smoke test's own report: what went wrong by the name of the check, an empty text if nothing did. */
export type SmokeReport = Readonly<Record<string, string>>

export function summarize(version: string, report: SmokeReport): RuntimeResult {
  const failures = Object.entries(report).filter(([, failure]) => failure !== '')
  return {
    version,
    passed: Object.keys(report).length - failures.length,
    failed: failures.length,
    output: failures.map(([name, failure]) => `${name}: ${failure}`).join('\n'),
  }
}
