import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerAdapter } from '../../../src/integrations/http/axios.ts'
import { breakerFetch } from '../../../src/integrations/http/fetch.ts'
import type { HttpBreakerOptions, WithRegistry } from '../../../src/integrations/http/options.ts'
import { breakerInterceptor } from '../../../src/integrations/http/undici.ts'
import { CircuitBreakerRegistry } from '../../../src/index.ts'
import { replaced } from '../../helpers/warnings.ts'

type Make = (options: HttpBreakerOptions<never>) => WithRegistry

const answer = async (_input: string): Promise<Response> => new Response()
const makes: Record<string, Make> = {
  breakerFetch: (options) => breakerFetch(answer, options as never),
  breakerAdapter: (options) => breakerAdapter(async (_config: object) => undefined, options as never),
  breakerInterceptor: (options) => breakerInterceptor(options as never),
}

const registry = new CircuitBreakerRegistry()
const refused: [options: unknown, message: RegExp][] = [
  [null, /Expected `\w+ options` to be an object, got `null`/],
  [new Map([['breaker', {}]]), /Expected `\w+ options` to be an object with known options, got `Map`/],
  [{ breaker: new Map() }, /Expected `breaker` to be an object with known options, got `Map`/],
  [
    { failMax: 3 },
    /only known names \(key, breaker, registry, classifyStatus, releaseAfter\), got `failMax`/,
  ],
  [{ key: 'host' }, /Expected `key` to be a function, got `"host"`/],
  [{ breaker: 3 }, /Expected `breaker` to be an object or a function, got `3`/],
  [{ breaker: { failmax: 3 } }, /got `breaker.failmax`: did you mean `breaker.failMax`/],
  [{ breaker: { failMax: 0 } }, /Expected `breaker.failMax` to be a positive integer, got `0`/],
  [{ registry: new Map() }, /Expected `registry` to be a CircuitBreakerRegistry, got/],
  [{ registry, breaker: {} }, /Expected `breaker` to be left out where `registry` is given/],
  [{ classifyStatus: [500] }, /Expected `classifyStatus` to be a function/],
  [{ releaseAfter: 0 }, /Expected `releaseAfter` to be a positive finite number, got `0`/],
  [{ releaseAfter: Infinity }, /Expected `releaseAfter` to be a positive finite number/],
]

for (const [name, make] of Object.entries(makes)) {
  describe(`the options of ${name}`, () => {
    for (const [options, message] of refused) {
      it(`are rejected at once: ${message.source.slice(0, 60)}`, () =>
        assert.throws(() => make(options as never), { message }))
    }

    it('are all optional, together and one by one', () => {
      const none = { key: undefined, breaker: undefined, registry: undefined }
      assert.equal(make({ ...none, classifyStatus: undefined, releaseAfter: undefined }).registry.size, 0)
    })

    it('may be an instance of a class with accessors, and so may those of the breakers', () => {
      class Breaker {
        get failMax(): number {
          return 7
        }
      }
      class Config {
        get breaker(): Breaker {
          return new Breaker()
        }
      }
      assert.equal(make(new Config()).registry.get('key').options.failMax, 7)
    })

    it('keep a given registry', () => assert.equal(make({ registry }).registry, registry))
  })
}

describe('the integrations', () => {
  it('refuse to guard anything but a function', () => {
    assert.throws(() => breakerFetch(undefined as never), /Expected `fetch` to be a function/)
    assert.throws(() => breakerAdapter('http' as never), /Expected `adapter` to be a function/)
  })

  it('reject the requests of a key whose options are invalid', async () => {
    const guarded = breakerFetch(answer, { breaker: () => ({ failMax: -1 }) })
    await assert.rejects(guarded('https://example.com'), /Expected `failMax` to be a positive integer/)
    const promised = breakerFetch(answer, { breaker: () => Promise.resolve({}) as never })
    await assert.rejects(promised('https://example.com'), /Expected `options` to be an object/)
  })

  it('leave a request unguarded and warn once when its key is invalid or throws', async () => {
    const keys = [
      () => {
        throw new Error('no key')
      },
      () => 7 as never,
    ]
    for (const key of keys) {
      const warnings: string[] = []
      const guarded = breakerFetch(answer, { key })
      const promises: Promise<Response>[] = []
      replaced(
        process,
        'emitWarning',
        (warning: string) => warnings.push(warning),
        () => promises.push(guarded('https://example.com'), guarded('https://example.com')),
      )
      for (const promise of promises) assert.equal((await promise).status, 200)
      assert.equal(warnings.length, 1)
      assert.match(
        warnings[0] ?? '',
        /^A request is not guarded: (Error: no key|TypeError: Expected `the answer of)/,
      )
      assert.equal(guarded.registry.size, 0)
    }
  })

  it('honor Retry-After by default, which extends the given open time', () => {
    const { registry } = breakerFetch(answer, { breaker: { timeoutDuration: 500 } })
    const breaker = registry.get('https://example.com')
    const { timeoutDuration } = breaker.options
    assert.ok(typeof timeoutDuration === 'function')
    const context = { attempt: 1, reason: 'failureRate', random: () => 0 }
    assert.equal(timeoutDuration(context), 500)
    assert.equal(timeoutDuration({ ...context, error: { headers: { 'retry-after': '3' } } }), 3_000)
    const byDefault = breakerFetch(answer).registry.get('https://example.com').options.timeoutDuration
    assert.ok(typeof byDefault === 'function')
    assert.equal(byDefault(context), 60_000)
  })
})
