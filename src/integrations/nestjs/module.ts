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

/** The options of {@link CircuitBreakerModule.forRootAsync}, as modules of Nest have them. */
export type CircuitBreakerModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  CircuitBreakerModuleOptions,
  'createCircuitBreakerOptions'
>

const OPTIONS = Symbol('recloser.options')
const WATCH = Symbol('recloser.watch')

/** The same for all of an application, however its options came. */
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
 * The circuit breakers of a Nest application, 11 or 12: by name, watched by a `CircuitBreakerMonitor` until the application
 * shuts down.
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
 *     CircuitBreakerModule.forRoot({ breaker: { timeoutDuration: 10_000 } }),
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
// oxlint-disable-next-line typescript/no-extraneous-class -- that is what a module of Nest is
export class CircuitBreakerModule {
  /**
   * For the root module, once.
   *
   * A bad option makes the application's start fail with a `TypeError` or `RangeError`.
   *
   * @throws {TypeError} with Nest 10 or older.
   */
  static forRoot(options: CircuitBreakerModuleOptions = {}): DynamicModule {
    return root(configurable().forRoot(options))
  }

  /** The same with options that come from elsewhere: `useFactory` and `inject`, `useClass` or `useExisting`. */
  static forRootAsync(options: CircuitBreakerModuleAsyncOptions): DynamicModule {
    return root(configurable().forRootAsync(options))
  }

  /**
   * Provides breakers to a module, for `@InjectCircuitBreaker(name)`. What is special about one is said once in the whole
   * application; the rest comes from `forRoot`.
   *
   * @throws {TypeError | RangeError} for a bad option, or with Nest 10 or older.
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
 * The token of a breaker that `CircuitBreakerModule.forFeature` provides.
 *
 * @throws {TypeError} if the name is no string.
 */
export function getCircuitBreakerToken(name: string): string {
  aString(name, 'name')
  return `recloser:${name}`
}

/**
 * Injects a breaker that `CircuitBreakerModule.forFeature` provides:
 * `constructor(@InjectCircuitBreaker('payments') payments: CircuitBreaker)`.
 *
 * @throws {TypeError} if the name is no string.
 */
export function InjectCircuitBreaker(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getCircuitBreakerToken(name))
}

/** Built on first use: old versions of Nest have no builder, and the import must not fail before the check can. */
function configurable() {
  checkVersion(common)
  return new common.ConfigurableModuleBuilder<CircuitBreakerModuleOptions>({ optionsInjectionToken: OPTIONS })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createCircuitBreakerOptions')
    .build().ConfigurableModuleClass
}

/** By what Nest 11 added. Older versions treat two modules as one if they differ only in the options of a breaker. */
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
