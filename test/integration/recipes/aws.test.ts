import { DynamoDBClient, GetItemCommand, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isCallTimeoutError, isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { errorOf, judged } from '../support/breakers.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

let server: TestServer
let client: DynamoDBClient
let breaker: CircuitBreaker
/** How DynamoDB answers a request for a table. */
let answer: (response: ServerResponse, table: string) => void
/** A client that does not retry, behind the same breaker. */
let once: DynamoDBClient
let connect: (options: DynamoDBClientConfig) => DynamoDBClient

before(async () => {
  server = await startServer()
  server.answer = (request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => answer(response, (JSON.parse(body) as { TableName: string }).TableName))
  }
  const recipe = await loadRecipe<{
    orders: CircuitBreaker
    guardClient: (client: DynamoDBClient) => DynamoDBClient
  }>('aws')
  breaker = recipe.orders
  connect = (options) =>
    recipe.guardClient(
      new DynamoDBClient({
        endpoint: server.origin,
        region: 'eu-central-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        requestHandler: { requestTimeout: 5_000, throwOnRequestTimeout: true },
        ...options,
      }),
    )
  client = connect({ maxAttempts: 10 })
  once = connect({ maxAttempts: 1 })
})
after(async () => {
  client.destroy()
  once.destroy()
  await server.close()
})
beforeEach(() => {
  breaker.configure({ failMax: 5 })
  breaker.close()
  server.requests.length = 0
})

function reply(status: number, body: object) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
  }
}

const item = reply(200, { Item: { id: { S: '1' } } })
const get = (abortSignal?: AbortSignal, from = client): Promise<{ Item?: unknown }> =>
  from.send(
    new GetItemCommand({ TableName: 'orders', Key: { id: { S: '1' } } }),
    abortSignal ? { abortSignal } : {},
  )

const FAILED = '0 succeeded, 1 failed, 0 ignored, 0 rejected'

describe('the recipe for the AWS SDK', () => {
  it('returns the answer of DynamoDB', async () => {
    answer = item
    assert.deepEqual((await get()).Item, { id: { S: '1' } })
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('counts every attempt of the SDK, and ends its retries when the circuit opens', async () => {
    answer = reply(500, { __type: 'InternalServerError' })
    breaker.configure({ failMax: 2 })
    const before = breaker.snapshot().rejected
    assert.ok(isCircuitBreakerError(await errorOf(get())))
    assert.equal(server.requests.length, 2)
    assert.equal(breaker.snapshot().rejected - before, 1)
    assert.ok(isCircuitBreakerError(await errorOf(get())))
    assert.equal(server.requests.length, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('counts throttling, but no answer that shows a healthy service', async () => {
    const failed: boolean[] = []
    breaker.configure({ failMax: 1 })
    for (const type of [
      'ProvisionedThroughputExceededException',
      'ThrottlingException',
      'ResourceNotFoundException',
    ]) {
      breaker.close()
      answer = reply(400, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'no' })
      await errorOf(get())
      failed.push(breaker.state === 'open')
    }
    assert.deepEqual(failed, [true, true, false])
  })

  it('counts network failures', async () => {
    answer = (response) => void response.socket?.destroy()
    breaker.configure({ failMax: 1 })
    await errorOf(get())
    assert.equal(breaker.state, 'open')
  })

  it('ignores a caller that aborts, and counts one whose deadline has passed', async () => {
    const beforeHeaders = new AbortController()
    answer = () => beforeHeaders.abort()
    const aborts = (): Promise<unknown> => errorOf(get(beforeHeaders.signal))
    assert.equal(await judged(breaker, aborts), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    const inMidBody = new AbortController()
    const reading = connect({ maxAttempts: 1 })
    reading.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        inMidBody.abort()
        return result
      },
      { step: 'deserialize', priority: 'low' }, // beneath the middleware that reads the body
    )
    answer = (response) => void response.writeHead(200, { 'content-length': '1000' }).write('{"Item":')
    const leaves = (): Promise<unknown> => errorOf(get(inMidBody.signal, reading))
    assert.equal(await judged(breaker, leaves), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    reading.destroy()
    // As `AbortSignal.timeout` does, after the request has arrived.
    const deadline = new AbortController()
    answer = () => deadline.abort(new DOMException('late', 'TimeoutError'))
    assert.equal(await judged(breaker, () => errorOf(get(deadline.signal))), FAILED)
  })

  it('counts a timeout of the client, and callTimeout, which also ends its retries', async () => {
    answer = () => {}
    const hasty = connect({
      maxAttempts: 1,
      requestHandler: { requestTimeout: 30, throwOnRequestTimeout: true },
    })
    const times = async (): Promise<void> => {
      assert.equal((await errorOf(get(undefined, hasty))).name, 'TimeoutError')
    }
    assert.equal(await judged(breaker, times), FAILED)
    hasty.destroy()
    breaker.configure({ callTimeout: 30 })
    const limited = async (): Promise<void> => assert.ok(isCallTimeoutError(await errorOf(get())))
    assert.equal(await judged(breaker, limited), FAILED)
    breaker.configure({ callTimeout: Infinity })
  })

  it('counts an answer that breaks off', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': '1000' })
      response.write('{"Item":', () => response.socket?.destroy())
    }
    assert.equal(await judged(breaker, () => errorOf(get(undefined, once))), FAILED)
  })

  it('passes on the original error of what throws at once, which is no call before an attempt', async () => {
    const mistake = new Error('at once')
    const raise = (): never => {
      throw mistake
    }
    const throwing = connect({ maxAttempts: 1, requestHandler: { handle: raise } })
    const throws = async (): Promise<unknown> =>
      assert.equal(await errorOf(get(undefined, throwing)), mistake)
    assert.equal(await judged(breaker, throws), FAILED)
    const unsigned = connect({ maxAttempts: 1, credentials: raise })
    const signs = async (): Promise<unknown> => assert.equal(await errorOf(get(undefined, unsigned)), mistake)
    assert.equal(await judged(breaker, signs), '0 succeeded, 0 failed, 0 ignored, 0 rejected')
    unsigned.destroy()
  })

  it('returns every permit', () => {
    const fates: Record<string, (response: ServerResponse) => void> = {
      Hello: item,
      '5-not-found': reply(400, { __type: 'ResourceNotFoundException' }),
      '13-broken': reply(500, { __type: 'InternalServerError' }),
      '14-gone': (response) => void response.socket?.destroy(),
      hang: () => {},
    }
    answer = (response, table) => fates[table]?.(response)
    return assertNoPermitIsLost(breaker, async ({ request, caller, after: patience }) => {
      const TableName = Object.keys(fates).find((name) => name.startsWith(request)) ?? request
      const command = new GetItemCommand({ TableName, Key: { id: { S: '1' } } })
      const controller = new AbortController()
      if (caller === 'cancels') setTimeout(() => controller.abort(), patience)
      const abortSignal = caller === 'has a deadline' ? AbortSignal.timeout(patience) : controller.signal
      await once.send(command, { abortSignal }).catch(() => {})
    })
  })

  it('closes after a probe', async () => {
    answer = item
    breaker.halfOpen()
    await get()
    assert.equal(breaker.state, 'closed')
  })
})
