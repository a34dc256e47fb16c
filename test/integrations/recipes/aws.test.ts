import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { errorOf } from '../support/breakers.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { loadRecipe } from './recipe.ts'
import { noPlaceIsLost } from './storm.ts'

let server: TestServer
let client: DynamoDBClient
let breaker: CircuitBreaker
/** What DynamoDB does with a request for a table. */
let answer: (response: ServerResponse, table: string) => void
/** A client that does not retry, behind the same breaker. */
let once: DynamoDBClient

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
  const connect = (maxAttempts: number): DynamoDBClient =>
    recipe.guardClient(
      new DynamoDBClient({
        endpoint: server.origin,
        region: 'eu-central-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        maxAttempts,
        requestHandler: { requestTimeout: 5_000, throwOnRequestTimeout: true },
      }),
    )
  client = connect(10)
  once = connect(1)
})
after(async () => {
  client.destroy()
  once.destroy()
  await server.close()
})
beforeEach(() => {
  breaker.close()
  server.requests.length = 0
})

function reply(status: number, body: object) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
  }
}

const item = reply(200, { Item: { id: { S: '1' } } })
const get = (abortSignal?: AbortSignal): Promise<{ Item?: unknown }> =>
  client.send(
    new GetItemCommand({ TableName: 'orders', Key: { id: { S: '1' } } }),
    abortSignal ? { abortSignal } : {},
  )

describe('the recipe for the AWS SDK', () => {
  it('gives what DynamoDB answers', async () => {
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

  it('counts throttling, and no answer that says that the service is well', async () => {
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

  it('counts a network that fails', async () => {
    answer = (response) => void response.socket?.destroy()
    breaker.configure({ failMax: 1 })
    await errorOf(get())
    assert.equal(breaker.state, 'open')
  })

  it('ignores a caller that aborts', async () => {
    const before = breaker.snapshot().ignored
    answer = () => {}
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 50)
    await errorOf(get(controller.signal))
    assert.equal(breaker.snapshot().ignored - before, 1)
    assert.equal(breaker.failCounter, 0)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('gives every permit back', () => {
    const fates: Record<string, (response: ServerResponse) => void> = {
      Hello: item,
      '5-not-found': reply(400, { __type: 'ResourceNotFoundException' }),
      '13-broken': reply(500, { __type: 'InternalServerError' }),
      '14-gone': (response) => void response.socket?.destroy(),
      hang: () => {},
    }
    answer = (response, table) => fates[table]?.(response)
    return noPlaceIsLost(breaker, async ({ request, caller, after: patience }) => {
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
