import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Breaker } from './breaker.ts'
import { useTopics } from './hooks.ts'
import type { Store } from './store.ts'
import { Tile, type Act } from './tile.tsx'
import { arrange, type View } from './view.ts'

/** Milliseconds after the last interaction during which no tile moves, so that nobody hits another breaker's button. */
const STILL = 3_000

interface TilesProps {
  readonly store: Store
  readonly view: View
  readonly setView: (view: View) => void
  readonly act: Act
}

export function Tiles({ store, view, setView, act }: TilesProps): JSX.Element {
  useTopics(store.listed)
  const touched = useRef(Number.NEGATIVE_INFINITY)
  const shown = useRef<{ readonly view: View; readonly order: readonly Breaker[] }>({ view, order: [] })
  const focused = useRef<Element | null>(null)

  const still = shown.current.view === view && performance.now() - touched.current < STILL
  const order = arrange(store.breakers.values(), view)
  if (still) keepOrder(order, shown.current.order)
  shown.current = { view, order }

  // An element that moves in the DOM loses focus: restore it.
  focused.current = document.activeElement
  useLayoutEffect(() => {
    const { current } = focused
    if (current instanceof HTMLElement && current.isConnected && document.activeElement === document.body)
      current.focus({ preventScroll: true })
  })

  if (!store.known) return <p class="empty">Connecting …</p>
  if (order.length === 0)
    return (
      <div class="empty">
        <p>{store.breakers.size === 0 ? 'No breaker is watched yet.' : 'No breaker matches.'}</p>
        {store.breakers.size > 0 && (
          <button
            type="button"
            class="button"
            onClick={() => setView({ ...view, query: '', states: new Set() })}
          >
            Show all {store.breakers.size}
          </button>
        )}
      </div>
    )
  const touch = (): void => {
    touched.current = performance.now()
  }
  return (
    <ul class="tiles" onPointerMove={touch} onPointerDown={touch} onKeyDown={touch} onFocusIn={touch}>
      {order.map((breaker) => (
        <li key={breaker.report.id} data-id={breaker.report.id}>
          <Tile store={store} breaker={breaker} act={store.control ? act : undefined} />
        </li>
      ))}
    </ul>
  )
}

/** Restores the previous order of breakers that were already shown; new ones come last. */
function keepOrder(order: Breaker[], before: readonly Breaker[]): void {
  const positions = new Map(before.map((breaker, position) => [breaker, position]))
  order.sort((a, b) => (positions.get(a) ?? before.length) - (positions.get(b) ?? before.length))
}
