import {
  Injectable,
  Module,
  type FactoryProvider,
  type INestApplication,
  type INestApplicationContext,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common'
import nest from '@nestjs/core/package.json' with { type: 'json' }
import { NestFactory } from '@nestjs/core'
import { afterEach } from 'node:test'
import { getCircuitBreakerToken, Protect } from '../../../src/integrations/nestjs/index.ts'
import { type CircuitBreaker } from '../../../src/index.ts'

/** The major version of Nest. */
export const major: number = Number(nest.version.split('.')[0])

// Decorators are applied manually: the tests run without a compile step, and engines do not support the legacy ones.

export type AnyClass = Type<unknown>
type MethodDecorators = readonly ((target: object, key: string, descriptor: PropertyDescriptor) => void)[]

export function onMethod(target: AnyClass, key: string, ...decorators: MethodDecorators): void {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key)!
  for (const decorator of decorators.toReversed()) decorator(target.prototype as object, key, descriptor)
  Object.defineProperty(target.prototype, key, descriptor)
}

export function onParameters(target: AnyClass, ...decorators: ParameterDecorator[]): void {
  decorators.forEach((decorator, index) => decorator(target, undefined, index))
}

export function aModule(metadata: ModuleMetadata): AnyClass {
  const made = class {}
  Module(metadata)(made)
  return made
}

/** The same provider, created after `other`. */
export function afterwards(provider: FactoryProvider, other: AnyClass): FactoryProvider {
  return { ...provider, inject: [...provider.inject!, other] }
}

const apps: { close(): Promise<void> }[] = []

export async function start(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(aModule(metadata), {
    logger: false,
    abortOnError: false,
  })
  apps.push(app)
  return app
}

export async function listen(metadata: ModuleMetadata): Promise<{ app: INestApplication; origin: string }> {
  const app = await NestFactory.create(aModule(metadata), {
    logger: false,
    abortOnError: false,
    forceCloseConnections: true,
  })
  apps.push(app)
  await app.listen(0, '127.0.0.1')
  return { app, origin: (await app.getUrl()).replace('[::1]', '127.0.0.1') }
}

export const named = (app: INestApplicationContext, name: string): CircuitBreaker =>
  app.get<CircuitBreaker>(getCircuitBreakerToken(name), { strict: false })

/** Returns a new class of a provider with one protected method, because decorators modify the class. */
export function makeClient(
  name = 'payments',
): Type<{ charge(cents: number): Promise<string>; fail(error: unknown): Promise<never> }> {
  class Client {
    readonly currency = 'EUR'
    async charge(cents: number): Promise<string> {
      return `${this.currency} ${cents}`
    }
    // Throws synchronously, although its type promises a promise.
    fail(error: unknown): Promise<never> {
      throw error
    }
  }
  Injectable()(Client)
  for (const key of ['charge', 'fail']) onMethod(Client, key, Protect(name))
  return Client
}

/** Closes the applications of each test. */
export function closeApps(): void {
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
  })
}
