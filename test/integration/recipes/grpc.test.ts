import {
  credentials,
  InterceptingCall,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  status,
  type Interceptor,
  type InterceptorOptions,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { CircuitBreaker } from '../../../src/index.ts'
import { until } from '../../helpers/until.ts'
import { delay, judged } from '../support/breakers.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
}
const service = {
  say: { path: '/test.Echo/Say', requestStream: false, responseStream: false, ...text },
  count: { path: '/test.Echo/Count', requestStream: false, responseStream: true, ...text },
} satisfies ServiceDefinition

const Client = makeGenericClientConstructor(service, 'Echo')

let server: Server
let client: InstanceType<typeof Client>
let breaker: CircuitBreaker
let interceptor: Interceptor
let asked = 0

/** Fails with the status whose number is the request. */
function fate(request: string): Partial<ServiceError> | undefined {
  asked++
  return /^\d+$/.test(request) ? { code: Number(request), details: `status ${request}` } : undefined
}

before(async () => {
  const recipe = await loadRecipe<{ users: CircuitBreaker; breakerInterceptor: Interceptor }>('grpc')
  breaker = recipe.users
  interceptor = recipe.breakerInterceptor
  server = new Server()
  server.addService(service, {
    say(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
      const error = fate(call.request)
      if (call.request !== 'hang') done(error ?? null, call.request)
    },
    count(call: ServerWritableStream<string, string>) {
      const error = fate(call.request)
      call.write('one')
      if (call.request === 'hang') return
      if (error) call.emit('error', error)
      else call.end()
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    interceptors: [interceptor],
  })
})
after(() => {
  client.close()
  server.forceShutdown()
})
beforeEach(() => {
  breaker.close()
  asked = 0
})

type Unary = (
  request: string,
  options: object,
  done: (error: ServiceError | null, value?: string) => void,
) => { cancel(): void }

interface Call {
  readonly answer: Promise<string | ServiceError>
  readonly cancel: () => void
}

function say(request: string, options: object = {}): Call {
  let cancel = (): void => {}
  const answer = new Promise<string | ServiceError>((resolve) => {
    const call = (client['say'] as Unary).call(client, request, options, (error, value) =>
      resolve(error ?? value ?? ''),
    )
    cancel = () => call.cancel()
  })
  return { answer, cancel }
}

type Streaming = (request: string, options: object) => AsyncIterable<string> & { cancel(): void }

const count = (request: string, options: object = {}): ReturnType<Streaming> =>
  (client['count'] as Streaming).call(client, request, options)

async function drain(stream: AsyncIterable<string>): Promise<(string | number)[]> {
  const seen: (string | number)[] = []
  try {
    for await (const message of stream) seen.push(message)
  } catch (error) {
    seen.push((error as ServiceError).code)
  }
  return seen
}

describe('the recipe for gRPC', () => {
  it('counts the statuses that mean an unhealthy server, and no others', async () => {
    const before = breaker.snapshot().ignored
    assert.equal(await say('Hello').answer, 'Hello')
    for (const code of [status.NOT_FOUND, status.INVALID_ARGUMENT, status.CANCELLED, status.UNAVAILABLE]) {
      const error = await say(String(code)).answer
      assert.equal((error as ServiceError).code, code)
    }
    assert.equal(breaker.snapshot().ignored - before, 1)
    const { successes, failures } = breaker.snapshot().counts
    assert.deepEqual([successes, failures], [3, 1])
  })

  it('gives a call without a deadline one of its own, but not a stream', async () => {
    const deadlineOf = (method: 'say' | 'count', deadline?: number): unknown => {
      let given: unknown
      interceptor({ method_definition: service[method], deadline } as InterceptorOptions, (options) => {
        given = options.deadline
        return new InterceptingCall(null as never)
      })
      return given
    }
    const left = Number(deadlineOf('say')) - Date.now()
    assert.ok(left > 1_000 && left < 60_000, `${left} ms`)
    assert.equal(deadlineOf('say', 7), 7)
    assert.equal(deadlineOf('count'), Infinity)
  })

  it('opens, and fails calls with UNAVAILABLE without calling the server', async () => {
    for (let call = 0; call < 5; call++) await say(String(status.INTERNAL)).answer
    assert.equal(breaker.state, 'open')
    const error = (await say('Hello', { deadline: Date.now() + 20 }).answer) as ServiceError
    assert.equal(error.code, status.UNAVAILABLE)
    assert.match(error.details, /Circuit "users" is open/)
    assert.deepEqual(await drain(count('Hello')), [status.UNAVAILABLE])
    assert.equal(asked, 5)
    await delay(30) // beyond the deadline of a call that was never made
  })

  it('settles a stream at its end', async () => {
    assert.deepEqual(await drain(count('Hello')), ['one'])
    assert.deepEqual(await drain(count(String(status.DATA_LOSS))), ['one', status.DATA_LOSS])
    assert.equal(breaker.failCounter, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('ignores a cancelled call, and counts a deadline', async () => {
    const cancels = async (): Promise<void> => {
      const call = say('hang')
      const stream = count('hang')
      const drained = drain(stream)
      await until(() => asked === 2, 'the server has both')
      assert.equal(breaker.snapshot().inFlight, 2)
      call.cancel()
      stream.cancel()
      await Promise.all([call.answer, drained])
    }
    assert.equal(await judged(breaker, cancels), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
    const waits = async (): Promise<void> => {
      const options = { deadline: Date.now() + 20 }
      await Promise.all([say('hang', options).answer, drain(count('hang', options))])
    }
    assert.equal(await judged(breaker, waits), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
  })

  it('gives the permit back when the call throws at once; before an interceptor runs, it is not a call', async () => {
    const mistake = new Error('in an interceptor')
    const throwing: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start() {
          throw mistake
        },
      })
    const options = { interceptors: [interceptor, throwing] }
    const throws = (): unknown =>
      assert.throws(
        () => count('Hello', options),
        (error) => error === mistake,
      )
    assert.equal(await judged(breaker, throws), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    const unserializable = async (): Promise<void> => {
      const error = (await say(5 as never).answer) as ServiceError
      assert.equal(error.code, status.INTERNAL)
    }
    assert.equal(await judged(breaker, unserializable), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    const noCallback = (): unknown =>
      assert.throws(() => (client['say'] as Unary).call(client, 'Hello', {}, undefined as never))
    assert.equal(await judged(breaker, noCallback), '0 succeeded, 0 failed, 0 ignored, 0 rejected')
    assert.equal(asked, 0)
  })

  it('returns every permit', () =>
    assertNoPermitIsLost(breaker, async ({ request, streams, caller, after: patience }) => {
      const options = caller === 'has a deadline' ? { deadline: Date.now() + patience } : {}
      const stream = streams ? count(request, options) : undefined
      const call = stream ? { answer: drain(stream), cancel: () => stream.cancel() } : say(request, options)
      if (caller === 'cancels') setTimeout(call.cancel, patience)
      await call.answer
    }))

  it('closes after a probe', async () => {
    breaker.halfOpen()
    assert.equal(await say('Hello').answer, 'Hello')
    assert.equal(breaker.state, 'closed')
  })
})
