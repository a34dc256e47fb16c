/** What a terminal draws two cells wide: East Asian Wide and Fullwidth (Unicode TR 11, in blocks) and emoji. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18AFF}\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u
/** What joins the character before it. */
const NARROW = /[\p{Mn}\p{Me}]/u
const ASCII = /^[\u0020-\u007E]*$/

function widthOfCharacter(character: string): number {
  return NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1
}

/** How many cells of a terminal a text without control characters takes. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const character of text) width += widthOfCharacter(character)
  return width
}

/** The text in exactly `width` cells: filled with spaces, or cut, which an ellipsis shows. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, width)
  const padding = ' '.repeat(width - widthOf(cut))
  return align === 'left' ? cut + padding : padding + cut
}

/** The text in at most `width` cells. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let result = ''
  let used = 0
  for (const character of text) {
    const more = widthOfCharacter(character)
    if (used + more > width - 1) break
    result += character
    used += more
  }
  return `${result}…`
}
