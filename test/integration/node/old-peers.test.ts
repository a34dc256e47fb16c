import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MockLanguageModelV4 } from 'ai/test'
import { breakerMiddleware, fallback } from '../../../src/integrations/ai-sdk/index.ts'
import { breakerAdapter } from '../../../src/integrations/http/axios.ts'
import { fastifyBreakers, type FastifyBreakers } from '../../../src/integrations/server/fastify.ts'
import { honoBreakers } from '../../../src/integrations/server/hono.ts'
import { breakerInterceptor } from '../../../src/integrations/http/undici.ts'
import { refused, refusedLater } from '../../helpers/refusal.ts'
import { countsOf } from '../support/breakers.ts'

// Imitations of old versions, as far as detection needs them. test/system/package/old-peers.test.ts uses the real ones.

/** Asserts that `error` is a TypeError of this project whose message contains these words. */
const isRefusal = (error: unknown, words: readonly string[]): Promise<void> =>
  refusedLater(Promise.reject(error), TypeError, ...words)

const URL = 'http://a.example/'
const ORIGIN = 'http://a.example'

describe('recloser/axios', () => {
  const ANSWER = { status: 200, headers: {}, data: 'fine' }
  const make = () => breakerAdapter(async (_config: object) => ANSWER)

  it('rejects axios 0 as too old, and counts no call', async () => {
    const adapter = make()
    const config = { url: URL, adapter, headers: { Accept: '*/*' } }
    const words = ['axios 1 ', 'got axios 0', 'npm install axios@latest']
    for (let i = 0; i < 2; i++) await refusedLater(adapter(config), TypeError, ...words)
    assert.equal(adapter.registry.size, 0)
  })

  it('accepts newer versions, and direct calls of the adapter', async () => {
    const adapter = make()
    const configs = [
      { url: URL, adapter, headers: { set: () => {} } },
      { url: URL, adapter: () => {}, headers: {} },
      { url: URL, headers: {} },
      { url: URL },
    ]
    for (const config of configs) assert.equal(await adapter(config), ANSWER)
    for (const config of configs.slice(1)) assert.equal(await make()(config), ANSWER)
  })
})

describe('recloser/undici', () => {
  interface Hooks {
    onConnect?(abort: (reason: unknown) => void): void
    onHeaders?: unknown
    onError?(error: unknown): void
    onRequestStart?(controller: object, context: unknown): void
    onResponseError?(controller: unknown, error: unknown): void
  }
  type Dispatch = (options: object, handler: Hooks) => boolean

  const words = ['undici 7 or 8 ', 'got a dispatcher of undici 6 or older', 'npm install undici@latest']
  const isOld = (error: unknown): Promise<void> => isRefusal(error, words)
  const refusal = (hook: string): Error =>
    Object.assign(new Error(`invalid ${hook} method`), { code: 'UND_ERR_INVALID_ARG' })

  /** Makes a request through this dispatcher; returns its error and the counts. */
  async function request(dispatch: Dispatch, old = false): Promise<{ error: unknown; counts: string }> {
    const interceptor = breakerInterceptor()
    const guarded = interceptor(dispatch as never) as unknown as Dispatch
    const error = await new Promise((resolve, reject) => {
      const handler: Hooks = { onRequestStart: () => {}, onResponseError: (_, why) => resolve(why) }
      try {
        guarded({ origin: ORIGIN, path: '/', method: 'GET' }, old ? { onError: resolve } : handler)
      } catch (thrown) {
        reject(thrown)
      }
    }).catch((thrown: unknown) => thrown)
    return { error, counts: countsOf(interceptor.registry.get(ORIGIN)) }
  }

  const dispatchers: Readonly<Record<string, Dispatch>> = {
    'that refuses our handler': (_options, handler) => {
      if (!handler.onHeaders) handler.onError!(refusal('onHeaders'))
      return false
    },
    'behind an interceptor that refuses it': () => {
      throw refusal('onHeaders')
    },
    'that refuses it for an upgrade': (_options, handler) => {
      handler.onError!(refusal('onUpgrade'))
      return false
    },
    'behind an interceptor that asks for nothing': (_options, handler) => {
      handler.onConnect!((reason) => handler.onError!(reason))
      return true
    },
    'behind an interceptor that loses the reason': (_options, handler) => {
      handler.onConnect!(() => {})
      handler.onError!(undefined)
      return true
    },
  }
  for (const [what, dispatch] of Object.entries(dispatchers)) {
    for (const old of [false, true]) {
      it(`rejects a dispatcher of undici 6 as too old, ${what}, to ${old ? 'old' : 'new'} hooks`, async () => {
        const { error, counts } = await request(dispatch, old)
        await isOld(error)
        assert.equal(counts, '0 succeeded, 0 failed, 1 ignored, 0 rejected')
      })
    }
  }

  it('rejects it for an unguarded request too, where undici would not give the reason', async () => {
    const interceptor = breakerInterceptor({ key: () => undefined })
    for (const dispatch of Object.values(dispatchers).slice(2, 4)) {
      const guarded = interceptor(dispatch as never) as unknown as Dispatch
      const error = await new Promise((resolve) => {
        guarded({ path: '/' }, { onError: resolve })
      })
      await isOld(error)
    }
  })

  it('treats any other error as it is, even if it arrives through an old hook', async () => {
    const gone = new Error('gone')
    const { error, counts } = await request((_options, handler) => {
      handler.onError!(gone)
      return false
    })
    assert.equal(error, gone)
    assert.equal(counts, '0 succeeded, 1 failed, 0 ignored, 0 rejected')
  })
})

describe('recloser/hono', () => {
  /** Sends a request with this context through the middleware. */
  async function answer(context: object): Promise<void> {
    const { protect } = honoBreakers()
    const c = {
      req: { raw: new Request(URL) },
      res: new Response(null),
      ...context,
    }
    await protect('work')(c as never, async () => {})
  }
  const words = ['Hono 4 ', 'got Hono 3 or older', 'npm install hono@latest']

  it('rejects Hono 3 and 2 as too old', async () => {
    for (const context of [{ jsonT: () => {} }, { pretty: () => {} }]) {
      await refusedLater(answer(context), TypeError, ...words)
      await refusedLater(honoBreakers().routes(context as never), TypeError, ...words)
    }
  })

  it('accepts newer versions', async () => {
    await answer({})
    await answer({ setLayout: () => {}, somethingNew: () => {} })
    await answer({ setLayout: () => {}, pretty: 'set by a user', jsonT: 'too' })
  })
})

describe('recloser/fastify', () => {
  /** The error of the plugin in an app of this version, if it registers nothing. */
  function register({ routes }: FastifyBreakers, version: string | undefined): unknown {
    let error: unknown
    const app = {
      version,
      removeAllContentTypeParsers: () => {},
      addContentTypeParser: () => {},
      all: () => {},
      addHook: () => {},
    }
    routes(app as never, {}, (given) => (error = given))
    return error
  }

  /** The error of a hook in an app of this version, if it calls no handler. */
  function hook({ protect }: FastifyBreakers, server: object | undefined): unknown {
    let error: unknown
    const response = { on: () => {}, once: () => {}, getHeaders: () => ({}), statusCode: 200 }
    protect('work')({ raw: {}, server } as never, { raw: response } as never, (given) => (error = given))
    return error
  }

  for (const version of ['3.29.5', '4.0.0', '4.28.1']) {
    it(`rejects Fastify ${version} as too old`, async () => {
      const words = ['Fastify 5, or 4 from 4.29 on', `got Fastify ${version}`, 'npm install fastify@latest']
      const breakers = fastifyBreakers()
      for (const error of [register(breakers, version), hook(breakers, { version })]) {
        await isRefusal(error, words)
      }
    })
  }

  for (const version of [
    '4.29.0',
    '5.0.0',
    '5.12.8',
    '6.0.0-alpha.1',
    '10.0.0',
    '0.0.0-canary.1',
    'unknown',
    undefined,
  ]) {
    it(`accepts Fastify ${version}`, () => {
      const breakers = fastifyBreakers()
      assert.equal(register(breakers, version), undefined)
      assert.equal(hook(breakers, { version }), undefined)
      assert.equal(hook(breakers, undefined), undefined)
    })
  }
})

describe('recloser/ai-sdk', () => {
  const ofVersion = (specificationVersion: string): MockLanguageModelV4 =>
    Object.assign(
      new MockLanguageModelV4({
        doGenerate: async () =>
          ({
            content: [{ type: 'text', text: 'Hello' }],
            finishReason: { unified: 'stop', raw: 'stop' },
            usage: { inputTokens: {}, outputTokens: {} },
            warnings: [],
          }) as never,
      }),
      { specificationVersion: specificationVersion as 'v4' },
    )
  const words = [
    'a model of AI SDK 5, 6 or 7 ',
    "got one of AI SDK 4 or older ('v1')",
    'npm install ai@latest',
  ]

  it('rejects a model of AI SDK 4 as too old, and counts no call', async () => {
    const middleware = breakerMiddleware()
    const given = { params: {}, model: ofVersion('v1') }
    const never = (): never => assert.fail('the model was asked')
    await refusedLater(middleware.wrapGenerate({ doGenerate: never, ...given }), TypeError, ...words)
    await refusedLater(middleware.wrapStream({ doStream: never, ...given }), TypeError, ...words)
    assert.equal(middleware.registry.size, 0)
    refused(() => fallback([ofVersion('v1')]), TypeError, ...words)
  })

  it('accepts models of a future version', async () => {
    const model = ofVersion('v5')
    const middleware = breakerMiddleware()
    const doGenerate = async (): Promise<object> => ({ finishReason: 'stop' })
    assert.deepEqual(await middleware.wrapGenerate({ doGenerate, params: {}, model }), {
      finishReason: 'stop',
    })
    assert.equal(fallback([model]).specificationVersion, 'v5')
  })
})
