/** What the process ends with. `--help` documents them. */
export const ExitCode = {
  DONE: 0,
  /** The server refused or cannot be reached, or something else outside of the command went wrong. */
  FAILED: 1,
  /** The command line makes no sense. */
  USAGE: 2,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** The command line makes no sense: the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Something outside of the command went wrong: the message says what, the advice what can be done. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly advice: string

  constructor(message: string, advice = '', options?: ErrorOptions) {
    super(message, options)
    this.advice = advice
  }
}
