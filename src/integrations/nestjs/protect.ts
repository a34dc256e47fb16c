import { Inject } from '@nestjs/common'
import type { CircuitBreaker } from '../../breaker.ts'
import type { AnyFunction } from '../../calls/guarded.ts'
import type { ProtectableMethod } from '../../calls/decorator.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import { aString, check, tagOf } from '../../base/validate.ts'

/** A decorator for methods that return a promise or a generator. */
export type ProtectDecorator = <F extends ProtectableMethod>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<F>,
) => void

/** The property in which Nest injects the registry into each instance. */
const BREAKERS = Symbol('recloser.breakers')

interface NestInstance {
  readonly [BREAKERS]?: CircuitBreakerRegistry
}

/**
 * Method decorator that sends the calls of a method of a provider or controller through the breaker with this name. The
 * method must return a promise or a generator. It keeps its `this`, also in request-scoped instances.
 *
 * The breaker comes from `CircuitBreakerModule.forRoot`, with the options of `forFeature`, if any. An `HttpException`
 * with a status below 500 is a success, unless `classifyError` returns another outcome. The first call through the same
 * breaker that a method makes before anything asynchronous, such as of another protected method, counts with it as one.
 *
 * @throws {TypeError} when the name is not a string, or the decorated member is not an instance method.
 *
 * @example
 * ```ts legacy-decorators
 * import { Injectable, Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { CircuitBreakerModule, Protect } from 'recloser/nestjs'
 *
 * @Injectable()
 * class Payments {
 *   @Protect('payments')
 *   async charge(cents: number) {
 *     return `charged ${cents}`
 *   }
 * }
 *
 * @Module({ imports: [CircuitBreakerModule.forRoot()], providers: [Payments] })
 * class AppModule {}
 *
 * const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
 * console.log(await app.get(Payments).charge(1_200)) // charged 1200
 * await app.close()
 * ```
 */
export function Protect(name: string): ProtectDecorator {
  aString(name, 'name')
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    const method: unknown = descriptor?.value
    const isMethod = typeof method === 'function' && typeof target === 'object'
    check(
      isMethod,
      'the target of @Protect',
      'a method of instances, of a class with legacy decorators',
      method,
    )
    Inject(CircuitBreakerRegistry)(target, BREAKERS)
    descriptor!.value = protectedBy(name, key, method as AnyFunction)
  }
}

function protectedBy(name: string, key: string | symbol, method: AnyFunction): AnyFunction {
  const isGenerator = tagOf(method).endsWith('GeneratorFunction')
  // One guarded method per breaker, since each application has its own breakers. Tests create many applications.
  const guardedBy = new WeakMap<CircuitBreaker, AnyFunction>()

  function guardedMethod(breaker: CircuitBreaker): AnyFunction {
    const known = guardedBy.get(breaker)
    if (known) return known
    const descriptor = { value: method as ProtectableMethod & AnyFunction }
    breaker.protect({}, key, descriptor)
    guardedBy.set(breaker, descriptor.value)
    return descriptor.value
  }

  const wrapper: AnyFunction = function (...args) {
    const registry = (this as NestInstance | undefined)?.[BREAKERS]
    if (registry) return guardedMethod(registry.get(name)).apply(this, args)
    const error = new TypeError(
      `Expected \`this\` of \`${String(key)}\`, which @Protect('${name}') guards, to be made by Nest with ` +
        'CircuitBreakerModule.forRoot among the imports, got an instance without a registry',
    )
    if (isGenerator) throw error
    return Promise.reject(error)
  }
  for (const metadataKey of Reflect.getMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(metadataKey, Reflect.getMetadata(metadataKey, method), wrapper)
  }
  return Object.defineProperties(wrapper, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  })
}
