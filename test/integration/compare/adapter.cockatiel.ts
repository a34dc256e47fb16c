import {
  bulkhead,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleAll,
  handleWhen,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import type { CircuitBreakerPolicy, ICircuitBreakerOptions, IPolicy } from 'cockatiel'
import { NotApplicable, OPEN_FOR } from './library.ts'
import type { Guard, Library, Settings, State } from './library.ts'

const states: Record<CircuitState, State> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
}

function options({ failures = 5, rate, openFor = OPEN_FOR }: Settings): ICircuitBreakerOptions {
  return {
    halfOpenAfter: openFor,
    breaker: rate
      ? new SamplingBreaker({
          threshold: rate.threshold,
          duration: rate.window,
          minimumRps: (rate.minCalls * 1_000) / rate.window,
        })
      : new ConsecutiveBreaker(failures),
  }
}

function make(settings: Settings, shared = options(settings)): CircuitBreakerPolicy {
  const { ignore, listen } = settings
  const breaker = circuitBreaker(ignore ? handleWhen((error) => !ignore(error)) : handleAll, shared)
  if (listen?.success) breaker.onSuccess(() => listen.success?.())
  if (listen?.failure) breaker.onFailure(() => listen.failure?.())
  if (listen?.stateChange) breaker.onStateChange((to) => listen.stateChange?.(states[to]))
  return breaker
}

function guard(breaker: CircuitBreakerPolicy, policy: IPolicy = breaker): Guard {
  return {
    state: () => states[breaker.state],
    call: (task, signal) => policy.execute((context) => task(context.signal), signal),
    reopenTime() {
      throw new NotApplicable('it does not tell when it re-opens')
    },
    dispose: () => {},
  }
}

export const cockatiel: Library = {
  name: 'cockatiel',
  defaults() {
    throw new NotApplicable('it has no default rule')
  },
  idle: () => circuitBreaker(handleAll, options({})),
  guard(settings) {
    const breaker = make(settings)
    if (settings.callTimeout === undefined) return guard(breaker)
    return guard(breaker, wrap(breaker, timeout(settings.callTimeout, TimeoutStrategy.Aggressive)))
  },
  pair(settings) {
    const shared = options(settings)
    return [guard(make(settings, shared)), guard(make(settings, shared))]
  },
  async oneAtATime(settings) {
    const breaker = make(settings)
    return guard(breaker, wrap(bulkhead(1), breaker))
  },
}
