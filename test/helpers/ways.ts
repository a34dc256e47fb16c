import { CircuitBreaker, never, type CircuitBreakerOptions } from '../../src/index.ts'

/** A way to call a function through a breaker. */
export interface Way {
  readonly name: string
  readonly options: CircuitBreakerOptions
  call(breaker: CircuitBreaker, fn: () => unknown): Promise<unknown>
}

const neverAborts = new AbortController().signal

/** All the ways that return a promise: each takes its own path through the code. */
export const WAYS: readonly Way[] = [
  { name: 'call', options: {}, call: (breaker, fn) => breaker.call(fn) },
  {
    name: 'call, with arguments',
    options: {},
    call: (breaker, fn) => breaker.call((f: () => unknown) => f(), fn),
  },
  { name: 'wrap', options: {}, call: (breaker, fn) => breaker.wrap(fn)() },
  { name: 'protect', options: {}, call: protectedCall },
  { name: 'run', options: {}, call: (breaker, fn) => breaker.run(fn) },
  {
    name: 'run, with a signal',
    options: {},
    call: (breaker, fn) => breaker.run(fn, { signal: neverAborts }),
  },
  { name: 'call, with a timeout', options: { callTimeout: 1e9 }, call: (breaker, fn) => breaker.call(fn) },
  { name: 'wrap, with a timeout', options: { callTimeout: 1e9 }, call: (breaker, fn) => breaker.wrap(fn)() },
  {
    name: 'call, with a listener',
    options: { listeners: [{ success: () => {}, failure: () => {} }] },
    call: (breaker, fn) => breaker.call(fn),
  },
  {
    name: 'call, with a classifier',
    options: { classifyResult: () => undefined, classifyError: () => undefined },
    call: (breaker, fn) => breaker.call(fn),
  },
  { name: 'call, with errorOnTrip', options: { errorOnTrip: true }, call: (breaker, fn) => breaker.call(fn) },
  { name: 'call, in mode observe', options: { mode: 'observe' }, call: (breaker, fn) => breaker.call(fn) },
]

function protectedCall(breaker: CircuitBreaker, fn: () => unknown): Promise<unknown> {
  const descriptor: TypedPropertyDescriptor<() => Promise<unknown>> = { value: fn as () => Promise<unknown> }
  breaker.protect({}, 'method', descriptor)
  return descriptor.value!()
}

/** Returns a breaker for one of the ways, which no failure opens unless `more` says otherwise. */
export function breakerFor(
  { options }: Way,
  more: CircuitBreakerOptions = { trip: never() },
): CircuitBreaker {
  return new CircuitBreaker({ ...options, ...more })
}
