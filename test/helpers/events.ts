import type { CircuitBreaker, CircuitBreakerListener } from '../../src/index.ts'

/** Returns a listener with every hook, which describes each event in a word or two. */
export function narrator(say: (event: string) => unknown): Required<CircuitBreakerListener> {
  return {
    beforeCall: () => say('beforeCall'),
    success: () => say('success'),
    failure: () => say('failure'),
    ignored: () => say('ignored'),
    rejected: () => say('rejected'),
    late: () => say('late'),
    fallback: () => say('fallback'),
    stateChange: ({ from, to }) => say(`${from} > ${to}`),
    wouldTrip: () => say('wouldTrip'),
    link: ({ state }) => say(`link ${state}`),
  }
}

/** Returns a list that grows with each event from now on, such as `['beforeCall', 'failure', 'closed > open']`. */
export function eventsOf(breaker: CircuitBreaker): string[] {
  const seen: string[] = []
  breaker.addListener(narrator((event) => seen.push(event)))
  return seen
}
