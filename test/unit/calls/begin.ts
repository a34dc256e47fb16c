import { CircuitBreaker, type CircuitBreakerOptions } from '../../../src/index.ts'
import { SupervisedCall } from '../../../src/calls/supervised-call.ts'

/** Starts a call. Returns it, its breaker and the outcome events of the call: name, payload and duration. */
export function begin(
  options: CircuitBreakerOptions = {},
  signal?: AbortSignal,
  probe = false,
  beforeCall = (): unknown => undefined,
) {
  const ends: [event: string, payload: unknown, duration: number | undefined][] = []
  const end =
    (name: string) =>
    (event: { value?: unknown; error?: unknown; duration?: number | undefined }): void =>
      void ends.push([name, 'error' in event ? event.error : event.value, event.duration])
  const breaker = new CircuitBreaker({
    failMax: 1,
    listeners: [{ beforeCall, success: end('success'), failure: end('failure'), ignored: end('ignored') }],
    ...options,
  })
  if (probe) breaker.halfOpen()
  const call = new SupervisedCall(CircuitBreaker.circuitOf(breaker)!, signal)
  return { breaker, call, ends }
}
