import type { CircuitBreakerState } from '../../base/state.ts'
import { count } from './format.ts'
import type { Paint, Style } from '../base/io.ts'

/** How each state is shown, the worst first: with a symbol, so that nobody depends on the color. */
export const STATES: Readonly<Record<CircuitBreakerState, { symbol: string; style: Style; rank: number }>> = {
  open: { symbol: '✖', style: 'red', rank: 0 },
  isolated: { symbol: '■', style: 'magenta', rank: 1 },
  'half-open': { symbol: '◐', style: 'yellow', rank: 2 },
  closed: { symbol: '●', style: 'green', rank: 3 },
}

/** Returns the symbol and the name of a state. */
export function labelOf(state: CircuitBreakerState): string {
  return `${STATES[state].symbol} ${state}`
}

/** Returns the label of a state in its color. */
export function paintState(state: CircuitBreakerState, paint: Paint): string {
  return paint(STATES[state].style, labelOf(state))
}

/** Returns how long a state will last; for an open breaker, that is `open`. */
export function timeLeft(state: CircuitBreakerState, open: string): string {
  return { open, isolated: 'held', 'half-open': 'probing', closed: '' }[state]
}

/** Counts the breakers in each state, the worst first: `1 open`, `11 closed`. */
export function countStates(states: readonly CircuitBreakerState[], paint: Paint): string[] {
  return (Object.keys(STATES) as CircuitBreakerState[])
    .map((state) => ({ state, number: states.filter((each) => each === state).length }))
    .filter(({ number }) => number > 0)
    .map(({ state, number }) => paint(STATES[state].style, `${number} ${state}`))
}

/** Returns a summary such as `12 breakers: 1 open, 11 closed`. */
export function summary(number: number, parts: readonly string[]): string {
  return parts.length === 0 ? 'no breakers' : `${count(number, 'breaker')}: ${parts.join(', ')}`
}

/** Compares names in natural order: `b9` before `b10`. */
export const byName: Intl.Collator = new Intl.Collator('en', { numeric: true })
