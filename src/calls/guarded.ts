import type { Circuit } from '../core/circuit.ts'

/** Any function; its types were checked where it was handed over. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown

/** Marks a function that a circuit guards, so that a call of it through the same circuit counts once. */
const GUARD = Symbol('recloser.guard')

interface Guard {
  readonly circuit: Circuit
  readonly fn: AnyFunction
  readonly fallback: AnyFunction | undefined
}

/** What is behind a function that `circuit` guards. */
export function guardedBy(circuit: Circuit, fn: AnyFunction): Guard | undefined {
  // Most breakers guard none, and then there is no need to look.
  if (!circuit.guards) return undefined
  try {
    const mark = (fn as { [GUARD]?: Guard })[GUARD]
    return mark?.circuit === circuit ? mark : undefined
  } catch {
    return undefined // a proxy that does not like to be asked
  }
}

/** Gives `wrapper` the looks of `fn`, and the mark. */
export function mark(
  circuit: Circuit,
  fn: AnyFunction,
  wrapper: AnyFunction,
  fallback?: AnyFunction,
): AnyFunction {
  circuit.guard()
  return Object.defineProperties(wrapper, {
    [GUARD]: { value: { circuit, fn, fallback } satisfies Guard },
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  })
}
