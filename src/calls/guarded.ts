import type { Circuit } from '../core/circuit.ts'

/** Any function. Public signatures have checked its types. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown

/** Marks a guarded function, so that a call of it through the same circuit counts once. */
const GUARD = Symbol('recloser.guard')

interface Guard {
  readonly circuit: Circuit
  readonly fn: AnyFunction
  readonly fallback: AnyFunction | undefined
  readonly isMethod: boolean
}

/** Returns the guard of a function if `circuit` guards it. */
export function guardedBy(circuit: Circuit, fn: AnyFunction): Guard | undefined {
  // Most breakers guard no function, which makes this check cheap.
  if (!circuit.guards) return undefined
  try {
    const mark = (fn as { [GUARD]?: Guard })[GUARD]
    return mark?.circuit === circuit ? mark : undefined
  } catch {
    return undefined // a proxy that threw
  }
}

/** Marks `wrapper` as guarded, and gives it the name and the length of `fn`. */
export function mark(
  circuit: Circuit,
  fn: AnyFunction,
  wrapper: AnyFunction,
  fallback?: AnyFunction,
  isMethod = false,
): AnyFunction {
  circuit.guards = true
  return Object.defineProperties(wrapper, {
    [GUARD]: { value: { circuit, fn, fallback, isMethod } satisfies Guard },
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  })
}
