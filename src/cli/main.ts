import { readFileSync } from 'node:fs'
import { readArguments, unknownOption } from './base/args.ts'
import { ExitCode, Failure, UsageError, type Command } from './base/command.ts'
import { controlCommands } from './commands/control.ts'
import { demo } from './commands/demo.ts'
import { fleetCommands } from './commands/fleet.ts'
import { watch } from './commands/watch.ts'
import { helpOn, overview } from './help.ts'
import type { Io } from './base/io.ts'
import { suggest } from './base/suggestions.ts'
import { jsonLine, quote } from './base/text.ts'

/** All commands, in the order in which the help lists them. */
export const commands: readonly Command[] = [demo, watch, ...controlCommands, ...fleetCommands]

/** Runs a command line, given without `node` and the script's name. Returns the exit code of the process. */
export async function main(args: readonly string[], io: Io): Promise<ExitCode> {
  const [first, second] = args
  if (first === undefined) {
    await io.err.write(overview(commands))
    return ExitCode.USAGE
  }
  if (first === '--version' || first === '-v') return print(io, `${version()}\n`)
  if (first === '--help' || first === '-h') return print(io, overview(commands))
  if (first === 'help')
    return second === undefined ? print(io, overview(commands)) : main([...args.slice(1), '--help'], io)
  const command = find(first, second)
  const rest = args.slice(command?.name.split(' ').length ?? 1)
  try {
    if (command === undefined) throw new UsageError(unknownCommand(first, second))
    const input = readArguments(command, rest)
    return input.flag('help') ? await print(io, helpOn(command)) : await command.run(input, io)
  } catch (error) {
    return await reportError(error, command, rest, io)
  }
}

/** Finds a command by its one or two words. */
function find(first: string, second = '-'): Command | undefined {
  const wanted = isGroup(first) && !second.startsWith('-') ? `${first} ${second}` : first
  return commands.find(({ name }) => name === wanted)
}

const isGroup = (word: string): boolean => commands.some(({ name }) => name.startsWith(`${word} `))

async function print(io: Io, text: string): Promise<ExitCode> {
  await io.out.write(text)
  return ExitCode.DONE
}

async function reportError(
  error: unknown,
  command: Command | undefined,
  args: readonly string[],
  io: Io,
): Promise<ExitCode> {
  if (error instanceof UsageError) {
    const help =
      command === undefined
        ? '`recloser --help` lists all commands.'
        : `\`recloser ${command.name} --help\` lists its arguments and options.`
    await io.err.write(`recloser: ${error.message}\n${help}\n`)
    return ExitCode.USAGE
  }
  if (!(error instanceof Failure)) throw error
  const { message, advice } = error
  // With --json, an error is JSON too.
  if (command !== undefined && 'json' in command.options && args.includes('--json')) {
    await io.out.write(jsonLine({ error: message, advice }))
  } else {
    await io.err.write(`recloser: ${message}\n${advice === '' ? '' : `${advice}\n`}`)
  }
  return ExitCode.FAILED
}

function unknownCommand(first: string, second = ''): string {
  if (first.startsWith('-')) {
    return `${unknownOption(first, ['help', 'version'])} Options of a command follow its name.`
  }
  const group = isGroup(first)
  const word = group ? `${first} ${second}` : first
  const names = commands.map(({ name }) => name).filter((name) => !group || name.startsWith(`${first} `))
  const [closest] = suggest(word, names, 1)
  const guess = closest === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${closest}?`
  return `There is no command ${quote(word)}. ${guess}`
}

/** Reads the version from this package's package.json, both when it is installed and when it runs from source. */
function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
