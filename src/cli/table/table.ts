import { painter, type Paint } from '../base/io.ts'
import { fit, widthOf } from './width.ts'

/** One column of a table whose rows are of type `T`. */
export interface Column<T> {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** The minimum width when there is too little room. A column without it does not shrink. */
  readonly min?: number
  /** If there is still too little room, the columns with the lowest numbers go first, and one without a number last. */
  readonly keep?: number
  readonly text: (row: T) => string
  /** Colors the text of a cell, which has been cut or padded by then. */
  readonly paint?: (row: T, text: string, paint: Paint) => string
}

const GAP = '  '

/**
 * Lays out a table. No line is wider than `width`: columns shrink, the widest first; if that is not enough, the least
 * important ones are left out. The first line is the head.
 */
export function layOut<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number,
  paint: Paint = painter(false),
): string[] {
  const cells = new Map(columns.map((column) => [column, rows.map((row) => column.text(row))]))
  const widest = (column: Column<T>): number =>
    cells.get(column)!.reduce((width, text) => Math.max(width, widthOf(text)), widthOf(column.title))
  const natural = new Map(columns.map((column) => [column, widest(column)]))
  const shown = choose(columns, natural, width)
  const line = (cell: (column: Column<T>, size: number) => string): string =>
    [...shown].map(([column, size]) => cell(column, size)).join(GAP)
  const head = line(({ title, align }, size) => paint('dim', fit(title, size, align)))
  const body = rows.map((row, index) =>
    line((column, size) => {
      const text = fit(cells.get(column)![index]!, size, column.align)
      return column.paint === undefined || text.trim() === '' ? text : column.paint(row, text, paint)
    }),
  )
  return [head, ...body].map((text) => text.trimEnd())
}

/** Returns the columns for which there is room, and their widths. */
function choose<T>(
  columns: readonly Column<T>[],
  natural: ReadonlyMap<Column<T>, number>,
  width: number,
): Map<Column<T>, number> {
  const least = (column: Column<T>): number => Math.min(natural.get(column)!, column.min ?? Infinity)
  const sum = (of: readonly Column<T>[], size: (column: Column<T>) => number): number =>
    of.reduce((total, column) => total + size(column), GAP.length * (of.length - 1))

  let shown = columns
  while (shown.length > 1 && sum(shown, least) > width) {
    const dropped = shown.reduce((a, b) => ((b.keep ?? Infinity) < (a.keep ?? Infinity) ? b : a))
    shown = shown.filter((column) => column !== dropped)
  }
  const sizes = new Map(shown.map((column) => [column, natural.get(column)!]))
  let excess = sum(shown, (column) => sizes.get(column)!) - width
  while (excess > 0) {
    const shrinkable = shown.filter((column) => sizes.get(column)! > least(column))
    // The last column has to fit, even if it becomes narrower than its minimum.
    if (shrinkable.length === 0)
      return new Map(shown.map((column) => [column, Math.min(sizes.get(column)!, width)]))
    const widest = shrinkable.reduce((a, b) => (sizes.get(b)! > sizes.get(a)! ? b : a))
    sizes.set(widest, sizes.get(widest)! - 1)
    excess--
  }
  return sizes
}
