import { check, isObject } from '../base/validate.ts'

/**
 * How a scripted dependency answers one call: `'ok'` resolves to `'ok'`, `'fail'` rejects with an `Error`, and `'hang'`
 * stays pending until the test settles it. An object has the value to resolve to, or the error to reject with.
 */
export type ScriptStep<T = unknown> =
  'ok' | 'fail' | 'hang' | { readonly value: T } | { readonly error: unknown }

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
 * @throws {TypeError} when the script is empty or has an unknown step.
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
export class ScriptedDependency<T = unknown> {
  /** The arguments of each call so far. */
  readonly calls: (readonly unknown[])[] = []
  /** The calls that were left pending, in the order in which they began. */
  readonly hanging: HangingCall<T>[] = []
  readonly #steps: readonly ScriptStep<T>[]

  constructor(steps: readonly ScriptStep<T>[]) {
    check(Array.isArray(steps) && steps.length > 0, 'steps', 'an array of at least one step', steps)
    steps.forEach((step, index) => check(isStep(step), `steps[${index}]`, 'a step of a script', step))
    this.#steps = [...steps]
  }

  /** Calls the dependency. The function is bound, so it can be passed to a breaker. */
  readonly call = (...args: unknown[]): Promise<T> => {
    const { calls, hanging } = this
    const step = this.#steps[Math.min(calls.length, this.#steps.length - 1)]!
    calls.push(args)
    if (step === 'ok') return Promise.resolve('ok' as T)
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
    (isObject(step) && ('value' in step || 'error' in step))
  )
}
