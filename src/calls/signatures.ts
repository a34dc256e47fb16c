// The options of the methods that make calls, and the types that they infer.

/** The options of `CircuitBreaker.run`. */
export interface RunOptions<F> {
  /**
   * The caller's signal. When it aborts, the promise rejects immediately and the call is ignored. `null` is the same as
   * none.
   *
   * @default no signal
   */
  readonly signal?: AbortSignal | null | undefined
  /**
   * The time limit of this call, in milliseconds, instead of the breaker's. `Infinity` means no limit.
   *
   * @default the `callTimeout` of the breaker
   */
  readonly callTimeout?: number | undefined
  /**
   * Called with the error if the call fails, times out or is rejected; with a `FailedResultError` if its result is
   * classified as a failure. Its result replaces that of the task.
   *
   * @default the promise rejects with the error
   */
  readonly fallback?: ((error: unknown) => F) | undefined
}

/** The options of `CircuitBreaker.wrap`. */
export interface WrapOptions<This, A extends unknown[], F> {
  /**
   * Called with the error and the arguments of the call if a call fails, times out or is rejected; with a
   * `FailedResultError` if its result is classified as a failure. Its result replaces that of the function.
   *
   * @default the promise rejects with the error
   */
  readonly fallback?: ((this: This, error: unknown, ...args: A) => F) | undefined
}

/** Any generator object. */
type AnyGenerator = Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>

/** Restricts a function to a synchronous one: `never` if it returns a promise or a generator, otherwise `unknown`. */
export type Synchronous<R> = [R] extends [never]
  ? unknown
  : R extends PromiseLike<unknown> | AnyGenerator
    ? never
    : unknown

/** Restricts {@link WrapOptions}: a generator function cannot have a fallback. */
export type FallbackFor<R> = R extends AnyGenerator ? { readonly fallback?: undefined } : unknown

/** The return type of a guarded function: a generator stays a generator, everything else becomes a promise. */
export type Guarded<R, F = never> = R extends AnyGenerator ? R : Promise<Awaited<R> | Awaited<F>>
