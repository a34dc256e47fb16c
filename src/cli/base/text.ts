/** Characters that a terminal obeys or hides: controls, bidirectional marks, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Makes untrusted text safe to print: names and reasons must not move the cursor or forge lines. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character))
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Escapes a character as JSON does: each half of a surrogate pair on its own. */
function escaped(character: string): string {
  return character
    .split('')
    .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

/** Returns a text for use in messages: printable, in quotes and not too long. */
export function quote(text: string): string {
  const shown = printable(text)
  return `'${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}'`
}

/** Returns a line of JSON, in which the characters that JSON allows but a terminal would obey are escaped. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(HARMFUL_IN_JSON, escaped)}\n`
}

// Without the u flag, so that it matches single UTF-16 code units, as `escaped` expects.
const HARMFUL_IN_JSON = /[\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g

/** Parses JSON. Returns `undefined` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Breaks a text at spaces into lines of at most `width` characters; a longer word has a line of its own. */
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
