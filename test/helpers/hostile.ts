function throwError(): never {
  throw new Error('hostile')
}

/** Returns an object with this `then`. */
export function thenable(then: PropertyDescriptor): object {
  return Object.defineProperty({}, 'then', then) // oxlint-disable-line unicorn/no-thenable
}

/** What hostile user code may do instead of its job. */
export const hostile = {
  'throws an error': throwError,
  'throws undefined': () => {
    throw undefined
  },
  'throws what cannot be shown': () => {
    throw Object.create(null)
  },
  rejects: () => Promise.reject(new Error('hostile')),
  'answers with a thenable that throws': () => thenable({ value: throwError }),
} satisfies Record<string, () => unknown>

/** Returns a proxy that throws whenever a property is read, once it is armed. */
export function trap<T extends object>(target: T): { readonly value: T; arm(): void } {
  let armed = false
  const value = new Proxy(target, {
    get(from, key, receiver): unknown {
      if (armed) throw new Error('hostile')
      return Reflect.get(from, key, receiver)
    },
  })
  return { value, arm: () => void (armed = true) }
}
