import type { Io } from './io.ts'

/** One option of a command. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given more than once. */
  readonly multiple?: boolean
  /** What the value is called in the help. */
  readonly value?: string
  readonly help: string
}

/** What was written on the command line, with everything checked that a command declares. */
export interface Input {
  readonly positionals: readonly string[]
  flag(name: string): boolean
  text(name: string): string | undefined
  texts(name: string): readonly string[]
}

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

/** What stands after `recloser`, one word or two. To add a command, write one of these and list it in main.ts. */
export interface Command {
  readonly name: string
  /** The positional arguments as the help writes them; all of them are needed: `['URL', 'NAME']`. */
  readonly positionals: readonly string[]
  /** One line, for the list of commands. */
  readonly summary: string
  /** More, for the help on this command. */
  readonly details?: string
  readonly examples: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /**
   * @throws {UsageError} if the values make no sense.
   * @throws {Failure} if something outside goes wrong.
   */
  run(input: Input, io: Io): Promise<ExitCode>
}

/** What sets one of the commands apart that change a state by hand. */
export interface ByHand extends Pick<Command, 'summary' | 'examples'> {
  readonly details: string
  readonly options?: Command['options']
}

/** The options of all commands that change a state by hand. */
export const BY_HAND: Readonly<Record<'reason' | 'json', OptionSpec>> = {
  reason: { type: 'string', value: 'TEXT', help: 'why, for everyone to see' },
  json: { type: 'boolean', help: 'print { "changed", "breaker" } as JSON, or { "error", "advice" }' },
}
