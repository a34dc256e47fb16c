import type { AnyFunction } from './guarded.ts'
import type { Circuit } from '../core/circuit.ts'
import { check } from '../base/validate.ts'
import { guard } from './wrap.ts'

/** A method that returns a promise or a generator. */
export type ProtectableMethod = (
  ...args: never[]
) => PromiseLike<unknown> | Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>

/**
 * A method decorator for both dialects: the standard one, and `experimentalDecorators`. A synchronous method does not
 * compile: it would return a promise that its type does not show.
 */
export interface Protect {
  /** Guards a method as a standard decorator. */
  <F extends ProtectableMethod>(method: F, context: { readonly kind: 'method' }): void
  /** Guards a method with `experimentalDecorators`. */
  <F extends ProtectableMethod>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): void
}

/** Creates the method decorator of a circuit. */
export function protector(circuit: Circuit): Protect {
  return (target: unknown, context: unknown, descriptor?: PropertyDescriptor): AnyFunction | void => {
    const kind = (context as { kind?: unknown } | undefined)?.kind
    const method: unknown = descriptor ? descriptor.value : kind === 'method' ? target : kind
    check(typeof method === 'function', 'the target of @protect', 'a method', method)
    const guarded = guard(circuit, method as AnyFunction, {}, true)
    if (!descriptor) return guarded
    descriptor.value = guarded
  }
}
