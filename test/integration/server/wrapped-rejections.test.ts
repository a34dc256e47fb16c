import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Hono } from 'hono'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerExceptionFilter } from '../../../src/integrations/nestjs/index.ts'
import { expressBreakers } from '../../../src/integrations/server/express.ts'
import { fastifyBreakers } from '../../../src/integrations/server/fastify.ts'
import { honoBreakers } from '../../../src/integrations/server/hono.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { rejectionOf } from '../../helpers/rejection.ts'

const breaker = new CircuitBreaker({ clock: new ManualClock() })
breaker.open({ for: 4_500 })
const rejection = rejectionOf(breaker)

/** What a handler may throw after its client has wrapped the rejection of a call. */
const wrapped: Record<string, Error> = {
  cause: new Error('The order failed', { cause: new TypeError('fetch failed', { cause: rejection }) }),
  lastError: Object.assign(new Error('gave up'), { lastError: rejection }),
  errors: new AggregateError([new Error('down'), rejection]),
}

interface Answer {
  status?: number
  headers: Record<string, string>
}

/** How the error handler of each integration answers an error; `undefined` if it passes the error on. */
const HANDLERS: Record<string, (error: Error) => Promise<Answer | undefined>> = {
  async express(error) {
    const answer: Answer = { headers: {} }
    const response = {
      headersSent: false,
      set statusCode(status: number) {
        answer.status = status
      },
      setHeader: (name: string, value: string) => (answer.headers[name] = value),
      end: () => {},
    }
    let passedOn: unknown
    expressBreakers().errorHandler(error, {}, response, (given) => (passedOn = given))
    return passedOn === error ? undefined : answer
  },
  async fastify(error) {
    const answer: Answer = { headers: {} }
    const reply = {
      raw: {},
      code: (status: number) => (answer.status = status),
      headers: (values: Record<string, string>) => Object.assign(answer.headers, values),
      send: () => {},
    }
    try {
      fastifyBreakers().errorHandler(error, { raw: {} }, reply)
      return answer
    } catch (thrown) {
      assert.equal(thrown, error)
      return undefined
    }
  },
  async hono(error) {
    const app = new Hono()
    app.onError((given, c) => honoBreakers().errorHandler(given, c))
    app.get('/', () => {
      throw error
    })
    const { status, headers } = await withoutConsole(async () => app.request('/'))
    return status === 500 ? undefined : { status, headers: Object.fromEntries(headers) }
  },
  async nestjs(error) {
    const [type] = Reflect.getMetadata(
      '__filterCatchExceptions__',
      CircuitBreakerExceptionFilter,
    ) as (typeof Error)[]
    if (!(error instanceof type!)) return undefined
    const answer: Answer = { headers: {} }
    const httpAdapter = {
      isHeadersSent: () => false,
      setHeader: (_response: unknown, name: string, value: string) => (answer.headers[name] = value),
      reply: (_response: unknown, _body: unknown, status: number) => (answer.status = status),
    }
    const host = { getType: () => 'http', switchToHttp: () => ({ getResponse: () => ({}) }) }
    new CircuitBreakerExceptionFilter({ httpAdapter } as never).catch(error as never, host as never)
    return answer
  },
}

describe('a rejection that a client has wrapped', () => {
  for (const [name, answer] of Object.entries(HANDLERS)) {
    for (const [where, error] of Object.entries(wrapped)) {
      it(`answers 503 with its Retry-After, as ${where}, by the error handler of ${name}`, async () => {
        const { status, headers } = (await answer(error)) ?? assert.fail('passed on')
        assert.deepEqual([status, headers['retry-after']], [503, '5'])
      })
    }

    it(`does not make the error handler of ${name} answer other errors`, async () => {
      assert.equal(await answer(new Error('outer', { cause: new Error('down') })), undefined)
    })
  }
})

async function withoutConsole<T>(act: () => Promise<T>): Promise<T> {
  const { error } = console
  console.error = () => {}
  try {
    return await act()
  } finally {
    console.error = error
  }
}
