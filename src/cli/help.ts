import { COMMON } from './base/args.ts'
import type { Command, OptionSpec } from './base/command.ts'
import { wrapText } from './base/text.ts'

const WIDTH = 90

const CODES = `Exit codes:
  0  done
  1  the server refused or cannot be reached
  2  wrong usage
`

/** Returns the help on all commands. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, positionals, summary }) => [[name, ...positionals].join(' '), summary])
  return `Watch and control circuit breakers.

Usage: recloser COMMAND [arguments] [options]

Commands:
${aligned(rows)}
Options:
${aligned([
  ['-h, --help', 'show this help; `recloser COMMAND --help` shows the help on a command'],
  ['-v, --version', 'show the version'],
])}
URL is where the dashboard is mounted, such as http://127.0.0.1:3000/breakers. The commands for a
fleet take --redis URL instead: they connect to the Redis or Valkey that its processes share.

${CODES}
To see it in action: npx recloser demo
`
}

/** Returns the help on one command. */
export function helpOn({ name, positionals, summary, details, examples, options }: Command): string {
  const sentence = summary[0]!.toUpperCase() + summary.slice(1)
  return `${sentence}.

Usage: recloser ${[name, ...positionals].join(' ')} [options]
${details === undefined ? '' : `\n${paragraphs(details)}\n`}
Options:
${aligned(Object.entries({ ...options, ...COMMON }).map(optionRow))}
Examples:
${examples.map((example) => `  ${example}\n`).join('')}
${CODES}`
}

/** Wraps a text. Only an empty line in the source ends a paragraph; a line break does not. */
function paragraphs(text: string): string {
  const wrapped = text
    .split('\n\n')
    .map((paragraph) => wrapText(paragraph.replaceAll('\n', ' '), WIDTH).join('\n'))
  return wrapped.join('\n\n')
}

function optionRow([name, { short, value, help, multiple }]: [string, OptionSpec]): [string, string] {
  const long = `--${name}${value === undefined ? '' : ` ${value}`}`
  return [short === undefined ? long : `-${short}, ${long}`, multiple === true ? `${help}; repeatable` : help]
}

function aligned(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([left = '']) => left.length))
  return rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}
