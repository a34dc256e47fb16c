/** What a terminal would obey or not show: control characters, bidirectional marks, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Text of a stranger's that is safe to print: names and reasons must not move the cursor or forge lines. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character))
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** As JSON writes it: a character that is two halves is escaped half by half. */
function escaped(character: string): string {
  return character
    .split('')
    .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

/** Printable, in quotes, not too long: for messages. */
export function quote(text: string): string {
  const shown = printable(text)
  return `'${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}'`
}

/** One line of JSON; what JSON lets through and a terminal would obey is escaped. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(HARMFUL_IN_JSON, escaped)}\n`
}

// Without the u flag: halves of characters.
const HARMFUL_IN_JSON = /[\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g

/** What a text says as JSON; `undefined` if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Breaks text into lines of at most `width` characters, at spaces. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
