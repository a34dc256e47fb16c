import type { ExitCode } from './exit.ts'
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

/** What stands after `recloser`, one word or two. To add a command, write one of these and list it in commands.ts. */
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
