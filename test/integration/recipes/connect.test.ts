import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf'
import {
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  StringValueSchema,
  type StringValue,
} from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect'
import { connectNodeAdapter, createConnectTransport } from '@connectrpc/connect-node'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { until } from '../../helpers/until.ts'
import { judged } from '../support/breakers.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

interface EchoClient {
  say(request: { value: string }, options?: CallOptions): Promise<StringValue>
  count(request: { value: string }, options?: CallOptions): AsyncIterable<StringValue>
}

/** The service as the code generator would create it from a .proto file. */
function echoService(): DescService {
  const value = '.google.protobuf.StringValue'
  const proto = create(FileDescriptorProtoSchema, {
    name: 'echo.proto',
    package: 'test',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    service: [
      {
        name: 'Echo',
        method: [
          { name: 'Say', inputType: value, outputType: value },
          { name: 'Count', inputType: value, outputType: value, serverStreaming: true },
        ],
      },
    ],
  })
  const files = create(FileDescriptorSetSchema, { file: [file_google_protobuf_wrappers.proto, proto] })
  return createFileRegistry(files).getService('test.Echo')!
}

let http: Server
let client: EchoClient
let breaker: CircuitBreaker
let asked = 0
/** What an inner interceptor does with a request before it passes it on. */
let innerInterceptor = (): void => {}

/** Fails with the code whose number is the request. */
async function fate({ value }: StringValue, { signal }: { signal: AbortSignal }): Promise<StringValue> {
  asked++
  if (/^\d+$/.test(value)) throw new ConnectError(`code ${value}`, Number(value))
  if (value === 'hang') await once(signal, 'abort')
  return create(StringValueSchema, { value })
}

before(async () => {
  const recipe = await loadRecipe<{ users: CircuitBreaker; breakerInterceptor: Interceptor }>('connect')
  breaker = recipe.users
  const service = echoService()
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(service, {
        say: fate as never,
        count: async function* (request: StringValue, context: { signal: AbortSignal }) {
          yield create(StringValueSchema, { value: 'one' })
          yield await fate(request, context)
        } as never,
      }),
  })
  http = createServer(handler).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    httpVersion: '1.1',
    interceptors: [
      recipe.breakerInterceptor,
      (next) => (request) => {
        innerInterceptor()
        return next(request)
      },
    ],
  })
  client = createClient(service, transport) as unknown as EchoClient
})
after(() => {
  http.closeAllConnections()
  http.close()
})
beforeEach(() => {
  breaker.close()
  asked = 0
})

async function say(value: string, options?: CallOptions): Promise<string | ConnectError> {
  try {
    return (await client.say({ value }, options)).value
  } catch (error) {
    return error as ConnectError
  }
}

async function count(value: string, options?: CallOptions): Promise<(string | ConnectError)[]> {
  const seen: (string | ConnectError)[] = []
  try {
    for await (const message of client.count({ value }, options)) seen.push(message.value)
  } catch (error) {
    seen.push(error as ConnectError)
  }
  return seen
}

describe('the recipe for Connect', () => {
  it('counts the codes that mean an unhealthy server, and no others', async () => {
    assert.equal(await say('Hello'), 'Hello')
    for (const code of [Code.NotFound, Code.InvalidArgument, Code.Unavailable]) {
      assert.equal(((await say(String(code))) as ConnectError).code, code)
    }
    const { successes, failures } = breaker.snapshot().counts
    assert.deepEqual([successes, failures], [3, 1])
  })

  it('opens, and fails calls with the rejection as the cause', async () => {
    for (let call = 0; call < 5; call++) await say(String(Code.Internal))
    assert.equal(breaker.state, 'open')
    for (const error of [await say('Hello'), (await count('Hello'))[0]]) {
      assert.ok(error instanceof ConnectError)
      assert.equal(error.code, Code.Unavailable)
      assert.ok(isCircuitBreakerError(error.cause))
    }
    assert.equal(asked, 5)
  })

  it('settles a stream at its end', async () => {
    assert.deepEqual(await count('two'), ['one', 'two'])
    assert.equal(breaker.snapshot().counts.successes, 1)
    const [first, error] = await count(String(Code.DataLoss))
    assert.equal(first, 'one')
    assert.equal((error as ConnectError).code, Code.DataLoss)
    assert.equal(breaker.failCounter, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('ignores a caller that aborts, including one that leaves a stream, and counts a deadline', async () => {
    const aborts = async (): Promise<void> => {
      const controller = new AbortController()
      const { signal } = controller
      const calls = [say('hang', { signal }), count('hang', { signal })]
      await until(() => asked === 2, 'the server has both')
      assert.equal(breaker.snapshot().inFlight, 2)
      controller.abort()
      await Promise.all(calls)
    }
    assert.equal(await judged(breaker, aborts), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
    const leaves = async (): Promise<void> => {
      const leaving = new AbortController()
      for await (const message of client.count({ value: 'two' }, { signal: leaving.signal })) {
        assert.equal(message.value, 'one')
        break
      }
      assert.equal(breaker.snapshot().inFlight, 1)
      leaving.abort()
    }
    assert.equal(await judged(breaker, leaves), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    const waits = async (): Promise<void> => {
      await say('hang', { timeoutMs: 30 })
      await count('hang', { timeoutMs: 30 })
    }
    assert.equal(await judged(breaker, waits), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
  })

  it('gives the permit back when a call throws at once, with the error as the cause', async () => {
    const mistake = new Error('in an interceptor')
    innerInterceptor = () => {
      throw mistake
    }
    const throws = async (): Promise<void> => {
      for (const error of [await say('Hello'), (await count('Hello'))[0]]) {
        assert.equal((error as ConnectError).cause, mistake)
      }
    }
    assert.equal(await judged(breaker, throws), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
    innerInterceptor = () => {}
    const unwritable = { toString: () => assert.fail('no text') } as unknown as string
    const unserializable = async (): Promise<void> => {
      for (const error of [await say(unwritable), (await count(unwritable))[0]]) {
        assert.equal((error as ConnectError).code, Code.Internal)
      }
    }
    assert.equal(await judged(breaker, unserializable), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
    assert.equal(asked, 0)
  })

  it('returns every permit', () =>
    assertNoPermitIsLost(breaker, async ({ request, streams, caller, after: patience }) => {
      const controller = new AbortController()
      if (caller === 'cancels') setTimeout(() => controller.abort(), patience)
      const timeoutMs = caller === 'has a deadline' ? { timeoutMs: patience + 1 } : {}
      const options = { signal: controller.signal, ...timeoutMs }
      await (streams ? count(request, options) : say(request, options))
    }))

  it('closes after a probe', async () => {
    breaker.halfOpen()
    await count('two')
    assert.equal(breaker.state, 'closed')
  })
})
