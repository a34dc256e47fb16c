import type uPlot from 'uplot'
import type { Breaker } from './breaker.ts'
import { createPlot, recolored, toData } from './drawing.ts'
import { count, milliseconds } from './format.ts'
import type { Store } from './store.ts'
import { SECONDS, type Columns } from './timeline.ts'

/** Keeps a plot and its labels up to date until `end` is called. */
export class LivePlot {
  readonly #store: Store
  readonly #breaker: Breaker
  readonly #area: HTMLElement
  readonly #calls: HTMLElement
  readonly #duration: HTMLElement
  readonly #reading: HTMLElement
  readonly #plot: uPlot
  readonly #resizing: ResizeObserver = new ResizeObserver(() => this.#resize())
  readonly #ends: readonly (() => void)[]
  #columns: Columns
  /** The index of the second under the pointer. */
  #hovered: number | null = null

  constructor(root: HTMLElement, store: Store, breaker: Breaker) {
    const find = (name: string): HTMLElement => root.querySelector<HTMLElement>(`[data-plot=${name}]`)!
    this.#store = store
    this.#breaker = breaker
    this.#area = find('area')
    this.#calls = find('calls')
    this.#duration = find('duration')
    this.#reading = find('reading')
    this.#columns = this.#read()
    this.#plot = createPlot(this.#area, this.#columns, (index) => {
      this.#hovered = index
      this.#showReading()
    })
    this.#label()
    this.#resizing.observe(this.#area)
    this.#ends = [
      store.ticked.subscribe(() => this.#advance()),
      recolored.subscribe(() => this.#plot.redraw(false)),
    ]
  }

  end(): void {
    for (const end of this.#ends) end()
    this.#resizing.disconnect()
    this.#plot.destroy()
  }

  #read(): Columns {
    return this.#breaker.timeline.read(this.#store.second)
  }

  #advance(): void {
    this.#columns = this.#read()
    this.#plot.setData(toData(this.#columns))
    this.#label()
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#area
    if (width !== this.#plot.width || height !== this.#plot.height) this.#plot.setSize({ width, height })
  }

  #label(): void {
    const { success, failure, rejected, p90 } = this.#columns
    const all = success.map((each, i) => (each ?? 0) + (failure[i] ?? 0) + (rejected[i] ?? 0))
    const slowest = maximum(p90)
    this.#calls.textContent = `Calls up to ${count(maximum(all))} /s`
    this.#duration.textContent = slowest === 0 ? '' : `p90 up to ${duration(slowest)}`
    this.#area.setAttribute(
      'aria-label',
      `Calls of the last two minutes: ${count(sum(success))} succeeded, ${count(sum(failure))} failed, ` +
        `${count(sum(rejected))} rejected. The 90th percentile reached ${duration(slowest)}.`,
    )
    this.#showReading()
  }

  #showReading(): void {
    this.#reading.textContent = this.#hovered === null ? '' : describe(this.#columns, this.#hovered)
  }
}

/** Describes one second in words. */
function describe({ success, failure, rejected, p90 }: Columns, index: number): string {
  const slow = p90[index] ?? null
  return [
    `${SECONDS - 1 - index} s ago`,
    `${count(success[index] ?? 0)} ok`,
    `${count(failure[index] ?? 0)} failed`,
    `${count(rejected[index] ?? 0)} rejected`,
    ...(slow === null ? [] : [`p90 ${duration(slow)}`]),
  ].join(' · ')
}

function duration(time: number): string {
  const { value, unit } = milliseconds(time)
  return `${value} ${unit}`
}

const maximum = (values: readonly (number | null)[]): number =>
  Math.max(0, ...values.map((value) => value ?? 0))

const sum = (values: readonly (number | null)[]): number => values.reduce<number>((a, b) => a + (b ?? 0), 0)
