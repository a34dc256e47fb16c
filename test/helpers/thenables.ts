/* oxlint-disable unicorn/no-thenable -- objects with a `then` are what this file is about */
import { runInNewContext } from 'node:vm'

type Callback = (value: unknown) => void

/** Returns a function that returns a thenable. */
export const thenable =
  (then: (resolve: Callback, reject: Callback) => void): (() => unknown) =>
  () => ({ then })

/** Values that have a `then` but are not thenables. */
export const NEARLY_THENABLES: readonly unknown[] = [{ then: 'not a function' }, { then: undefined }]

/** The error that the failing thenables reject with. */
export const error = new Error('its own')

/** What a function may return to be awaited, other than an ordinary promise. */
export const THENABLES: Record<string, () => unknown> = {
  'a thenable that resolves': thenable((resolve) => resolve('value')),
  'a thenable that rejects': thenable((_, reject) => reject(error)),
  'a thenable that resolves later': thenable((resolve) => queueMicrotask(() => resolve('value'))),
  'a thenable that calls both callbacks, the good one first': thenable((resolve, reject) => {
    resolve('value')
    reject(error)
  }),
  'a thenable that calls both callbacks, the bad one first': thenable((resolve, reject) => {
    reject(error)
    resolve('value')
  }),
  'a thenable that resolves again and again': thenable((resolve) => {
    for (let i = 0; i < 5; i++) resolve(i)
  }),
  'a thenable that throws': thenable(() => {
    throw error
  }),
  'a thenable that throws after it has resolved': thenable((resolve) => {
    resolve('value')
    throw error
  }),
  'a thenable that never answers': thenable(() => {}),
  'a thenable that resolves with a thenable': thenable((resolve) =>
    resolve({ then: (next: Callback) => next('inner') }),
  ),
  'a thenable that resolves with a rejecting promise': thenable((resolve) => resolve(Promise.reject(error))),
  'a thenable that rejects with a thenable': thenable((_, reject) => reject({ then: 'own' })),
  'a function that is a thenable': () =>
    Object.assign(() => {}, { then: (resolve: Callback) => resolve('value') }),
  'an object whose `then` throws when it is read': () =>
    Object.defineProperty({}, 'then', {
      get() {
        throw error
      },
    }),
  'a promise of another realm': () => runInNewContext('Promise.resolve("value")') as unknown,
  'a rejecting promise of another realm': () =>
    (runInNewContext('(error) => Promise.reject(error)') as (error: unknown) => unknown)(error),
  'a promise of a subclass': () => new (class Sub<T> extends Promise<T> {})((resolve) => resolve('value')),
  'a promise whose `then` is its own': () =>
    Object.assign(Promise.resolve('value'), { then: (resolve: Callback) => resolve('another') }),
  'a promise whose own `then` throws': () =>
    Object.assign(Promise.resolve('value'), {
      then: () => {
        throw error
      },
    }),
  'a promise whose own `then` returns nothing and calls back at once, twice': () =>
    Object.assign(Promise.resolve('value'), {
      then: (resolve: Callback, reject: Callback) => {
        resolve('another')
        reject(error)
      },
    }),
  'an object that pretends to be a promise': () =>
    Object.create(Promise.prototype, { then: { value: (resolve: Callback) => resolve('value') } }),
  'a promise of a promise': () => Promise.resolve(Promise.resolve('value')),
}
