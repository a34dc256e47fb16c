import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerError } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { refused } from '../../helpers/refusal.ts'

type Method = (this: unknown, ...args: never[]) => unknown
/** Decorates a method of a class as the compiled code of a decorator dialect does. */
type Decorate = (breaker: CircuitBreaker, target: object, key: string | symbol) => void

const dialects: Record<string, Decorate> = {
  'the standard dialect': ({ protect }, target, key) => {
    const method: unknown = Reflect.get(target, key)
    const context = { kind: 'method', name: key, static: false, private: false, addInitializer() {} } as const
    const replacement = (protect as (method: Method, context: object) => unknown)(method as Method, context)
    if (replacement !== undefined) Object.defineProperty(target, key, { value: replacement })
  },
  'the legacy dialect': ({ protect }, target, key) => {
    const descriptor = Object.getOwnPropertyDescriptor(target, key) ?? {}
    const returned = (protect as (...args: unknown[]) => unknown)(target, key, descriptor)
    Object.defineProperty(target, key, (returned as PropertyDescriptor | undefined) ?? descriptor)
  },
}

const down = new Error('down')

for (const [dialect, decorate] of Object.entries(dialects)) {
  const make = (failMax = 2): CircuitBreaker => new CircuitBreaker({ failMax, clock: new ManualClock() })

  describe(`protect, in ${dialect}`, () => {
    it('guards a method: same arguments, same result, same error', async () => {
      class Client {
        async charge(cents: number, why?: string): Promise<string> {
          if (cents < 0) throw down
          return `${cents} ${why}`
        }
      }
      const breaker = make()
      decorate(breaker, Client.prototype, 'charge')
      const client = new Client()
      assert.equal(await client.charge(5, 'tea'), '5 tea')
      await assert.rejects(client.charge(-1), (error) => error === down)
      await assert.rejects(client.charge(-1), (error) => error === down)
      await assert.rejects(client.charge(5), CircuitBreakerError)
    })

    it('reads this at each call, and all instances share the breaker', async () => {
      class Client {
        readonly id: number
        constructor(id: number) {
          this.id = id
        }
        async get(): Promise<number> {
          return this.id
        }
      }
      const breaker = make()
      decorate(breaker, Client.prototype, 'get')
      const [one, two] = [new Client(1), new Client(2)]
      assert.equal(await one.get(), 1)
      assert.equal(await two.get(), 2)
      assert.equal(await one.get.call(two), 2)
      assert.equal(breaker.snapshot().counts.calls, 3)
    })

    it('guards static methods and methods with a symbol for a name', async () => {
      const key = Symbol('charge')
      class Client {
        static count = 7
        static async total(): Promise<number> {
          return this.count
        }
        async [key](): Promise<string> {
          return 'charged'
        }
      }
      const breaker = make()
      decorate(breaker, Client, 'total')
      decorate(breaker, Client.prototype, key)
      assert.equal(await Client.total(), 7)
      assert.equal(await new Client()[key](), 'charged')
      assert.equal(breaker.snapshot().counts.calls, 2)
    })

    it('keeps name and length, and the other attributes of the property', () => {
      class Client {
        async charge(_cents: number, _why: string): Promise<void> {}
      }
      const before = Object.getOwnPropertyDescriptor(Client.prototype, 'charge')
      const { charge } = Client.prototype
      decorate(make(), Client.prototype, 'charge')
      assert.notEqual(Client.prototype.charge, charge)
      assert.equal(Client.prototype.charge.name, 'charge')
      assert.equal(Client.prototype.charge.length, 2)
      const after = Object.getOwnPropertyDescriptor(Client.prototype, 'charge')
      assert.deepEqual({ ...after, value: undefined }, { ...before, value: undefined })
    })

    it('guards generator methods as generators', async () => {
      class Client {
        *list(): Generator<number> {
          yield* this.pages
        }
        async *stream(): AsyncGenerator<number> {
          yield* this.pages
          throw down
        }
        readonly pages = [1, 2]
      }
      const breaker = make(1)
      decorate(breaker, Client.prototype, 'list')
      decorate(breaker, Client.prototype, 'stream')
      assert.deepEqual([...new Client().list()], [1, 2])
      const seen: number[] = []
      const loop = async (): Promise<void> => {
        for await (const page of new Client().stream()) seen.push(page)
      }
      await assert.rejects(loop(), (error) => error === down)
      assert.deepEqual(seen, [1, 2])
      assert.equal(breaker.state, 'open')
    })

    it('twice by the same breaker counts once', async () => {
      class Client {
        async charge(): Promise<number> {
          return 1
        }
      }
      const breaker = make()
      decorate(breaker, Client.prototype, 'charge')
      decorate(breaker, Client.prototype, 'charge')
      await new Client().charge()
      await breaker.call(Client.prototype.charge)
      assert.equal(breaker.snapshot().counts.calls, 2)
    })

    it('leaves the overriding method of a subclass unguarded', async () => {
      class Base {
        async charge(): Promise<string> {
          return 'base'
        }
      }
      class Derived extends Base {
        override async charge(): Promise<string> {
          return `derived of ${await super.charge()}`
        }
      }
      const breaker = make()
      decorate(breaker, Base.prototype, 'charge')
      assert.equal(await new Derived().charge(), 'derived of base')
      assert.equal(breaker.snapshot().counts.calls, 1)
    })
  })
}

describe('protect on something that is not a method', () => {
  const { protect } = new CircuitBreaker()
  const decorate = protect as (...args: unknown[]) => unknown
  const method = async (): Promise<void> => {}

  for (const kind of ['getter', 'setter', 'accessor', 'field', 'class']) {
    it(`a ${kind} is refused in the standard dialect`, () => {
      refused(
        () => decorate(kind === 'field' ? undefined : method, { kind, name: 'x' }),
        TypeError,
        'protect',
        'method',
        kind,
      )
    })
  }

  it('an accessor is refused in the legacy dialect, and the message does not call it a method', () => {
    refused(
      () => decorate({}, 'x', { get: method, configurable: true }),
      TypeError,
      'protect',
      'got `undefined`',
    )
    refused(() => decorate({}, 'x', { set: method, configurable: true }), TypeError, 'protect')
  })

  it('a property is refused in the legacy dialect', () => {
    refused(() => decorate({}, 'x'), TypeError, 'protect', 'method')
    refused(() => decorate({}, 'x', undefined), TypeError, 'protect')
    refused(() => decorate({}, 'x', { value: 5 }), TypeError, 'protect', '`5`')
  })

  it('a class is refused in the legacy dialect', () => {
    refused(() => decorate(class Client {}), TypeError, 'protect')
  })

  it('use with parentheses, as if it took options, is refused', () => {
    refused(() => decorate(), TypeError, 'protect', 'method')
    refused(() => decorate({}), TypeError, 'protect')
    refused(() => decorate(method), TypeError, 'protect')
  })
})
