import {
  ConfigurableModuleBuilder,
  Module,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common'
import { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import {
  checkFeatures,
  NestBreakers,
  type CircuitBreakerFeature,
  type CircuitBreakerModuleOptions,
} from './breakers.ts'
import { CircuitBreakerExceptionFilter } from './filter.ts'
import { CircuitBreakerHealthIndicator } from './health.ts'
import { getCircuitBreakerToken } from './tokens.ts'

/** The options of {@link CircuitBreakerModule.forRootAsync}, as modules of Nest have them. */
export type CircuitBreakerModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  CircuitBreakerModuleOptions,
  'createCircuitBreakerOptions'
>

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<CircuitBreakerModuleOptions>()
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createCircuitBreakerOptions')
    .build()

const WATCH = Symbol('recloser.watch')

/** The same for all of an application, however its options came. */
const PROVIDERS: Provider[] = [
  {
    provide: NestBreakers,
    useFactory: (options: CircuitBreakerModuleOptions) => new NestBreakers(options),
    inject: [MODULE_OPTIONS_TOKEN],
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
   */
  static forRoot(options: CircuitBreakerModuleOptions = {}): DynamicModule {
    return root(ConfigurableModuleClass.forRoot(options))
  }

  /** The same with options that come from elsewhere: `useFactory` and `inject`, `useClass` or `useExisting`. */
  static forRootAsync(options: CircuitBreakerModuleAsyncOptions): DynamicModule {
    return root(ConfigurableModuleClass.forRootAsync(options))
  }

  /**
   * Provides breakers to a module, for `@InjectCircuitBreaker(name)`. What is special about one is said once in the whole
   * application; the rest comes from `forRoot`.
   *
   * @throws {TypeError | RangeError} for a bad option.
   */
  static forFeature(features: readonly CircuitBreakerFeature[]): DynamicModule {
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
