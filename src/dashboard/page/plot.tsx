import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Breaker } from './breaker.ts'
import { LivePlot } from './live-plot.ts'
import type { Store } from './store.ts'

interface PlotProps {
  readonly store: Store
  readonly breaker: Breaker
}

/** A plot of the last two minutes. A {@link LivePlot} updates its content, bypassing rendering. */
export function Plot({ store, breaker }: PlotProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!root.current) return undefined
    const plot = new LivePlot(root.current, store, breaker)
    return () => plot.end()
  }, [breaker])
  return (
    <div ref={root} class="plot">
      <div class="plot-peaks" aria-hidden="true">
        <span data-plot="calls" />
        <span data-plot="duration" class="ink-p90" />
      </div>
      <div data-plot="area" class="plot-area" role="img" aria-label="" />
      <div class="plot-time" aria-hidden="true">
        <span>2 min ago</span>
        <p data-plot="reading" class="plot-reading" />
        <span>now</span>
      </div>
    </div>
  )
}
