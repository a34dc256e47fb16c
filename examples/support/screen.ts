import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

interface Requests {
  readonly total: number
  readonly failed: number
}

export interface Summary {
  readonly calls: number
  readonly with: Requests
  readonly without: Requests
  /** Milliseconds spent waiting for answers. */
  readonly waited: { readonly with: number; readonly without: number }
}

export interface Screen {
  title(text: string): void
  answered(price: string): void
  failed(error: unknown, instead: string): void
  rejected(retryAfter: number, instead: string): void
  transition(from: string, to: string, reason: string): void
  summary(summary: Summary): void
}

const STATE_STYLE: Record<string, Style> = { closed: 'green', open: 'red', 'half-open': 'yellow' }

/** Returns a screen that prints one line per event: colored on a terminal, plain when piped or with NO_COLOR. */
export function createScreen(): Screen {
  const start = performance.now()
  const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })
  const line = (style: Style, label: string, detail: string): void => {
    const seconds = ((performance.now() - start) / 1_000).toFixed(1)
    console.log(`${paint('dim', `${seconds.padStart(5)} s`)}  ${paint(style, label.padEnd(10))} ${detail}`)
  }
  const fallback = (price: string): string => paint('dim', `fallback: the last price, ${price}`)
  return {
    title: (text) => console.log(`${paint('bold', text)}\n`),
    answered: (price) => line('green', '✓ answer', price),
    failed: (error, price) => line('red', '✗ failure', `${String(error)} → ${fallback(price)}`),
    rejected: (retryAfter, price) =>
      line('yellow', '○ rejected', `not called, ${retryAfter} ms left → ${fallback(price)}`),
    transition: (from, to, reason) => {
      const state = (name: string): string => paint(STATE_STYLE[name] ?? 'reset', name)
      line('bold', '● circuit', `${state(from)} → ${state(to)} (${reason})`)
    },
    summary: ({ calls, with: guarded, without: bare, waited }) => {
      const row = (name: string, requests: Requests, time: number): string =>
        `${name.padEnd(20)}${String(requests.total).padStart(8)}${String(requests.failed).padStart(10)}${`${(time / 1_000).toFixed(2)} s`.padStart(12)}`
      console.log(`\n${paint('bold', `${calls} calls were made, and all were answered.`)}`)
      console.log(paint('dim', `${''.padEnd(20)} reached    failed there   waited`))
      console.log(row('with the breaker', guarded, waited.with))
      console.log(row('without', bare, waited.without))
      const saved = ((waited.without - waited.with) / 1_000).toFixed(2)
      console.log(
        paint(
          'green',
          `${bare.failed - guarded.failed} calls to a failing service and ${saved} s of waiting saved.`,
        ),
      )
    },
  }
}
