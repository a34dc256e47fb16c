import stringWidth from 'string-width'

const clusters = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** How many cells of a terminal a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** The text in exactly `width` cells: filled with spaces, or cut, which an ellipsis shows. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(text, width)
  const padding = ' '.repeat(width - widthOf(cut))
  return align === 'left' ? cut + padding : padding + cut
}

/** The text in at most `width` cells. Nothing is cut that a reader takes for one character. */
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
