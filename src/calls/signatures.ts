// What the methods that make calls take, and the types that they infer.

/** The options of `CircuitBreaker.run`. */
export interface RunOptions<F> {
  /** The caller's signal: the promise rejects at once when it aborts, and the call is ignored. */
  readonly signal?: AbortSignal | undefined
  /** Runs when the call fails, times out or is rejected; its result stands in. */
  readonly fallback?: ((error: unknown) => F) | undefined
}

/** The options of `CircuitBreaker.wrap`. */
export interface WrapOptions<This, A extends unknown[], F> {
  /** Runs when a call fails, times out or is rejected, with the arguments of the call; its result stands in. */
  readonly fallback?: ((this: This, error: unknown, ...args: A) => F) | undefined
}

type AnyGenerator = Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>

/** What a function is besides, if it is synchronous; `never` for one that returns a promise or a generator. */
export type Synchronous<R> = [R] extends [never]
  ? unknown
  : R extends PromiseLike<unknown> | AnyGenerator
    ? never
    : unknown

/** What {@link WrapOptions} are besides: a generator has no fallback. */
export type FallbackFor<R> = R extends AnyGenerator ? { readonly fallback?: undefined } : unknown

/** What a guarded function returns: a generator stays what it is, all else becomes a promise. */
export type Guarded<R, F = never> = R extends AnyGenerator ? R : Promise<Awaited<R> | Awaited<F>>
