import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { breakerMiddleware, fallback, type AiBreakerOptions } from '../../../src/integrations/ai-sdk/index.ts'
import type { CircuitBreakerRegistry } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { parameters } from '../../unit/model/parameters.ts'
import { delay, settled } from '../support/breakers.ts'
import { END, SDKS, text, type Part } from './models.ts'
import { keepAlive } from '../support/alive.ts'

keepAlive()

/** The behavior of a provider in one call, and of the caller that gets its answer. */
interface Call {
  readonly method: 'generate' | 'stream'
  readonly provider: 'answer' | 'refuse' | 'throw' | 'error part' | 'break' | 'end' | 'hang'
  readonly caller: 'read' | 'leave' | 'cancel' | 'abort' | 'time out' | 'aborted'
  /** The number of parts after which it happens. */
  readonly after: number
}

const aCall = fc.record<Call>({
  method: fc.constantFrom('generate', 'stream'),
  provider: fc.constantFrom('answer', 'refuse', 'throw', 'error part', 'break', 'end', 'hang'),
  caller: fc.constantFrom('read', 'leave', 'cancel', 'abort', 'time out', 'aborted'),
  after: fc.nat(4),
})

const [, , sdk] = SDKS

function modelFor(calls: readonly Call[]): LanguageModelV4 {
  let number = 0
  const next = (): Call => calls[number++ % calls.length]!
  const endOf: Record<string, () => (Part | Error | 'hang')[]> = {
    answer: () => [END, sdk!.finish()],
    'error part': () => [{ type: 'error', error: { type: 'overloaded_error' } }, sdk!.finish('error')],
    break: () => [new TypeError('terminated')],
    hang: () => ['hang'],
  }
  return sdk!.model({
    generate: () => {
      const { provider } = next()
      if (provider === 'hang') return new Promise(() => {})
      if (provider !== 'answer' && provider !== 'end') throw new Error(provider)
      return 'Hello'
    },
    stream: () => {
      const { provider, after } = next()
      if (provider === 'refuse' || provider === 'throw') throw new Error(provider)
      return [...text('a', 'b').slice(0, after), ...(endOf[provider]?.() ?? [])]
    },
  })
}

async function play(model: LanguageModelV4, call: Call): Promise<void> {
  const controller = new AbortController()
  if (call.caller === 'aborted') controller.abort()
  const params = { prompt: [], abortSignal: controller.signal }
  const giveUp = (): void => {
    if (call.caller === 'time out') controller.abort(new DOMException('late', 'TimeoutError'))
    else controller.abort()
  }
  try {
    if (call.method === 'generate') {
      const answer = Promise.resolve(model.doGenerate(params)).catch(() => {})
      await delay(0)
      giveUp()
      await Promise.race([answer, delay(1)])
      return
    }
    const asked = Promise.resolve(model.doStream(params))
    asked.catch(() => {})
    const answer = await Promise.race([asked, delay(1).then(() => undefined)])
    if (!answer) return giveUp() // still waiting for the first token
    const reader = answer.stream.getReader()
    for (let part = 0; ; part++) {
      if (part === call.after && call.caller === 'leave') return
      if (part === call.after && call.caller === 'cancel') return await reader.cancel()
      if (part === call.after && call.caller !== 'read') giveUp()
      const read = await Promise.race([reader.read(), delay(1).then(() => undefined)])
      if (!read) return giveUp() // do not wait forever
      if (read.done) return
    }
  } catch {
    return // other tests cover what the caller gets
  }
}

type Guard = (
  model: LanguageModelV4,
  options: AiBreakerOptions,
) => readonly [guarded: LanguageModelV4, registry: CircuitBreakerRegistry]

const guards: Record<string, Guard> = {
  breakerMiddleware(model, options) {
    const middleware = breakerMiddleware(options)
    return [sdk!.wrapLanguageModel({ model, middleware }), middleware.registry]
  },
  fallback(model, options) {
    const other = Object.create(model, { modelId: { value: 'b' } }) as typeof model
    const guarded = fallback([model, other], options)
    return [guarded, guarded.registry]
  },
}

describe('the permits of recloser/ai-sdk', () => {
  for (const [name, guard] of Object.entries(guards)) {
    it(`all come back, whatever providers and callers of ${name} do`, async () => {
      const calls = fc.array(aCall, { minLength: 1, maxLength: 8 })
      const given = fc.record({
        failMax: fc.constantFrom(1, 2, 100),
        callTimeout: fc.constantFrom(undefined, 2),
        errorOnTrip: fc.boolean(),
      })
      const property = fc.asyncProperty(calls, given, fc.boolean(), async (all, breaker, together) => {
        const clock = withRealTimers(new ManualClock())
        const options = { breaker: { ...breaker, clock, timeoutDuration: 10 }, releaseAfter: 10 }
        const [model, registry] = guard(modelFor(all), options)
        const begun: Promise<void>[] = []
        for (const call of all) {
          begun.push(play(model, call))
          if (!together) await begun.at(-1)
          clock.advance(6)
        }
        await Promise.all(begun)
        await settled(registry)
        for (const [, each] of registry) {
          clock.advance(1_000_000)
          assert.notEqual(each.tryAcquire(), undefined, `a circuit that is ${each.state} admits nothing`)
        }
      })
      await fc.assert(property, { ...parameters, numRuns: Math.ceil(parameters.numRuns / 10) })
    })
  }
})
