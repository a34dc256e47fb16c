import assert from 'node:assert/strict'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  createDashboard,
  type Dashboard,
  type DashboardOptions,
} from '../../../../src/dashboard/server/index.ts'
import type { CircuitBreaker } from '../../../../src/index.ts'
import type { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import { nextTick } from '../../../helpers/next-tick.ts'
import { EventReader } from './events.ts'
import { serve, type TestServer } from '../../../helpers/server.ts'
import { until } from '../../../helpers/until.ts'
import { watched } from './watched.ts'

describe('the streams of a dashboard', () => {
  let breaker: CircuitBreaker
  let monitor: CircuitBreakerMonitor
  let dashboard: Dashboard
  let server: TestServer
  /** The number of open consumers of the monitor's events. */
  let listening: number
  /** The number of consumers so far. */
  let opened: number

  beforeEach(() => {
    const { breakers, ...rest } = watched('payments')
    breaker = breakers[0]!
    monitor = rest.monitor
    listening = opened = 0
    const events = monitor.events.bind(monitor)
    monitor.events = (options) => {
      listening++
      opened++
      options?.signal?.addEventListener('abort', () => listening--)
      return events(options)
    }
  })
  afterEach(async () => {
    dashboard.close()
    assert.equal(listening, 0)
    await server.stop()
  })

  async function start(options: DashboardOptions): Promise<void> {
    dashboard = createDashboard(monitor, options)
    server = await serve(dashboard.node)
  }

  const ask = (signal?: AbortSignal): Promise<Response> =>
    fetch(`${server.url}events`, signal ? { signal } : undefined)

  /** Opens a stream that is not read until `resume()`. */
  function openUnread(): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      get(`${server.url}events`, { agent: false }, resolve).on('error', reject)
    })
  }

  /** Emits events, 100 kB at a time, until no socket's buffers can hold them and only `readers` consumers are left. */
  async function flood(times: number, readers = 0): Promise<void> {
    for (let time = 0; time < times; time++) {
      if (listening === readers) return
      for (let i = 0; i < 200; i++) breaker[i % 2 ? 'close' : 'isolate']('x'.repeat(500))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  it('are limited, when a thousand are requested', async () => {
    await start({ maxStreams: 100 })
    const all = new AbortController()
    const responses = await Promise.all(Array.from({ length: 1_000 }, () => ask(all.signal)))
    const [open, refused] = [200, 503].map((code) => responses.filter(({ status }) => status === code))
    assert.deepEqual([open!.length, refused!.length, listening], [100, 900, 100])
    assert.equal(refused![0]!.headers.get('retry-after'), '5')
    assert.deepEqual(await refused![0]!.json(), { error: 'There are 100 streams already' })
    // Everything else is still answered.
    assert.equal((await fetch(`${server.url}health`)).status, 200)
    all.abort()
    await until(() => listening === 0, 'the streams are released')
    assert.equal((await ask()).status, 200)
  })

  it('can be a thousand if the limit allows it', async () => {
    await start({ maxStreams: 1_000 })
    // Plain sockets, because no runtime's fetch opens that many connections.
    const texts = Array.from({ length: 1_000 }, () => '')
    const sockets = texts.map((_, i) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      socket.on('data', (chunk) => (texts[i] += chunk.toString()))
      socket.write('GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
      return socket
    })
    const haveAll = (text: string) => (): boolean => texts.every((each) => each.includes(text))
    await until(haveAll('event: snapshot'), 'everyone has a snapshot')
    breaker.isolate('maintenance')
    await until(haveAll('"reason":"maintenance"'), 'everyone has the transition')
    await until(haveAll('event: update'), 'everyone has an update')
    for (const socket of sockets) socket.destroy()
    await until(() => listening === 0, 'the streams are released')
  })

  it('are released when their readers disconnect, before and after the first event', async () => {
    await start({ maxStreams: 2 })
    for (let i = 0; i < 5; i++) {
      const hasty = await ask()
      await hasty.body?.cancel()
      const reader = new EventReader(await ask())
      await reader.find('snapshot')
      await reader.cancel()
      await until(() => listening === 0, 'the streams are released')
    }
  })

  it('are released if the reader disconnects while `authorize` is pending', async () => {
    let decide: ((yes: boolean) => void) | undefined
    await start({
      maxStreams: 1,
      authorize: () => decide !== undefined || new Promise<boolean>((resolve) => (decide = resolve)),
    })
    const reader = new AbortController()
    const answer = ask(reader.signal).catch(() => 'gone')
    await until(() => decide !== undefined, 'it is asked who it is')
    reader.abort()
    assert.equal(await answer, 'gone')
    decide?.(true)
    await until(() => opened === 1, 'the stream is opened')
    await until(() => listening === 0, 'the stream is released')
    assert.equal((await ask()).status, 200)
  })

  it('are cut off when the reader is too slow', async () => {
    await start({ maxBacklog: 100_000 })
    const slow = await openUnread()
    const quick = new EventReader(await ask())
    await quick.find('snapshot')
    let transitions = 0
    const reading = (async () => {
      for (;;) {
        const event = await quick.next()
        if (event === undefined) return
        if (event.event === 'transition') transitions++
      }
    })()
    await flood(400, 1)
    assert.equal(listening, 1)
    // The quick reader still gets every transition.
    const sent = transitions
    breaker.isolate('the last')
    await until(() => transitions > sent, 'the quick reader reads on')
    const ended = new Promise((resolve) => slow.once('close', resolve))
    slow.on('error', () => {})
    slow.resume()
    await ended
    dashboard.close()
    await reading
  })

  it('buffer no more than the limit for a reader that does not read', async () => {
    await start({ maxBacklog: 50_000 })
    const response = await dashboard.fetch(new Request('http://localhost/events'))
    await flood(50)
    assert.equal(listening, 0)
    await assert.rejects(response.text(), /too slow/)
  })

  it('end at `close`, and the server can stop', async () => {
    await start({})
    const readers = await Promise.all([ask(), ask()])
    const texts = readers.map((response) => response.text())
    breaker.isolate('the last word')
    await nextTick()
    dashboard.close()
    for (const text of await Promise.all(texts)) assert.match(text, /"reason":"the last word"/)
    const late = await ask()
    assert.deepEqual([late.status, late.headers.get('retry-after')], [503, '5'])
    assert.deepEqual(await late.json(), { error: 'The dashboard is closed' })
    const health = await fetch(`${server.url}health`)
    assert.equal(health.status, 200)
    await health.text()
    await new Promise<void>((resolve) => server.server.close(() => resolve()))
  })

  it('end at `close` also for a reader that does not read', async () => {
    await start({ maxBacklog: 100_000_000 })
    const slow = await openUnread()
    slow.on('error', () => {})
    await flood(120)
    dashboard.close()
    // The server waits for what it can never deliver, but only for a limited time.
    await new Promise<void>((resolve) => server.server.close(() => resolve()))
    slow.destroy()
  })

  it('end with `using`', async () => {
    await start({})
    const reader = new EventReader(await ask())
    await reader.find('snapshot')
    dashboard[Symbol.dispose]()
    while (await reader.next());
    assert.equal(reader.end, 'closed')
  })

  it('are refused to pages of another origin, which could use up the limit', async () => {
    await start({})
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }] as Record<
      string,
      string
    >[]) {
      const response = await fetch(`${server.url}events`, { headers })
      assert.equal(response.status, 403)
      assert.deepEqual(await response.json(), { error: 'Events are refused to pages of another origin' })
    }
    const typed = await fetch(`${server.url}events`, { headers: { 'sec-fetch-site': 'none' } })
    assert.equal(typed.status, 200)
    await typed.body?.cancel()
  })
})
