import assert from 'node:assert/strict'
import type { IncomingMessage, RequestListener } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import type { DashboardEvent } from '../../../src/cli/client/check.ts'
import { DashboardClient } from '../../../src/cli/client/client.ts'
import { Failure } from '../../../src/cli/base/command.ts'
import { report, snapshot, transition } from '../../unit/cli/reports.ts'
import { deferred } from '../../helpers/deferred.ts'
import { serve, type TestServer } from '../../helpers/server.ts'

const never = new AbortController().signal
const hello = { snapshot: snapshot(report('payments')), transitions: [], control: true }
const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

describe('the client of a dashboard', () => {
  let server: TestServer

  afterEach(() => server.stop())

  /** `patience` in milliseconds: more than any machine needs, except in tests that wait for it to run out. */
  async function connect(
    listener: RequestListener,
    { query = '', patience = 60_000 }: { readonly query?: string; readonly patience?: number } = {},
  ): Promise<DashboardClient> {
    server = await serve(listener)
    const headers = new Headers({ authorization: 'Bearer secret' })
    const url = new URL(`${server.url}breakers/${query}`)
    return new DashboardClient({ url, headers }, { answer: patience, silence: patience })
  }

  /** A response that streams these texts and stays open. */
  const stream =
    (...texts: readonly string[]): RequestListener =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      for (const text of texts) response.write(text)
    }

  async function collect(
    client: DashboardClient,
    signal = never,
  ): Promise<{ events: DashboardEvent[]; error: unknown }> {
    const events: DashboardEvent[] = []
    try {
      for await (const each of client.events(signal)) events.push(each)
      return { events, error: undefined }
    } catch (error) {
      return { events, error }
    }
  }

  function assertFailure(error: unknown, message: RegExp): void {
    assert.ok(error instanceof Failure)
    assert.match(error.message, message)
  }

  it('sends its headers and the query with every request, and the headers that control requires', async () => {
    const requests: IncomingMessage[] = []
    const client = await connect(
      (request, response) => {
        requests.push(request)
        response.writeHead(418).end()
      },
      { query: '?tenant=a' },
    )
    await assert.rejects(client.snapshot(), Failure)
    await assert.rejects(client.control({ id: 'payments', action: 'open', for: 5 }), Failure)
    assertFailure((await collect(client)).error, /418/)
    assert.deepEqual(
      requests.map(({ method, url, headers }) => [method, url, headers.authorization]),
      [
        ['GET', '/breakers/snapshot?tenant=a', 'Bearer secret'],
        ['POST', '/breakers/control?tenant=a', 'Bearer secret'],
        ['GET', '/breakers/events?tenant=a', 'Bearer secret'],
      ],
    )
    const { headers } = requests[1]!
    assert.deepEqual([headers['x-recloser'], headers['content-type']], ['control', 'application/json'])
  })

  it('yields known events and skips others', async () => {
    const moved = transition('payments')
    const client = await connect((request, response) => {
      stream(
        event('snapshot', hello),
        ': still here\n\n',
        event('news', {}),
        event('transition', moved),
      )(request, response)
      response.end()
    })
    const { events, error } = await collect(client)
    assert.deepEqual(events, [
      { type: 'snapshot', data: hello },
      { type: 'transition', data: moved },
    ])
    assertFailure(error, /has ended the stream/)
  })

  it('fails after too long a silence', async () => {
    const { events, error } = await collect(
      await connect(stream(event('snapshot', hello)), { patience: 2_000 }),
    )
    assert.equal(events.length, 1)
    assertFailure(error, /does not answer/)
  })

  it('does not fail while data arrives, even if it is not an event', async () => {
    const client = await connect(
      (request, response) => {
        stream(event('snapshot', hello))(request, response)
        let beats = 0
        const timer = setInterval(() => {
          response.write(': still here\n\n')
          if (++beats === 15) response.end()
        }, 200)
        response.on('close', () => clearInterval(timer))
      },
      { patience: 2_000 },
    )
    assertFailure((await collect(client)).error, /has ended the stream/)
  })

  it('fails when no answer arrives', async () => {
    const client = await connect(() => {}, { patience: 100 })
    await assert.rejects(client.snapshot(), /does not answer/)
    assertFailure((await collect(client)).error, /does not answer/)
  })

  for (const [what, text] of [
    ['an event of another shape', event('snapshot', { ...hello, snapshot: { version: 1 } })],
    ['an event that is no JSON', 'event: update\ndata: {\n\n'],
    ['a state that there is not', event('transition', transition('payments', { to: 'ajar' as 'open' }))],
  ] as const) {
    it(`fails on ${what}`, async () => {
      assertFailure(
        (await collect(await connect(stream(text)))).error,
        /no recloser dashboard .* of another shape/,
      )
    })
  }

  it('fails when a connection is cut in the middle of an event', async () => {
    const client = await connect((request, response) => {
      stream(event('snapshot', hello), 'event: upd')(request, response)
      setTimeout(() => response.destroy(), 20)
    })
    assertFailure((await collect(client)).error, /the connection was cut/)
  })

  it('ends quietly and disconnects when it is interrupted', async () => {
    const interrupted = new AbortController()
    const closed = deferred<void>()
    const client = await connect((request, response) => {
      response.on('close', () => closed.resolve())
      stream(event('snapshot', hello))(request, response)
    })
    let events = 0
    for await (const _ of client.events(interrupted.signal)) {
      events++
      // It is about to wait for the next event.
      setTimeout(() => interrupted.abort(), 1)
    }
    assert.equal(events, 1)
    await closed.promise
  })

  it('disconnects when its events are no longer consumed', async () => {
    const closed = deferred<void>()
    const client = await connect((request, response) => {
      response.on('close', () => closed.resolve())
      stream(event('snapshot', hello))(request, response)
    })
    for await (const { type } of client.events(never)) {
      assert.equal(type, 'snapshot')
      break
    }
    await closed.promise
  })
})
