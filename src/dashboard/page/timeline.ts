import type { History } from '../../monitor/report.ts'
import { bucketIndex, HISTORY_BUCKETS } from '../../monitor/time-buckets.ts'

/** The number of seconds in a plot: all that a monitor keeps. */
export const SECONDS: number = HISTORY_BUCKETS

/** The plotted values, one for each of the last seconds, oldest first; `null` where no value is known. */
export interface Columns {
  readonly success: readonly (number | null)[]
  readonly failure: readonly (number | null)[]
  readonly rejected: readonly (number | null)[]
  readonly p90: readonly (number | null)[]
}

type Name = keyof Columns

const NAMES: readonly Name[] = ['success', 'failure', 'rejected', 'p90']

/**
 * The last seconds of one breaker. The caller numbers the seconds. A second that was never written had no calls;
 * seconds before the first one written are unknown.
 */
export class Timeline {
  readonly #columns: Readonly<Record<Name, (number | null)[]>> = {
    success: unknown(),
    failure: unknown(),
    rejected: unknown(),
    p90: unknown(),
  }
  /** The newest second so far; -1 if there is none. */
  #newest = -1

  clear(): void {
    for (const name of NAMES) this.#columns[name].fill(null)
    this.#newest = -1
  }

  /** Writes the history that ends with `second`. */
  write(second: number, history: History): void {
    this.#extend(second)
    const length = Math.min(history.success.length, SECONDS)
    for (const name of NAMES) {
      const values = history[name]
      const from = values.length - length
      for (let i = 0; i < length; i++) {
        this.#columns[name][columnIndex(second - length + 1 + i)] = values[from + i] ?? null
      }
    }
  }

  /** Returns the seconds up to and including `second`. */
  read(second: number): Columns {
    this.#extend(second)
    const columns = {} as Record<Name, (number | null)[]>
    for (const name of NAMES) {
      columns[name] = Array.from(
        { length: SECONDS },
        (_, i) => this.#columns[name][columnIndex(second - SECONDS + 1 + i)] ?? null,
      )
    }
    return columns
  }

  #extend(second: number): void {
    if (this.#newest >= 0) {
      for (let each = Math.max(this.#newest + 1, second - SECONDS + 1); each <= second; each++) {
        for (const name of NAMES) this.#columns[name][columnIndex(each)] = name === 'p90' ? null : 0
      }
    }
    this.#newest = Math.max(this.#newest, second)
  }
}

const unknown = (): (number | null)[] => Array.from({ length: SECONDS }, () => null)

/** Returns the index of a second in a column. */
const columnIndex = (second: number): number => bucketIndex(second, SECONDS)
