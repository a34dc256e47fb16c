import uPlot from 'uplot'
import { SECONDS, type Columns } from './timeline.ts'
import { Topic } from './topic.ts'

// The current second is left out: it is incomplete and would show as a dip at the end of every plot.
const LENGTH = SECONDS - 1

const SERIES = ['success', 'rejected', 'failure', 'p90'] as const

/** For each series, the color of the line and that of the area below it. */
type Palette<Area = CanvasPattern | string> = Readonly<
  Record<(typeof SERIES)[number], readonly [line: string, area: Area]>
>

/** Published when the colors of the style sheet have changed. */
export const recolored: Topic = new Topic()

let palette: Palette | undefined
recolored.subscribe(() => (palette = undefined))

function colors(): Palette {
  if (palette) return palette
  const swatch = document.createElement('i')
  document.body.append(swatch)
  const read = (name: string): string => {
    swatch.className = `ink-${name}`
    return getComputedStyle(swatch).color
  }
  const entries = SERIES.map((name) => [name, [read(name), read(`${name}-area`)]] as const)
  swatch.remove()
  const plain = Object.fromEntries(entries) as unknown as Palette<string>
  return (palette = { ...plain, rejected: [plain.rejected[0], hatching(...plain.rejected)] })
}

// Not everybody can tell rejections from failures by color alone.
function hatching(color: string, ground: string): CanvasPattern | string {
  const tile = document.createElement('canvas')
  const size = Math.round(5 * devicePixelRatio)
  tile.width = tile.height = size
  const context = tile.getContext('2d')
  if (!context) return color
  context.fillStyle = ground
  context.fillRect(0, 0, size, size)
  context.strokeStyle = color
  context.lineWidth = devicePixelRatio * 1.2
  context.beginPath()
  for (const from of [-1, 0, 1]) {
    context.moveTo(from * size, size)
    context.lineTo((from + 1) * size, 0)
  }
  context.stroke()
  return context.createPattern(tile, 'repeat') ?? color
}

const steps = uPlot.paths.stepped!({ align: 1, extend: true })
const line = uPlot.paths.linear!()

const series = (name: (typeof SERIES)[number], scale: string): uPlot.Series => ({
  scale,
  width: name === 'p90' ? 1.25 : 1,
  stroke: () => colors()[name][0],
  ...(name === 'p90' ? {} : { fill: () => colors()[name][1] }),
  paths: name === 'p90' ? line : steps,
  points: { show: false },
})

/** The share of the height, from the bottom, that shows calls; the rest shows durations. */
const CALLS = 0.66

// Both scales begin at zero, each in its own part of the height.
const callsRange: uPlot.Range.Function = (_, __, max) => [0, Math.max(1, max ?? 0) / CALLS]
const durationRange: uPlot.Range.Function = (_, __, max) => {
  const top = Math.max(0.1, max ?? 0) * 1.04
  return [(-top * (CALLS + 0.04)) / (1 - CALLS - 0.04), top]
}

/** Draws the last two minutes into `parent`: failures, rejections and successes as a stack, and p90 as a line. */
export function createPlot(
  parent: HTMLElement,
  columns: Columns,
  hover: (index: number | null) => void,
): uPlot {
  const options: uPlot.Options = {
    width: parent.clientWidth,
    height: parent.clientHeight,
    padding: [2, 0, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: false, y: false, setScale: false },
      sync: { key: 'recloser' },
    },
    scales: {
      x: { time: false, range: [-LENGTH, 0] },
      calls: { range: callsRange },
      duration: { range: durationRange },
    },
    axes: [{ show: false }, { show: false }],
    series: [
      {},
      series('success', 'calls'),
      series('rejected', 'calls'),
      series('failure', 'calls'),
      series('p90', 'duration'),
    ],
    hooks: { setCursor: [({ cursor }) => hover(cursor.idx ?? null)] },
  }
  return new uPlot(options, toData(columns), parent)
}

const times = Array.from({ length: LENGTH }, (_, i) => i - LENGTH)

/** Converts columns to stacked series: each series includes the ones that are drawn after it. */
export function toData({ success, failure, rejected, p90 }: Columns): uPlot.AlignedData {
  const plus = (a: readonly (number | null)[], b: readonly (number | null)[]) =>
    a.map((value, i) => (value === null ? null : value + (b[i] ?? 0)))
  const rejectedOrFailed = plus(rejected, failure)
  return [
    times,
    ...[plus(success, rejectedOrFailed), rejectedOrFailed, failure, p90].map((each) => each.slice(0, LENGTH)),
  ] as uPlot.AlignedData
}
