import { CircuitBreaker, failureRate } from '../../../src/index.ts'
import type { CircuitBreakerOptions, CircuitBreakerState } from '../../../src/index.ts'
import { OPEN_FOR } from './library.ts'
import type { Guard, Library, Settings, State } from './library.ts'

function options({
  failures,
  rate,
  openFor = OPEN_FOR,
  callTimeout,
  ignore,
  listen,
}: Settings): CircuitBreakerOptions {
  return {
    failMax: rate ? undefined : failures,
    trip: rate && failureRate(rate),
    timeoutDuration: openFor,
    callTimeout,
    exclude: ignore && [ignore],
    listeners: listen && [
      {
        success: () => listen.success?.(),
        failure: () => listen.failure?.(),
        stateChange: ({ to }) => listen.stateChange?.(plain(to)),
      },
    ],
    // Scenarios whose listeners throw check only what the call does, so drop the error report.
    onListenerError: () => {},
  }
}

function plain(state: CircuitBreakerState): State {
  return state === 'isolated' ? 'open' : state
}

function guard(breaker: CircuitBreaker): Guard {
  return {
    state: () => plain(breaker.state),
    call: (task, signal) => breaker.run((context) => task(context.signal), { signal }),
    reopenTime: () => breaker.reopenTime,
    dispose: () => {},
  }
}

export const recloser: Library = {
  name: 'recloser',
  defaults: () => guard(new CircuitBreaker()),
  idle: () => new CircuitBreaker(),
  guard: (settings) => guard(new CircuitBreaker(options(settings))),
  pair(settings) {
    const shared = options(settings)
    return [guard(new CircuitBreaker(shared)), guard(new CircuitBreaker(shared))]
  },
  // Only the half-open state limits concurrent calls.
  async oneAtATime(settings) {
    const breaker = new CircuitBreaker({ ...options(settings), halfOpen: { calls: 1, concurrent: 1 } })
    breaker.halfOpen()
    return guard(breaker)
  },
}
