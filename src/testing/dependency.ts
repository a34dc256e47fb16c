import { check, isObject } from '../base/validate.ts'

/**
 * How a scripted dependency that returns `T` answers one call: `'ok'` resolves to `'ok'`, `'fail'` rejects with an
 * `Error`, and `'hang'` stays pending until the test settles it. An object has the value to resolve to, or the error to
 * reject with.
 */
export type ScriptStep<T = unknown> =
  | ('ok' extends T ? 'ok' : never)
  | 'fail'
  | 'hang'
  | { readonly value: T; readonly error?: never }
  | { readonly error: unknown; readonly value?: never }

/**
 * What the calls of a script with these steps resolve to: `'ok'` and the values. If there are neither, but calls that
 * hang, it is `T`, to which the test resolves them.
 */
export type ScriptResult<
  Step,
  T = unknown,
  Returned = Step extends 'ok' ? 'ok' : Step extends { readonly value: infer V } ? Awaited<V> : never,
> = [Returned] extends [never] ? ('hang' extends Step ? T : never) : Returned

/** A pending call of a scripted dependency, for the test to settle. */
export interface HangingCall<T = unknown> {
  /** The arguments of the call. */
  readonly args: readonly unknown[]
  /** Resolves the call to `value`. */
  resolve(value: T): void
  /** Rejects the call with `error`. */
  reject(error: unknown): void
}

/**
 * A dependency that answers by a script, one step per call, and then repeats the last step. It records its calls.
 *
 * Its type follows from the script: `['ok', { value: 5 }]` returns `Promise<'ok' | number>`. Name the type that it
 * returns where the script does not tell: `new ScriptedDependency<Price>(['hang'])`.
 *
 * @throws {TypeError} when the script is empty, or has an unknown step or one with both a value and an error.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { ScriptedDependency } from 'recloser/testing'
 *
 * const payments = new ScriptedDependency(['ok', 'fail', 'fail', { value: 'back' }])
 * const breaker = new CircuitBreaker({ failMax: 2 })
 * for (let i = 0; i < 4; i++) await breaker.call(payments.call).catch(() => {})
 * console.log(breaker.state, payments.calls.length) // open 3
 * ```
 */
export class ScriptedDependency<T = unknown, Step extends ScriptStep<T> = ScriptStep<T>> {
  /** The arguments of each call so far. */
  readonly calls: (readonly unknown[])[] = []
  /** The calls that were left pending, in the order in which they began. */
  readonly hanging: HangingCall<ScriptResult<Step, T>>[] = []
  readonly #steps: readonly ScriptStep[]

  constructor(steps: readonly Step[]) {
    check(Array.isArray(steps) && steps.length > 0, 'steps', 'an array of at least one step', steps)
    // The copy has no holes, which `forEach` would skip.
    this.#steps = [...steps]
    this.#steps.forEach((step, index) => check(isStep(step), `steps[${index}]`, 'a step of a script', step))
  }

  /** Calls the dependency. The function is bound, so it can be passed to a breaker. */
  readonly call = (...args: unknown[]): Promise<ScriptResult<Step, T>> => {
    return this.#answer(args) as Promise<ScriptResult<Step, T>>
  }

  #answer(args: unknown[]): Promise<unknown> {
    const { calls, hanging } = this
    const step = this.#steps[Math.min(calls.length, this.#steps.length - 1)]!
    calls.push(args)
    if (step === 'ok') return Promise.resolve('ok')
    if (step === 'fail') return Promise.reject(new Error(`scripted failure of call ${calls.length}`))
    if (step === 'hang') return new Promise((resolve, reject) => hanging.push({ args, resolve, reject }))
    return 'value' in step ? Promise.resolve(step.value) : Promise.reject(step.error)
  }
}

function isStep(step: unknown): boolean {
  return (
    step === 'ok' ||
    step === 'fail' ||
    step === 'hang' ||
    (isObject(step) && 'value' in step !== 'error' in step)
  )
}
