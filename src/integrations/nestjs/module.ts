import * as common from '@nestjs/common'
import {
  Inject,
  Module,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common'
import { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { tooOld } from '../../base/peer.ts'
import { aString } from '../../base/validate.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import {
  checkFeatures,
  NestBreakers,
  type CircuitBreakerFeature,
  type CircuitBreakerModuleOptions,
} from './breakers.ts'
import { CircuitBreakerExceptionFilter } from './filter.ts'
import { CircuitBreakerHealthIndicator } from './health.ts'

/** The options of {@link CircuitBreakerModule.forRootAsync}: those of any configurable module of Nest. */
export type CircuitBreakerModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  CircuitBreakerModuleOptions,
  'createCircuitBreakerOptions'
>

const OPTIONS = Symbol('recloser.options')
const WATCH = Symbol('recloser.watch')

/** The providers of `forRoot` and `forRootAsync`, apart from the options. */
const PROVIDERS: Provider[] = [
  {
    provide: NestBreakers,
    useFactory: (options: CircuitBreakerModuleOptions) => new NestBreakers(options),
    inject: [OPTIONS],
  },
  {
    provide: CircuitBreakerRegistry,
    useFactory: ({ registry }: NestBreakers) => registry,
    inject: [NestBreakers],
  },
  {
    provide: CircuitBreakerMonitor,
    useFactory: ({ monitor }: NestBreakers) => monitor ?? new CircuitBreakerMonitor(),
    inject: [NestBreakers],
  },
  {
    provide: WATCH,
    useFactory: (registry: CircuitBreakerRegistry, monitor: CircuitBreakerMonitor) =>
      watchUntilShutdown(registry, monitor),
    inject: [CircuitBreakerRegistry, CircuitBreakerMonitor],
  },
  CircuitBreakerHealthIndicator,
  CircuitBreakerExceptionFilter,
]

function watchUntilShutdown(
  registry: CircuitBreakerRegistry,
  monitor: CircuitBreakerMonitor,
): OnApplicationShutdown {
  const watch = monitor.watch(registry)
  return { onApplicationShutdown: () => watch[Symbol.dispose]() }
}

/**
 * The module that provides the circuit breakers of a Nest 11 or 12 application. Breakers have names, and a
 * `CircuitBreakerMonitor` watches them until the application shuts down.
 *
 * With `forRoot` in the root module, all modules can inject `CircuitBreakerRegistry`, `CircuitBreakerMonitor`,
 * {@link CircuitBreakerHealthIndicator} and {@link CircuitBreakerExceptionFilter}, and put `@Protect(name)` on methods.
 *
 * @example
 * ```ts legacy-decorators
 * import { Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import type { CircuitBreaker } from 'recloser'
 * import { CircuitBreakerModule, getCircuitBreakerToken } from 'recloser/nestjs'
 *
 * @Module({
 *   imports: [
 *     CircuitBreakerModule.forRoot({ breaker: { callTimeout: 5_000, timeoutDuration: 10_000 } }),
 *     CircuitBreakerModule.forFeature([{ name: 'payments', failMax: 3 }, 'mail']),
 *   ],
 * })
 * class AppModule {}
 *
 * const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
 * const payments = app.get<CircuitBreaker>(getCircuitBreakerToken('payments'))
 * console.log(payments.options.failMax, payments.options.timeoutDuration) // 3 10000
 * await app.close()
 * ```
 */
// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is a class
export class CircuitBreakerModule {
  /**
   * Creates the module for the `imports` of the root module. Import it once per application.
   *
   * When an option is invalid, the application fails to start, with a `TypeError` or `RangeError`.
   *
   * @throws {TypeError} when Nest is version 10 or older.
   */
  static forRoot(options: CircuitBreakerModuleOptions = {}): DynamicModule {
    return root(configurable().forRoot(options))
  }

  /**
   * The same as `forRoot`, with options from a provider: `useFactory` and `inject`, `useClass` or `useExisting`.
   *
   * @throws {TypeError} when Nest is version 10 or older.
   */
  static forRootAsync(options: CircuitBreakerModuleAsyncOptions): DynamicModule {
    return root(configurable().forRootAsync(options))
  }

  /**
   * Provides breakers to a module, for `@InjectCircuitBreaker(name)`. The options given here override those of
   * `forRoot`. Give the options of a breaker only once in an application; other modules import it by name alone.
   *
   * @throws {TypeError | RangeError} when an option is invalid, or when Nest is version 10 or older.
   */
  static forFeature(features: readonly CircuitBreakerFeature[]): DynamicModule {
    checkVersion(common)
    checkFeatures(features)
    const providers = features.map((feature) => ({
      provide: getCircuitBreakerToken(typeof feature === 'string' ? feature : feature.name),
      useFactory: (breakers: NestBreakers) => breakers.define(feature),
      inject: [NestBreakers],
    }))
    return { module: CircuitBreakerModule, providers, exports: providers.map(({ provide }) => provide) }
  }
}

Module({})(CircuitBreakerModule)

/**
 * Returns the injection token of a breaker that `CircuitBreakerModule.forFeature` provides.
 *
 * @throws {TypeError} when the name is not a string.
 *
 * @example
 * ```ts legacy-decorators
 * import { Test } from '@nestjs/testing'
 * import { CircuitBreaker } from 'recloser'
 * import { getCircuitBreakerToken, InjectCircuitBreaker } from 'recloser/nestjs'
 *
 * class Checkout {
 *   constructor(@InjectCircuitBreaker('payments') readonly payments: CircuitBreaker) {}
 * }
 *
 * const breaker = new CircuitBreaker({ name: 'of a unit test' })
 * const testing = await Test.createTestingModule({
 *   providers: [Checkout, { provide: getCircuitBreakerToken('payments'), useValue: breaker }],
 * }).compile()
 * console.log(testing.get(Checkout).payments.name) // of a unit test
 * ```
 */
export function getCircuitBreakerToken(name: string): string {
  aString(name, 'name')
  return `recloser:${name}`
}

/**
 * Parameter and property decorator that injects a breaker that `CircuitBreakerModule.forFeature` provides.
 *
 * @throws {TypeError} when the name is not a string.
 *
 * @example
 * ```ts legacy-decorators
 * import { Injectable, Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { CircuitBreaker } from 'recloser'
 * import { CircuitBreakerModule, InjectCircuitBreaker } from 'recloser/nestjs'
 *
 * @Injectable()
 * class Payments {
 *   constructor(@InjectCircuitBreaker('payments') private readonly breaker: CircuitBreaker) {}
 *
 *   charge(cents: number) {
 *     return this.breaker.call(async () => `charged ${cents}`)
 *   }
 * }
 *
 * @Module({
 *   imports: [CircuitBreakerModule.forRoot(), CircuitBreakerModule.forFeature(['payments'])],
 *   providers: [Payments],
 * })
 * class AppModule {}
 *
 * const app = await NestFactory.createApplicationContext(AppModule, { logger: false })
 * console.log(await app.get(Payments).charge(1_200)) // charged 1200
 * await app.close()
 * ```
 */
export function InjectCircuitBreaker(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getCircuitBreakerToken(name))
}

/**
 * Returns the base class of a configurable module. It is built on first use: old versions of Nest have no builder, and
 * the version check must run before anything fails.
 */
function configurable() {
  checkVersion(common)
  return new common.ConfigurableModuleBuilder<CircuitBreakerModuleOptions>({ optionsInjectionToken: OPTIONS })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createCircuitBreakerOptions')
    .build().ConfigurableModuleClass
}

/**
 * Detects the version by what Nest 11 added. Older versions merge two dynamic modules that differ only in the options
 * of a breaker.
 *
 * @throws {TypeError} when Nest is version 10 or older.
 */
function checkVersion(nest: object): void {
  if ('IntrinsicException' in nest || 'ParseDatePipe' in nest) return
  throw tooOld('nestjs', 'Nest 11 or 12', 'Nest 10 or older', '@nestjs/common@latest @nestjs/core@latest')
}

function root({ imports = [], providers = [] }: DynamicModule): DynamicModule {
  return {
    module: CircuitBreakerModule,
    global: true,
    imports,
    providers: [...providers, ...PROVIDERS],
    exports: [
      NestBreakers,
      CircuitBreakerRegistry,
      CircuitBreakerMonitor,
      CircuitBreakerHealthIndicator,
      CircuitBreakerExceptionFilter,
    ],
  }
}
