import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCallTimeoutError, slowCallRate } from '../../../src/index.ts'
import { breakerMiddleware } from '../../../src/integrations/ai-sdk/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { countsOf, delay, errorOf } from '../support/breakers.ts'
import { drain, END, SDKS, text } from './models.ts'
import { keepAlive } from '../support/alive.ts'
import { clock, guarding, useClock } from './guarded.ts'

keepAlive()
useClock()

for (const sdk of SDKS) {
  const { failWith, generate, guard } = guarding(sdk)

  describe(`the middleware and time, in ${sdk.name}`, () => {
    it('honors Retry-After, and the milliseconds of OpenAI', async () => {
      const headers = [{ 'retry-after': '30' }, { 'retry-after-ms': '2500', 'retry-after': '3' }, undefined]
      for (const [index, wait] of [30_000, 2_500, 1_000].entries()) {
        const error = failWith(429, { responseHeaders: headers[index] })
        const { model, breaker } = guard({ generate: () => Promise.reject(error) }, { failMax: 1 })
        await errorOf(generate(model))
        assert.equal(breaker.retryAfter, wait)
      }
    })

    it('measures the latency of a stream up to its first token', async () => {
      const trip = slowCallRate({ threshold: 1, slowerThan: 500, minCalls: 1, lastCalls: 1 })
      const { model, breaker } = guard({ stream: () => [...text('Hel', 'lo'), END, sdk.finish()] }, { trip })
      const durations: (number | undefined)[] = []
      breaker.addListener({ success: ({ duration }) => durations.push(duration) })
      const play = async (toFirst: number, after: number): Promise<void> => {
        const reader = (await model.doStream({ prompt: [] })).stream.getReader()
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          if (part.value.type === 'text-start') clock.advance(toFirst)
          if (part.value.type === 'text-delta') clock.advance(after)
        }
      }
      await play(300, 10_000)
      assert.equal(breaker.state, 'closed')
      await play(501, 0)
      assert.equal(breaker.state, 'open')
      assert.deepEqual(durations, [300, 501])
    })

    it('a monitor shows the time to the first token', async () => {
      const monitor = new CircuitBreakerMonitor()
      const { model, breaker } = guard({ stream: () => [...text('a'), END, sdk.finish()] })
      monitor.watch(breaker)
      const reader = (await model.doStream({ prompt: [] })).stream.getReader()
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clock.advance(part.value.type === 'text-start' ? 100 : part.value.type === 'text-delta' ? 5_000 : 0)
      }
      const p50 = monitor.report('mock:model')?.recent.latency?.p50 ?? NaN
      assert.ok(Math.abs(p50 - 100) < 10, `p50 is ${p50}`)
    })

    it('callTimeout limits the time to the first token, and aborts the request', async () => {
      const given = sdk.model({ generate: () => new Promise(() => {}), stream: () => [...text(), 'hang'] })
      const signals: (AbortSignal | undefined)[] = []
      const { doStream, doGenerate } = given
      given.doStream = (params) => (signals.push(params.abortSignal), doStream(params))
      given.doGenerate = (params) => (signals.push(params.abortSignal), doGenerate(params))
      const middleware = breakerMiddleware({ breaker: { callTimeout: 20 } })
      const model = sdk.wrapLanguageModel({ model: given, middleware })
      const { error } = await drain((await model.doStream({ prompt: [] })).stream)
      assert.ok(isCallTimeoutError(error))
      assert.ok(isCallTimeoutError(await errorOf(model.doGenerate({ prompt: [] }))))
      assert.deepEqual(
        signals.map((signal) => signal?.aborted),
        [true, true],
      )
      const breaker = middleware.registry.get('mock:model')
      assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
    })

    it('callTimeout does not apply to a stream that has started', async () => {
      const given = sdk.model({ stream: () => [...text('a', 'b'), END, sdk.finish()] })
      const middleware = breakerMiddleware({ breaker: { callTimeout: 300 } })
      const model = sdk.wrapLanguageModel({ model: given, middleware })
      const reader = (await model.doStream({ prompt: [] })).stream.getReader()
      let parts = 0
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        parts++
        if (part.value.type === 'text-delta') await delay(200)
      }
      assert.equal(parts, 6)
      const breaker = middleware.registry.get('mock:model')
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('a stream that nobody reads gives its permit back', async () => {
      const { model, breaker } = guard({ stream: () => text('a', 'b') }, {}, { releaseAfter: 20 })
      const { stream: unread } = await model.doStream({ prompt: [] })
      const reader = (await model.doStream({ prompt: [] })).stream.getReader()
      await reader.read()
      assert.equal(breaker.snapshot().inFlight, 2)
      for (let wait = 0; breaker.snapshot().inFlight > 0 && wait < 200; wait++) await delay(5)
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
      assert.ok(unread)
    })

    it('waits for a silent provider as long as somebody reads', async () => {
      const { model, breaker } = guard({ stream: () => [...text('a'), 'hang'] }, {}, { releaseAfter: 10 })
      const { stream: parts } = await model.doStream({ prompt: [] })
      void drain(parts)
      await delay(60)
      assert.equal(breaker.snapshot().inFlight, 1)
    })

    it('each part extends the lease of a probe', async () => {
      const { model, breaker } = guard(
        { stream: () => [...text('a', 'b', 'c'), END, sdk.finish()] },
        { probeTimeout: 1_000 },
      )
      breaker.halfOpen()
      const reader = (await model.doStream({ prompt: [] })).stream.getReader()
      for (let part = await reader.read(); !part.done; part = await reader.read()) clock.advance(900)
      assert.equal(breaker.state, 'closed')
    })

    it('a probe that never answers loses its lease', async () => {
      const { model, breaker } = guard({ generate: () => new Promise(() => {}) })
      breaker.halfOpen()
      void generate(model).catch(() => {})
      await delay(0)
      clock.advance(119_999)
      assert.equal(breaker.state, 'half-open')
      clock.advance(1)
      assert.equal(breaker.state, 'open')
    })
  })
}
