// The options of the methods that make calls, and the types that they infer.

/** The options of `CircuitBreaker.run`. */
export interface RunOptions<F = never> {
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

/** The options of `CircuitBreaker.wrap` for a function that keeps its type. */
export interface NoFallback {
  /**
   * Left out. A fallback is for functions that return a promise, whose results it may widen.
   *
   * @default the promise rejects with the error
   */
  readonly fallback?: undefined
}

// Two facts about TypeScript explain the types below.
//
// A type parameter that extends `Function` gives the function that is passed no contextual signature. That is why a
// parameter with a default value and no annotation keeps its type. Until TypeScript has inferred such a type parameter
// it is `Function` itself, which each check of a function must accept.
//
// `'async' extends ResultKind<T>`, for a type parameter `T` of the user's code, is neither true nor false. A function is
// assignable to such a type only if it is assignable to the result of each branch that is possible when `T` is `any`.
// `ResultKind<any>` is not `'async'`, so the code of generic functions is accepted.

/** Any generator object. */
type AnyGenerator = Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>

/**
 * What is special about a return type: `'async'` for a promise or a generator, `'generator'`, and `'changes'` if a
 * guarded function returns another type.
 */
type ResultKind<R> = [0] extends [1 & R] ? 'changes' : [R] extends [never] ? 'changes' : KnownResultKind<R>

/** `ResultKind` of a return type that is neither `any` nor `never`. */
type KnownResultKind<R> = unknown extends R
  ? never
  : R extends AnyGenerator
    ? 'async' | 'generator'
    : R extends Promise<infer T>
      ? Promise<T> extends R
        ? 'async'
        : 'async' | 'changes'
      : R extends PromiseLike<unknown>
        ? 'async' | 'changes'
        : R extends void
          ? never
          : 'changes'

/** The kinds of the results of a function's last four overloads. Where there are fewer, the others return `unknown`. */
type ResultKinds<F> = F extends {
  (...args: never[]): infer A
  (...args: never[]): infer B
  (...args: never[]): infer C
  (...args: never[]): infer D
}
  ? ResultKind<A> | ResultKind<B> | ResultKind<C> | ResultKind<D>
  : never

/** A signature without a `this` that says nothing. */
type Signature<This, A extends unknown[], R> = unknown extends This
  ? (...args: A) => R
  : (this: This, ...args: A) => R

/** The parameters of a function. */
export type ParametersOf<F> = F extends (...args: infer A) => unknown ? A : never

/** Prevents inference from a use of `A`. */
export type NotInferred<A extends unknown[]> = A extends infer B extends unknown[] ? B : never

/** A function without the properties of its own that it may have: those are not copied to its guarded version. */
export type Bare<F> = 0 extends 1 & F
  ? F
  : [keyof F] extends [never]
    ? F
    : F extends (this: infer This, ...args: infer A) => infer R
      ? Signature<This, A, R>
      : F

/** Accepts functions that keep their type when they are guarded: `unknown`, or a message. */
export type KeepsType<F> = Function extends F
  ? unknown
  : 'changes' extends ResultKinds<F>
    ? 'a function that returns a promise or a generator'
    : 'async' extends ResultKinds<F>
      ? unknown
      : 'a function that returns a promise or a generator'

/** The type of a guarded function that keeps it. A function that is not typed may be called in any way. */
export type Kept<F> = Function extends F ? (...args: unknown[]) => Promise<unknown> : Bare<F>

/** Whether two types are identical. A generic function may be assignable to one that is not, and the reverse. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Accepts functions with one signature that is not generic, and no generator functions: `unknown`, or a message. */
export type OneSignature<F> = Function extends F
  ? unknown
  : F extends (this: infer This, ...args: infer A) => infer R
    ? 'generator' extends ResultKind<R>
      ? 'a generator function cannot have a fallback'
      : Same<F, (this: This, ...args: A) => R> extends true
        ? unknown
        : 'a function with one signature that is not generic'
    : 'a function'

/** The type of a guarded function whose fallback returns `B`: it always returns a promise. */
export type Guarded<F, B> = Function extends F
  ? (...args: unknown[]) => Promise<unknown>
  : [F] extends [never]
    ? F // Never so. It lets TypeScript infer the parameters of `F` from the type that the user expects.
    : F extends (this: infer This, ...args: infer A) => infer R
      ? Signature<This, A, Promise<Awaited<R> | Awaited<B>>>
      : never

/** Refuses a fallback of a generator function. */
export type FallbackFor<R> =
  'generator' extends ResultKind<R>
    ? { readonly fallback?: 'a generator function cannot have a fallback' }
    : unknown

/**
 * A function that is called with arguments of the types `A`. It is a conditional type, always true, because TypeScript
 * resolves such a type with the types of the arguments before it types parameters without annotation. A parameter that
 * no argument is for then has the type of its default value; in `(...args: A) => R` it would have the type `A[1]`.
 */
export type CalledWith<A extends unknown[], R> = [A] extends [unknown] ? (...args: A) => R : never

/** What a synchronous function may return: `R`, or a message if that is a promise or a generator. */
export type SynchronousResult<R> =
  'async' extends ResultKind<R> ? 'callSync takes a synchronous function: use call' : R

/** Accepts synchronous functions: `unknown`, or a message. */
export type Synchronous<F> =
  'async' extends ResultKinds<F> ? 'wrapSync takes a synchronous function: use call or wrap' : unknown
