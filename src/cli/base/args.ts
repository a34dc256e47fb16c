import { parseArgs } from 'node:util'
import { UsageError, type Command, type Input, type OptionSpec } from './command.ts'
import { suggest } from './suggestions.ts'
import { quote } from './text.ts'

/** The options of every command. */
export const COMMON: Readonly<Record<string, OptionSpec>> = {
  help: { type: 'boolean', short: 'h', help: 'show this help' },
}

type Value = string | boolean | (string | boolean)[] | undefined

/**
 * Parses what follows the command's name.
 *
 * @throws {UsageError} when an option is unknown, lacks its value or has one that it does not take, or when there are
 *   too few or too many arguments.
 */
export function readArguments(command: Command, args: readonly string[]): Input {
  const specs = { ...command.options, ...COMMON }
  const { values, positionals } = parse(specs, args)
  const help = values['help'] === true
  if (!help) checkPositionals(command, positionals)
  return {
    positionals,
    flag: (name) => values[name] === true,
    text: (name) => {
      const value = values[name]
      return typeof value === 'string' ? value : undefined
    },
    texts: (name) => [values[name] ?? []].flat().filter((value) => typeof value === 'string'),
  }
}

function parse(
  specs: Readonly<Record<string, OptionSpec>>,
  args: readonly string[],
): { values: Record<string, Value>; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple = false }]) => [
      name,
      short === undefined ? { type, multiple } : { type, multiple, short },
    ]),
  )
  // Not strict, because parseArgs cannot suggest what was meant. The checks below find all errors.
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    if (spec === undefined) throw new UsageError(unknownOption(rawName, Object.keys(specs)))
    if (spec.type === 'boolean' && value !== undefined) {
      throw new UsageError(`${rawName} takes no value; got ${quote(value)}`)
    }
    if (spec.type === 'string' && (value === undefined || (!token.inlineValue && isOption(value)))) {
      throw new UsageError(
        `${rawName} needs a value: ${rawName} ${spec.value ?? 'VALUE'}` +
          (value === undefined ? '' : ` (if it is really ${quote(value)}: ${rawName}=${value})`),
      )
    }
    if (seen.has(name) && spec.type === 'string' && spec.multiple !== true) {
      throw new UsageError(`${rawName} was given more than once`)
    }
    seen.add(name)
  }
  return { values, positionals }
}

const isOption = (text: string): boolean => /^-./.test(text)

export function unknownOption(option: string, known: readonly string[]): string {
  const [closest] = suggest(option.replace(/^-+/, ''), known, 1)
  return `Unknown option ${quote(option)}.${closest === undefined ? '' : ` Did you mean --${closest}?`}`
}

function checkPositionals({ name, positionals: wanted }: Command, given: readonly string[]): void {
  const usage = [name, ...wanted].join(' ')
  const missing = wanted[given.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing: recloser ${usage}`)
  const extra = given[wanted.length]
  if (extra === undefined) return
  throw new UsageError(`Unexpected argument ${quote(extra)}: recloser ${usage} (quote what contains spaces)`)
}
