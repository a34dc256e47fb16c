import { painter, type Output } from '../base/io.ts'
import { breakerTable, tally } from './breakers.ts'
import { period } from '../table/format.ts'
import { truncate, widthOf } from '../table/width.ts'
import type { Board } from './board.ts'

const ENTER = '\u001B[?1049h\u001B[?25l' // the alternate screen, without a cursor
const LEAVE = '\u001B[?25h\u001B[?1049l'
const HOME = '\u001B[H'
const END_OF_LINE = '\u001B[K'
const END_OF_SCREEN = '\u001B[J'

/** Returns the lines of the screen. They are not wider than the terminal, and there are no more than it has rows. */
export function render(board: Board, title: string, out: Output, now: number): string[] {
  const { columns, rows } = out
  const paint = painter(out.color)
  const count = tally(board)
  const left = truncate(title, Math.max(0, columns - widthOf(count) - 2))
  const fits = widthOf(left) + 2 + widthOf(count) <= columns && left !== ''
  const head = fits ? [`${paint('bold', left)}  ${tally(board, paint)}`] : [truncate(count, columns)]
  const foot = truncate(footer(board, now), columns)
  const table = breakerTable(board, { columns, rows: rows - head.length - 3, paint, now })
  return [...head, '', ...table, '', board.trouble ? paint('yellow', foot) : paint('dim', foot)].slice(
    0,
    rows,
  )
}

function footer({ trouble, control }: Board, now: number): string {
  if (trouble === undefined) return `Ctrl-C ends${control === false ? ' · read-only' : ''}`
  const { error, retryAt } = trouble
  const wait = retryAt - now
  return `${error.message} ${wait > 0 ? `Trying again in ${period(wait)}.` : 'Trying again…'}`
}

/** Draws a board in place on the terminal's alternate screen, so that the normal screen can be restored. */
export class Screen {
  readonly #out: Output
  readonly #title: string
  #drawing = false

  constructor(out: Output, title: string) {
    this.#out = out
    this.#title = title
  }

  async enter(): Promise<void> {
    await this.#out.write(ENTER)
  }

  /** Draws the board, unless the last drawing is still being written: a slow terminal skips some. */
  async draw(board: Board): Promise<void> {
    if (this.#drawing) return
    this.#drawing = true
    const lines = render(board, this.#title, this.#out, performance.now())
    // Erase each line before writing it: after a line as wide as the terminal, that would erase its last character.
    const picture = lines.map((line) => END_OF_LINE + line).join('\r\n')
    await this.#out.write(HOME + picture + (lines.length < this.#out.rows ? `\r\n${END_OF_SCREEN}` : ''))
    this.#drawing = false
  }

  /** Restores the normal screen and prints the last picture there, where it can be read and copied. */
  async leave(board: Board): Promise<void> {
    const lines = render(board, this.#title, this.#out, performance.now()).slice(0, -2)
    await this.#out.write(`${LEAVE}${lines.join('\n')}\n`)
  }
}
