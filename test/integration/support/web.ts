import assert from 'node:assert/strict'
import { after, afterEach, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Registry } from 'prom-client'
import { CircuitBreaker, slowCallRate, type CircuitBreakerOptions } from '../../../src/index.ts'
import type { ServerBreakersOptions } from '../../../src/integrations/server/options.ts'
import type { ServerBreakers } from '../../../src/integrations/server/server-breakers.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { until } from '../../helpers/until.ts'
import { countsOf, delay, inFlight, settled } from './breakers.ts'

/**
 * An app with the routes of `WAYS`, each at a path of its own and all behind the breaker `work`, and the routes of the
 * breakers at `/ops`.
 */
export interface WebApp {
  /** Without a trailing slash. */
  readonly origin: string
  readonly breakers: ServerBreakers
  /** The paths of the requests that reached a handler. */
  readonly handled: string[]
  /** Errors that passed the error handler. */
  readonly passedOn: unknown[]
  close(): Promise<void>
}

export interface WebAppOptions extends ServerBreakersOptions {
  /** Whether the app uses our error handler. */
  readonly handleErrors?: boolean
}

/** The behavior of each handler of the app, by path. */
export const WAYS = {
  ok: 'answers',
  missing: 'answers by 404',
  broken: 'answers by 500',
  throw: 'throws at once',
  reject: 'throws later',
  absent: 'throws an error of status 404',
  stream: 'sends two parts, the second after `pause`',
  cut: 'sends a part, then its source fails',
  endless: 'sends parts for as long as somebody listens',
  hang: 'never answers',
  late: 'answers after 150 ms',
  big: 'sends 64 parts of 256 kB as fast as the client takes them',
  inner: 'needs what is behind an open circuit',
} as const

let held: Promise<void> | undefined

/** Awaited between the two parts of `stream`: 30 ms, or a promise that a test controls. */
export const pause = (): Promise<void> => held ?? delay(30)

/** The size of one part of `big`, in bytes. */
export const BIG = 262_144

/** The parts of `big`. */
export function* bigParts(): Generator<Uint8Array<ArrayBuffer>> {
  for (let i = 0; i < 64; i++) yield new Uint8Array(BIG)
}

export type Way = keyof typeof WAYS
export const ways: readonly Way[] = Object.keys(WAYS) as Way[]

/** The number of further routes, at `/routes/1` … `/routes/600`, each with its own breaker `route N`. */
export const ROUTES = 600

export const inner: CircuitBreaker = new CircuitBreaker({ name: 'inner' })
inner.open({ for: 3_600_000 })

export class Excluded extends Error {}

export function describeWebApp(name: string, start: (options: WebAppOptions) => Promise<WebApp>): void {
  let app: WebApp
  let breaker: CircuitBreaker
  let clock: ManualClock
  const apps: WebApp[] = []

  async function begin(options: CircuitBreakerOptions = {}, rest: WebAppOptions = {}): Promise<void> {
    clock = withRealTimers(new ManualClock())
    const shared = { clock, timeoutDuration: 4_500, ...options }
    app = await start({ breaker: (key) => (key === 'work' ? shared : {}), handleErrors: true, ...rest })
    apps.push(app)
    breaker = app.breakers.registry.get('work')
  }

  async function get(
    way: Way,
    signal?: AbortSignal,
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(`${app.origin}/${way}`, { signal: signal ?? null })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }

  /** Requests a path and disconnects once the request is in flight. */
  async function leaves(way: Way): Promise<void> {
    const controller = new AbortController()
    const answer = assert.rejects(get(way, controller.signal))
    await until(() => breaker.snapshot().inFlight === 1, 'a request is in flight')
    controller.abort()
    await answer
  }

  async function counts(expected: string): Promise<void> {
    await settled(app.breakers.registry)
    assert.equal(countsOf(breaker), expected)
  }

  describe(name, () => {
    afterEach(async () => {
      await Promise.all(apps.splice(0).map((each) => each.close()))
    })

    it('passes answers through, and counts 4xx, thrown or not, as successes', async () => {
      await begin()
      assert.equal((await get('ok')).text, 'fine')
      assert.equal((await get('missing')).status, 404)
      assert.equal((await get('absent')).status, 404)
      await counts('3 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('5xx answers and errors, thrown at once or later, are failures', async () => {
      await begin()
      for (const way of ['broken', 'throw', 'reject'] as const)
        assert.equal((await get(way)).status, 500, way)
      await counts('0 succeeded, 3 failed, 0 ignored, 0 rejected')
    })

    it('an open circuit answers 503 with Retry-After, and calls no handler', async () => {
      await begin({ failMax: 1 })
      await get('throw')
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'open')
      const { status, headers, text } = await get('ok')
      assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
      assert.deepEqual(JSON.parse(text), {
        statusCode: 503,
        code: 'CIRCUIT_OPEN',
        error: 'Service Unavailable',
        message: 'Temporarily unavailable, try again later',
      })
      assert.deepEqual(app.handled, ['throw'])
      breaker.isolate()
      const isolated = await get('ok')
      assert.deepEqual([isolated.status, isolated.headers.get('retry-after')], [503, null])
    })

    it('an open circuit answers 503 with Retry-After even without an error handler', async () => {
      await begin({}, { handleErrors: false })
      breaker.open()
      const { status, headers } = await get('ok')
      assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
      await counts('0 succeeded, 0 failed, 0 ignored, 1 rejected')
    })

    it('the error handler answers for an open circuit further in, and passes other errors on', async () => {
      await begin()
      const { status, headers } = await get('inner')
      assert.equal(status, 503)
      assert.ok(Number(headers.get('retry-after')) > 3_500)
      assert.deepEqual(app.passedOn, [])
      await get('throw')
      assert.deepEqual(
        app.passedOn.map((each) => (each as Error).message),
        ['thrown at once'],
      )
      await counts('0 succeeded, 2 failed, 0 ignored, 0 rejected')
    })

    it('classifies a call by its error, not just by the status: exclude applies', async () => {
      await begin({ exclude: [Excluded] })
      await get('reject')
      await counts('0 succeeded, 0 failed, 1 ignored, 0 rejected')
      await get('throw')
      await settled(app.breakers.registry)
      assert.equal(breaker.snapshot().lastFailure?.message, 'thrown at once')
    })

    it('classifyStatus decides what a status means', async () => {
      await begin(
        {},
        { classifyStatus: (status) => (status === 404 ? 'failure' : status === 500 ? 'ignored' : undefined) },
      )
      for (const way of ['missing', 'broken', 'ok'] as const) await get(way)
      await counts('1 succeeded, 1 failed, 1 ignored, 0 rejected')
    })

    it('a stream settles at its end, and is a failure if it breaks off', async () => {
      await begin()
      let goOn = (): void => {}
      held = new Promise((resolve) => (goOn = resolve))
      try {
        const response = await fetch(`${app.origin}/stream`)
        assert.equal(breaker.snapshot().inFlight, 1)
        goOn()
        assert.equal(await response.text(), 'first, second')
      } finally {
        goOn()
        held = undefined
      }
      await counts('1 succeeded, 0 failed, 0 ignored, 0 rejected')
      await assert.rejects(get('cut'))
      await counts('1 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('a client that leaves is ignored, before the answer and in the middle of it', async () => {
      await begin()
      await leaves('hang')
      await counts('0 succeeded, 0 failed, 1 ignored, 0 rejected')
      const controller = new AbortController()
      const response = await fetch(`${app.origin}/endless`, { signal: controller.signal })
      await response.body?.getReader().read()
      assert.equal(breaker.snapshot().inFlight, 1)
      controller.abort()
      await counts('0 succeeded, 0 failed, 2 ignored, 0 rejected')
    })

    it('an answer that takes longer than callTimeout is a failure and 504, and the late answer of the handler is dropped', async () => {
      await begin({ callTimeout: 40 })
      for (let i = 0; i < 2; i++) assert.equal((await get('late')).status, 504)
      await counts('0 succeeded, 2 failed, 0 ignored, 0 rejected')
      await delay(250)
      assert.equal((await get('ok')).text, 'fine')
      await counts('1 succeeded, 2 failed, 0 ignored, 0 rejected')
      const text = await (await fetch(`${app.origin}/stream`)).text()
      assert.equal(text, 'first, second')
    })

    it('when half-open, one request is the probe and the others are rejected', async () => {
      await begin({ failMax: 1 })
      await get('broken')
      await settled(app.breakers.registry)
      clock.advance(4_500)
      const probe = get('late')
      await until(() => breaker.snapshot().inFlight === 1, 'a request is in flight')
      const other = await get('ok')
      assert.deepEqual([other.status, Number(other.headers.get('retry-after')) > 0], [503, true])
      assert.equal((await probe).status, 200)
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'closed')
      await get('broken')
      await settled(app.breakers.registry)
      clock.advance(4_500)
      await get('throw')
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'open')
    })

    it('when half-open, a client that leaves gives the permit back', async () => {
      await begin()
      breaker.halfOpen()
      await leaves('hang')
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'half-open')
      assert.equal((await get('ok')).status, 200)
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'closed')
    })

    it('when half-open, an endless stream does not block other requests for long', async () => {
      await begin({ probeTimeout: 400 })
      breaker.halfOpen()
      const controller = new AbortController()
      const response = await fetch(`${app.origin}/endless`, { signal: controller.signal })
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'closed')
      controller.abort()
      await assert.rejects(response.text())
    })

    it('a request that is still running when its circuit is isolated ends late', async () => {
      await begin()
      const answer = get('late')
      await until(() => breaker.snapshot().inFlight === 1, 'a request is in flight')
      breaker.isolate()
      assert.equal((await answer).status, 200)
      await settled(app.breakers.registry)
      assert.deepEqual([breaker.state, breaker.snapshot().late], ['isolated', 1])
    })

    it('a client that reads slowly does not make a call slow', async () => {
      await begin({
        clock: undefined,
        trip: slowCallRate({ threshold: 1, minCalls: 1, lastCalls: 1, slowerThan: 60 }),
      })
      const response = await fetch(`${app.origin}/big`)
      await delay(150)
      assert.equal((await response.arrayBuffer()).byteLength, BIG * 64)
      await counts('1 succeeded, 0 failed, 0 ignored, 0 rejected')
      assert.equal(breaker.state, 'closed')
      await get('late')
      await settled(app.breakers.registry)
      assert.equal(breaker.state, 'open')
    })

    it('a HEAD request is a call like any other', async () => {
      await begin()
      const response = await fetch(`${app.origin}/ok`, { method: 'HEAD' })
      assert.equal(response.status, 200)
      await counts('1 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('shows the breakers, their health and their metrics', async () => {
      await begin({}, { register: new Registry(), authorize: () => true })
      await get('ok')
      await settled(app.breakers.registry)
      const page = await fetch(`${app.origin}/ops/`)
      assert.equal(page.status, 200)
      assert.match(await page.text(), /<title>Circuit breakers/)
      const health = (await (await fetch(`${app.origin}/ops/health`)).json()) as { breakers: object }
      assert.ok(Object.hasOwn(health.breakers, 'work'))
      const metrics = await fetch(`${app.origin}/ops/metrics?from=scraper`)
      assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/)
      assert.match(await metrics.text(), /recloser_calls_total\{name="work",outcome="success"\} 1/)
      assert.equal((await fetch(`${app.origin}/ops/metrics`, { method: 'HEAD' })).status, 200)
      assert.equal((await fetch(`${app.origin}/ops/metrics`, { method: 'POST' })).status, 405)
      assert.equal((await fetch(`${app.origin}/ops/nope`)).status, 404)
      const control = await fetch(`${app.origin}/ops/control`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-recloser': 'control' },
        body: JSON.stringify({ id: 'work', action: 'isolate' }),
      })
      assert.equal(control.status, 200)
      assert.equal(breaker.state, 'isolated')
      app.breakers.close()
      assert.equal(app.breakers.monitor.has('work'), false)
    })

    it('has no metrics without a registry, and ends its streams on close', async () => {
      await begin()
      assert.equal((await fetch(`${app.origin}/ops/metrics`)).status, 404)
      const events = await fetch(`${app.origin}/ops/events`)
      app.breakers.close()
      assert.match(await events.text(), /event: snapshot/)
    })

    it(`supports ${ROUTES} routes, each with a breaker of its own`, async () => {
      await begin()
      const { registry, monitor } = app.breakers
      registry.get('route 1').isolate()
      for (let from = 1; from <= ROUTES; from += 50) {
        const statuses = await Promise.all(
          Array.from({ length: 50 }, async (_, i) => {
            const response = await fetch(`${app.origin}/routes/${from + i}`)
            await response.text()
            return response.status
          }),
        )
        assert.deepEqual(new Set(statuses.slice(from === 1 ? 1 : 0)), new Set([200]))
      }
      assert.equal((await fetch(`${app.origin}/routes/1`)).status, 503)
      await settled(registry)
      assert.equal(monitor.snapshot().breakers.filter(({ id }) => id.startsWith('route ')).length, ROUTES)
      assert.equal(registry.get(`route ${ROUTES}`).snapshot().counts.successes, 1)
    })

    it('nothing is in flight after any requests, faults and clients that leave', async () => {
      const request = fc.record({
        way: fc.constantFrom(...ways),
        leaveAfter: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
        wait: fc.integer({ min: 0, max: 15 }),
      })
      const act = fc.oneof(
        { arbitrary: request, weight: 8 },
        { arbitrary: fc.constantFrom('halfOpen', 'close', 'open', 'isolate'), weight: 1 },
      )
      await begin({ failMax: 3, callTimeout: 80 })
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
          breaker.close()
          const requests: Promise<unknown>[] = []
          for (const each of acts) {
            if (typeof each === 'string') {
              breaker[each as 'close']()
              continue
            }
            // These two end only when the client leaves.
            const { way, leaveAfter = way === 'endless' || way === 'hang' ? 60 : undefined, wait } = each
            const signal = leaveAfter === undefined ? undefined : AbortSignal.timeout(leaveAfter)
            requests.push(get(way, signal).catch(() => {}))
            await delay(wait)
          }
          await Promise.all(requests)
          await settled(app.breakers.registry)
          assert.equal(inFlight(app.breakers.registry), 0)
        }),
        { numRuns: 15, endOnFailure: true },
      )
    })
  })

  after(() => Promise.all(apps.map((each) => each.close())))
}
