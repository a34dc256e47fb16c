import stringWidth from 'string-width'

const clusters = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Returns the number of terminal cells that a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** Returns the text in exactly `width` cells: padded with spaces, or cut with an ellipsis. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, width)
  const padding = ' '.repeat(width - widthOf(cut))
  return align === 'left' ? cut + padding : padding + cut
}

/** Returns the text in at most `width` cells. It is never cut within a grapheme cluster. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let result = ''
  let used = 0
  for (const { segment } of clusters.segment(text)) {
    used += widthOf(segment)
    if (used > width - 1) break
    result += segment
  }
  return `${result}…`
}
