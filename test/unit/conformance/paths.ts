/**
 * The ways in which user code passes a call through a breaker. Each case is run along all of them: a rule holds for a
 * permit, a promise and a synchronous call alike.
 */
import { isAbortError, isCircuitBreakerError } from '../../../src/index.ts'
import type {
  CircuitBreaker,
  CircuitBreakerError,
  CircuitBreakerOptions,
  Permit,
} from '../../../src/index.ts'
import type { Ending } from './format.ts'

/** A call that was admitted and has not come back. `settle` answers whether its outcome was applied. */
export interface RunningCall {
  settle(ending: Ending): Promise<boolean>
}

export interface CallPath {
  readonly name: string
  /** Begins a call: it runs, or it was rejected. */
  start(breaker: CircuitBreaker): Promise<RunningCall | CircuitBreakerError>
  /** A whole call, where this path has a shorter way than to start and to settle; `during` is what its time is. */
  call?(breaker: CircuitBreaker, ending: Ending, during: () => void): boolean | CircuitBreakerError
}

class DependencyFailed extends Error {
  readonly headers = new Map<string, string>()
}
class Excluded extends Error {}
class HarmlessError extends Error {}
class Unclassifiable extends Error {}

/** What makes a breaker tell the outcomes apart. */
export const classification: CircuitBreakerOptions = {
  exclude: [Excluded, isAbortError],
  classifyError: (error) => {
    if (error instanceof Unclassifiable) throw new TypeError('this classifier throws')
    return error instanceof HarmlessError ? 'success' : undefined
  },
}

/** What the dependency throws, or `undefined` where it answers. */
function errorOf({ outcome, retryAfterMs }: Ending): Error | undefined {
  switch (outcome) {
    case 'fail': {
      const error = new DependencyFailed('the dependency failed')
      if (retryAfterMs !== undefined) error.headers.set('retry-after', String(retryAfterMs / 1_000))
      return error
    }
    case 'okError':
      return new HarmlessError('not found')
    case 'ignored':
      return new Excluded('bad request')
    case 'classifierThrows':
      return new Unclassifiable('whatever this is')
    case 'cancel':
    case 'release':
      return new DOMException('the caller went away', 'AbortError')
    case 'ok':
    default:
      return undefined
  }
}

function rejection(error: unknown): CircuitBreakerError {
  if (isCircuitBreakerError(error)) return error
  throw error
}

/** Finishes a call through its permit. */
function settlePermit(permit: Permit, ending: Ending): boolean {
  const error = errorOf(ending)
  if (error === undefined) return permit.success()
  return ending.outcome === 'cancel' || ending.outcome === 'release' ? permit.ignore() : permit.failure(error)
}

/** The two-step form. */
export const permits: CallPath = {
  name: 'permit',
  async start(breaker) {
    try {
      const permit = breaker.acquire()
      return { settle: async (ending) => settlePermit(permit, ending) }
    } catch (error) {
      return rejection(error)
    }
  },
}

/** Whether what `act` settles was applied, rather than late: seen from outside, as a promise does not tell. */
async function applied(breaker: CircuitBreaker, act: () => unknown): Promise<boolean> {
  const { late } = breaker.snapshot()
  await act()
  return breaker.snapshot().late === late
}

type Settled = { readonly value: unknown } | { readonly error: unknown }

const settled = (promise: Promise<unknown>): Promise<Settled> =>
  promise.then(
    (value): Settled => ({ value }),
    (error: unknown): Settled => ({ error }),
  )

interface Dependency {
  readonly promise: Promise<unknown>
  readonly answer: (value: unknown) => void
  readonly fail: (error: Error) => void
}

function startDependency(): Dependency {
  const settle: Partial<Dependency> = {}
  const promise = new Promise((answer, fail) => Object.assign(settle, { answer, fail }))
  return { promise, ...settle } as Dependency
}

const ANSWER = Symbol('the answer of the dependency')

/** Starts a promise that is settled from outside, through `call` or, where its caller may go away, through `run`. */
async function startPromise(
  breaker: CircuitBreaker,
  caller: AbortController | undefined,
): Promise<RunningCall | CircuitBreakerError> {
  let dependency: Dependency | undefined
  const task = (): Promise<unknown> => {
    dependency = startDependency()
    return dependency.promise
  }
  const result = settled(
    caller === undefined ? breaker.call(task) : breaker.run(task, { signal: caller.signal }),
  )
  if (dependency === undefined) {
    const early = await result
    return rejection('error' in early ? early.error : new Error('resolved without a call of the dependency'))
  }
  const { answer, fail } = dependency
  let open = true
  return {
    async settle(ending) {
      if (!open) return false
      open = false
      const error = errorOf(ending)
      return applied(breaker, async () => {
        if (error === undefined) answer(ANSWER)
        else if (error instanceof DOMException && caller !== undefined) caller.abort(error)
        else fail(error)
        const seen = await result
        const own =
          error === undefined
            ? 'value' in seen && seen.value === ANSWER
            : 'error' in seen && seen.error === error
        if (!own) throw new Error(`the caller did not get its own result: ${JSON.stringify(seen)}`)
      })
    },
  }
}

/** `call`, whose caller goes away with an `AbortError` that the breaker excludes. */
export const promises: CallPath = { name: 'call', start: (breaker) => startPromise(breaker, undefined) }

/** `run`, whose caller goes away by aborting its signal. */
export const runs: CallPath = {
  name: 'run',
  start: (breaker) => startPromise(breaker, new AbortController()),
}

/** `callSync`; what is in flight for longer is a permit. */
export const synchronous: CallPath = {
  name: 'callSync',
  start: (breaker) => permits.start(breaker),
  call(breaker, ending, during) {
    const own = errorOf(ending)
    const { late } = breaker.snapshot()
    let invoked = false
    try {
      breaker.callSync(() => {
        invoked = true
        during()
        if (own !== undefined) throw own
      })
    } catch (error) {
      if (!invoked) return rejection(error)
      if (error !== own) throw error
    }
    return breaker.snapshot().late === late
  },
}

/** A whole call along a path: whether its outcome was applied, or how it was rejected. */
export async function callAlong(
  path: CallPath,
  breaker: CircuitBreaker,
  ending: Ending,
  during: () => void,
): Promise<boolean | CircuitBreakerError> {
  if (path.call !== undefined) return path.call(breaker, ending, during)
  const running = await path.start(breaker)
  if (isCircuitBreakerError(running)) return running
  during()
  return running.settle(ending)
}

export const PATHS: readonly CallPath[] = [permits, promises, runs, synchronous]
