/**
 * The ways in which user code makes a call through a breaker. Each case runs along all of them: a rule holds for a
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

/** A call that was admitted and is still running. `settle` returns whether its outcome was applied. */
export interface RunningCall {
  settle(ending: Ending): Promise<boolean>
}

export interface CallPath {
  readonly name: string
  /** Starts a call. Returns the running call, or the error of its rejection. */
  start(breaker: CircuitBreaker): Promise<RunningCall | CircuitBreakerError>
  /** Makes a whole call, where this path cannot start and settle separately; `during` runs within the call. */
  call?(breaker: CircuitBreaker, ending: Ending, during: () => void): boolean | CircuitBreakerError
}

class DependencyFailed extends Error {
  readonly headers = new Map<string, string>()
}
class Excluded extends Error {}
class HarmlessError extends Error {}
class Unclassifiable extends Error {}

/** The options by which a breaker tells the outcomes apart. */
export const classification: CircuitBreakerOptions = {
  exclude: [Excluded, isAbortError],
  classifyError: (error) => {
    if (error instanceof Unclassifiable) throw new TypeError('this classifier throws')
    return error instanceof HarmlessError ? 'success' : undefined
  },
}

/** What the dependency throws, or `undefined` if it succeeds. */
function errorOf({ outcome, retryAfterMs, throwKind }: Ending): unknown {
  switch (outcome) {
    case 'fail': {
      const error = new DependencyFailed('the dependency failed')
      if (retryAfterMs !== undefined) error.headers.set('retry-after', String(retryAfterMs / 1_000))
      return throwKind === 'nonError' ? { headers: error.headers } : error
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

/** Settles a call through its permit. Returns whether the outcome was applied. */
function settlePermit(permit: Permit, ending: Ending): boolean {
  const error = errorOf(ending)
  if (error === undefined) return permit.success()
  return ending.outcome === 'cancel' || ending.outcome === 'release' ? permit.ignore() : permit.failure(error)
}

/** The two-step form: `acquire`, then settle. */
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

/** Whether the call that `act` settles was in time, judged by the count of late calls: a promise does not tell. */
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
  readonly fail: (error: unknown) => void
}

function startDependency(): Dependency {
  const settle: Partial<Dependency> = {}
  const promise = new Promise((answer, fail) => Object.assign(settle, { answer, fail }))
  return { promise, ...settle } as Dependency
}

const ANSWER = Symbol('the answer of the dependency')

/** Starts a call of a promise that the test settles: through `run` if it has a caller that can abort, else `call`. */
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

/** `call`, whose task rejects with an excluded `AbortError` when the caller goes away. */
export const promises: CallPath = { name: 'call', start: (breaker) => startPromise(breaker, undefined) }

/** `run`, whose signal aborts when the caller goes away. */
export const runs: CallPath = {
  name: 'run',
  start: (breaker) => startPromise(breaker, new AbortController()),
}

/** `callSync`; a call that has to stay in flight is a permit instead. */
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
        if (own !== undefined) throw own // oxlint-disable-line typescript/only-throw-error -- a case may throw anything
      })
    } catch (error) {
      if (!invoked) return rejection(error)
      if (error !== own) throw error
    }
    return breaker.snapshot().late === late
  },
}

/** Makes a whole call of a function that throws before it returns a promise. */
async function throwSynchronously(
  breaker: CircuitBreaker,
  ending: Ending,
  during: () => void,
): Promise<boolean | CircuitBreakerError> {
  const own = errorOf(ending)
  let invoked = false
  let seen: Settled | undefined
  const inTime = await applied(breaker, async () => {
    seen = await settled(
      breaker.call(() => {
        invoked = true
        during()
        throw own // oxlint-disable-line typescript/only-throw-error -- a case may throw anything
      }),
    )
  })
  const error: unknown = seen && 'error' in seen ? seen.error : new Error('the call did not reject')
  if (!invoked) return rejection(error)
  if (error !== own) throw error
  return inTime
}

/** Makes a whole call along a path. Returns whether its outcome was applied, or the error of its rejection. */
export async function callAlong(
  path: CallPath,
  breaker: CircuitBreaker,
  ending: Ending,
  during: () => void,
): Promise<boolean | CircuitBreakerError> {
  if (path.call !== undefined) return path.call(breaker, ending, during)
  if (ending.throwKind === 'syncThrow' && path !== permits) return throwSynchronously(breaker, ending, during)
  const running = await path.start(breaker)
  if (isCircuitBreakerError(running)) return running
  during()
  return running.settle(ending)
}

export const PATHS: readonly CallPath[] = [permits, promises, runs, synchronous]
