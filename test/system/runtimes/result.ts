/** The results of one runtime. */
export interface RuntimeResult {
  readonly version: string
  readonly passed: number
  readonly failed: number
  /** The output, for diagnosing failures. */
  readonly output: string
}

export interface Runtime {
  readonly name: string
  /** Whether it runs the test suite on the sources, or a smoke test on the built package. */
  readonly kind: 'suite' | 'for Node' | 'smoke'
  run(): Promise<RuntimeResult>
}

/** The report of the smoke test: an error text for each check by name, empty if the check passed. */
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
