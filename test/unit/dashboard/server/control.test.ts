import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  createDashboard,
  type ControlResult,
  type DashboardOptions,
} from '../../../../src/dashboard/server/index.ts'
import { CircuitBreaker } from '../../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import { MemoryStorage } from '../../../../src/storage/index.ts'
import { warningsFrom } from '../../../helpers/warnings.ts'
import { serve, type TestServer } from '../../../helpers/server.ts'
import { watched } from './watched.ts'

const HEADERS = { 'content-type': 'application/json', 'x-recloser': 'control' }
const HOSTILE = '<img onerror=alert(1)>'

let breakers: readonly CircuitBreaker[]
let server: TestServer
let asked: number

async function start(authorize: DashboardOptions['authorize']): Promise<void> {
  const { monitor, ...rest } = watched('payments', HOSTILE, 'payments')
  breakers = rest.breakers
  server = await serve(createDashboard(monitor, { authorize }).node)
}

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const sent = typeof body === 'string' || body instanceof ReadableStream ? body : JSON.stringify(body)
  const init = { method: 'POST', body: sent, headers: { ...HEADERS, ...headers }, duplex: 'half' }
  return fetch(`${server.url}control`, init)
}

/** Asserts that the response is a refusal in JSON that exposes nothing internal, and that nothing has changed. */
async function refused(response: Response, status: number, error: string | RegExp): Promise<void> {
  const text = await response.text()
  assert.equal(response.status, status, text)
  const body = JSON.parse(text) as { error: string }
  assert.deepEqual(Object.keys(body), ['error'])
  if (typeof error === 'string') assert.equal(body.error, error)
  else assert.match(body.error, error)
  assert.doesNotMatch(body.error, /\n|\.ts\b|node:/)
  assert.deepEqual(
    breakers.map(({ state }) => state),
    ['closed', 'closed', 'closed'],
  )
}

describe('authorized control', () => {
  beforeEach(() => {
    asked = 0
    return start(() => ++asked > 0)
  })
  afterEach(() => server.stop())

  it('isolates, with a reason that everyone sees', async () => {
    const response = await post({ id: 'payments', action: 'isolate', reason: 'maintenance' })
    assert.equal(response.status, 200)
    const { changed, breaker } = (await response.json()) as ControlResult
    assert.equal(changed, true)
    assert.deepEqual([breaker.id, breaker.state, breaker.reason], ['payments', 'isolated', 'maintenance'])
    assert.equal(breaker.transitions[0]?.reason, 'maintenance')
    assert.deepEqual([breakers[0]!.state, breakers[2]!.state], ['isolated', 'closed'])
  })

  it('F29: cuts a long reason, and does not refuse it', async () => {
    const response = await post({ id: 'payments', action: 'isolate', reason: `\n${'x'.repeat(9_000)}` })
    const { breaker } = (await response.json()) as ControlResult
    assert.deepEqual([breaker.state, breaker.reason], ['isolated', 'x'.repeat(256)])
  })

  it('opens for a while, half-opens and closes', async () => {
    await post({ id: 'payments', action: 'open', for: 90_000 })
    assert.equal(breakers[0]!.state, 'open')
    assert.ok(breakers[0]!.retryAfter > 60_000)
    await post({ id: 'payments', action: 'half-open' })
    assert.equal(breakers[0]!.state, 'half-open')
    await post({ id: 'payments', action: 'close', reason: '' })
    assert.equal(breakers[0]!.state, 'closed')
  })

  it('says when nothing has changed', async () => {
    const response = await post({ id: 'payments', action: 'close' })
    assert.equal(((await response.json()) as ControlResult).changed, false)
  })

  it('finds breakers with any name, and both that share a name', async () => {
    await post({ id: HOSTILE, action: 'isolate' })
    await post({ id: 'payments (2)', action: 'isolate' })
    assert.deepEqual(
      breakers.map(({ state }) => state),
      ['closed', 'isolated', 'isolated'],
    )
  })

  it('has no line breaks and no escape sequences in a reason', async () => {
    const response = await post({
      id: 'payments',
      action: 'isolate',
      reason: ' red:\u001b[31m\nsee\u2028wiki\t',
    })
    const { breaker } = (await response.json()) as ControlResult
    assert.equal(breaker.reason, 'red: [31m see wiki')
  })

  it('refuses an unknown breaker', async () => {
    await refused(await post({ id: 'nobody', action: 'isolate' }), 404, 'No breaker has this id')
    await refused(await post({ id: '__proto__', action: 'isolate' }), 404, 'No breaker has this id')
  })

  it('refuses what is not JSON, or not of the right shape', async () => {
    const cases: readonly [unknown, RegExp][] = [
      ['', /^Expected a body of JSON$/],
      ['{', /^Expected a body of JSON$/],
      ['null', /^Expected `the body` to be an object, got `null`/],
      ['[]', /^Expected `the body` to be an object/],
      ['"isolate"', /^Expected `the body` to be an object/],
      [{}, /^Expected `id` to be a string, got `undefined`/],
      [{ id: 5, action: 'isolate' }, /^Expected `id` to be a string, got `5`/],
      [{ id: 'payments' }, /^Expected `action` to be one of 'open', 'isolate', 'close', 'half-open', got/],
      [{ id: 'payments', action: 'explode' }, /^Expected `action` to be one of .* got `"explode"`/],
      [{ id: 'payments', action: 'isolate', reason: 5 }, /^Expected `reason` to be a string, got/],
      [
        { id: 'payments', action: 'open', for: -1 },
        /^Expected `for` to be a finite number from 0 up, got `-1`/,
      ],
      [{ id: 'payments', action: 'open', for: '5' }, /^Expected `for` to be a finite number/],
      ['{"id":"payments","action":"open","for":1e999}', /^Expected `for` to be a finite number/],
      [{ id: 'payments', action: 'isolate', for: 5 }, /^Expected `for` to be given with action 'open' only/],
      [{ id: 'payments', action: 'isolate', force: true }, /^Expected the body to have only known names/],
      ['{"id":"payments","action":"isolate","__proto__":{}}', /^Expected the body to have only known names/],
    ]
    for (const [body, error] of cases) await refused(await post(body), 400, error)
  })

  it('refuses a body that is not UTF-8', async () => {
    const body = new Uint8Array([0x22, 0xff, 0xfe, 0x22])
    const response = await fetch(`${server.url}control`, { method: 'POST', headers: HEADERS, body })
    await refused(response, 400, 'Expected a body of text in UTF-8, and all of it')
  })

  it('refuses an oversized body', async () => {
    const body = JSON.stringify({ id: 'payments', action: 'isolate', reason: 'x'.repeat(20_000) })
    await refused(await post(body), 413, 'Expected a body of at most 10000 bytes')
  })

  it('refuses an oversized body without a content-length', async () => {
    let sent = 0
    const chunk = new TextEncoder().encode(' '.repeat(4_096))
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 64) controller.enqueue(chunk)
        else controller.close()
      },
    })
    await refused(await post(endless), 413, 'Expected a body of at most 10000 bytes')
    // The connection is still usable.
    assert.equal((await post({ id: 'payments', action: 'isolate' })).status, 200)
  })

  it('accepts a body that arrives in chunks', async () => {
    const bytes = new TextEncoder().encode(
      JSON.stringify({ id: 'payments', action: 'isolate', reason: 'größer' }),
    )
    const pieces = [...bytes].map((byte) => new Uint8Array([byte]))
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift()
        if (piece) controller.enqueue(piece)
        else controller.close()
      },
    })
    assert.equal((await post(body)).status, 200)
    assert.equal(breakers[0]!.snapshot().tripReason, 'größer')
  })

  it('refuses other media types', async () => {
    const command = { id: 'payments', action: 'isolate' }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
      await refused(
        await post(command, { 'content-type': type }),
        415,
        'Expected content-type: application/json',
      )
    }
    const response = await post(command, { 'content-type': 'application/json; charset=utf-8' })
    assert.equal(response.status, 200)
  })

  it('refuses pages of another origin without calling `authorize`', async () => {
    const command = { id: 'payments', action: 'isolate' }
    const error = 'Control is refused to pages of another origin'
    for (const site of ['cross-site', 'same-site', 'nonsense']) {
      await refused(await post(command, { 'sec-fetch-site': site }), 403, error)
    }
    for (const origin of ['https://evil.example', 'null', 'nonsense', server.url.replace(/:\d+/, ':1')]) {
      await refused(await post(command, { origin }), 403, error)
    }
    assert.equal(asked, 0)
  })

  it('refuses what a page of another site could send, even if its browser sends no origin', async () => {
    const response = await fetch(`${server.url}control`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"id":"payments","action":"isolate"}',
    })
    await refused(response, 403, 'Expected the header x-recloser: control')
    assert.equal(asked, 0)
  })

  it('accepts its own page, also behind a proxy, and clients that are no browsers', async () => {
    const command = { id: 'payments', action: 'isolate' }
    const own = server.url.slice(0, -1)
    for (const headers of [
      { origin: own },
      { origin: own.replace('http:', 'https:') },
      { origin: 'https://ops.example.com', 'sec-fetch-site': 'same-origin' },
      {},
    ] as Record<string, string>[]) {
      assert.equal((await post(command, headers)).status, 200, JSON.stringify(headers))
    }
  })
})

describe('unauthorized control', () => {
  const command = { id: 'payments', action: 'isolate' }
  const error = 'Not authorized to control breakers'
  afterEach(() => server.stop())

  it('is refused where there is no `authorize`', async () => {
    await start(undefined)
    await refused(await post(command), 403, error)
  })

  it('is refused unless `authorize` returns true, a name, or a promise of either', async () => {
    for (const answer of [false, undefined, 1, '', {}, Promise.resolve(false), Promise.resolve('')]) {
      await start(() => answer as boolean)
      await refused(await post(command), 403, error)
      await server.stop()
    }
    await start(async () => true)
    assert.equal((await post(command)).status, 200)
  })

  it('F9c: is recorded as by whom `authorize` names, never by what the body says', async () => {
    for (const [given, actor] of [
      [true, 'dashboard'],
      ['ann@example.com', 'ann@example.com'],
    ] as const) {
      const storage = new MemoryStorage()
      const breaker = new CircuitBreaker({ name: 'payments', storage })
      const monitor = new CircuitBreakerMonitor()
      monitor.watch(breaker)
      server = await serve(createDashboard(monitor, { authorize: () => given }).node)
      const forged = await post({ ...command, actor: 'mallory' })
      assert.equal(forged.status, 400)
      assert.equal((await post(command)).status, 200)
      await breaker.flush()
      assert.equal(breaker.snapshot().fleet?.actor, actor)
      await breaker[Symbol.asyncDispose]()
      await server.stop()
    }
    await start(() => false)
  })

  it('is refused if `authorize` throws; only the operator learns why, once', async () => {
    for (const authorize of [
      () => {
        throw new Error('the secret is 42')
      },
      () => Promise.reject(new Error('the secret is 42')),
    ]) {
      const warnings = await warningsFrom(async () => {
        await start(authorize)
        await refused(await post(command), 403, error)
        await refused(await post(command), 403, error)
        await server.stop()
      })
      assert.equal(warnings.length, 1)
      assert.match(warnings[0]!, /the secret is 42/)
    }
  })

  it('is refused before the body is read', async () => {
    await start(() => false)
    await refused(await post('{', { 'content-type': 'text/plain' }), 403, error)
  })

  it('is decided by the request and by what the platform passes on', async () => {
    const seen: unknown[] = []
    await start((request, incoming: { readonly method: string }) => {
      seen.push(request instanceof Request, new URL(request.url).pathname, incoming.method)
      return request.headers.get('authorization') === 'Bearer secret'
    })
    await refused(await post(command), 403, error)
    assert.equal((await post(command, { authorization: 'Bearer secret' })).status, 200)
    assert.deepEqual(seen, [true, '/control', 'POST', true, '/control', 'POST'])
  })
})
