import type { Io } from './io.ts'

/** One option of a command. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** Whether the option may be given more than once. */
  readonly multiple?: boolean
  /** The placeholder of the value in the help. */
  readonly value?: string
  readonly help: string
}

/** The parsed arguments of a command, checked against what the command declares. */
export interface Input {
  readonly positionals: readonly string[]
  flag(name: string): boolean
  text(name: string): string | undefined
  texts(name: string): readonly string[]
}

/** The exit codes of the process. `--help` documents them. */
export const ExitCode = {
  DONE: 0,
  /** The server refused or cannot be reached, or something else outside the command went wrong. */
  FAILED: 1,
  /** The command line is invalid. */
  USAGE: 2,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** The command line is invalid. The message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Something outside the command went wrong. The message says what, and the advice what to do. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly advice: string

  constructor(message: string, advice = '', options?: ErrorOptions) {
    super(message, options)
    this.advice = advice
  }
}

/** A command. To add one, implement this interface and list the command in main.ts. */
export interface Command {
  /** One or two words, which follow `recloser`. */
  readonly name: string
  /** The positional arguments as the help shows them, all required: `['URL', 'NAME']`. */
  readonly positionals: readonly string[]
  /** One line for the list of commands. */
  readonly summary: string
  /** A longer text for the help on this command. */
  readonly details?: string
  readonly examples: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /**
   * @throws {UsageError} when a value is invalid.
   * @throws {Failure} when something outside the command goes wrong.
   */
  run(input: Input, io: Io): Promise<ExitCode>
}

/** What distinguishes a command that changes a state manually from the others of its kind. */
export interface ManualCommand extends Pick<Command, 'summary' | 'examples'> {
  readonly details: string
  readonly options?: Command['options']
}

/** The options of all commands that change a state manually. */
export const MANUAL_OPTIONS: Readonly<Record<'reason' | 'json', OptionSpec>> = {
  reason: { type: 'string', value: 'TEXT', help: 'why, for everyone to see' },
  json: { type: 'boolean', help: 'print { "changed", "breaker" } as JSON, or { "error", "advice" }' },
}
