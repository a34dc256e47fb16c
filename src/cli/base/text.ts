/** Characters that a terminal obeys or hides: controls, bidirectional marks, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** The most UTF-16 units of a text that are printed: more than a reason in a record can have. */
const LONGEST = 300

/** Makes untrusted text safe to print: names and reasons must not move the cursor, forge lines or fill the screen. */
export function printable(text: string): string {
  return cut(text, LONGEST).replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character))
}

/** Returns a text in at most `most` UTF-16 units and an ellipsis. It never splits a surrogate pair. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}…`
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
  return `'${cut(printable(text), 80)}'`
}

/** Returns a line of JSON, in which the characters that JSON allows but a terminal would obey are escaped. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(UNPRINTABLE, escaped)}\n`
}

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
