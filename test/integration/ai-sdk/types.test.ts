import type { LanguageModelV4 } from '@ai-sdk/provider'
import * as ai7 from 'ai'
import * as ai5 from 'ai-5'
import { MockLanguageModelV2 } from 'ai-5/test'
import * as ai6 from 'ai-6'
import { MockLanguageModelV3 } from 'ai-6/test'
import { MockLanguageModelV4 } from 'ai/test'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerMiddleware, fallback } from '../../../src/integrations/ai-sdk/index.ts'

// The test is that these compile without a cast. Other tests cover what they do.
const middleware = breakerMiddleware()

describe('the types of recloser/ai-sdk', () => {
  it('fit AI SDK 5', () => {
    const given = new MockLanguageModelV2()
    const model = ai5.wrapLanguageModel({ model: given, middleware })
    const both: ai5.LanguageModel = fallback([given, model])
    assert.ok(both)
    const version: 'v2' = fallback([given, model]).specificationVersion
    assert.equal(version, 'v2')
    ai5.wrapLanguageModel({ model: fallback([given]), middleware: [middleware, middleware] })
  })

  it('fit AI SDK 6', () => {
    const given = new MockLanguageModelV3()
    const model = ai6.wrapLanguageModel({ model: given, middleware })
    const both: ai6.LanguageModel = fallback([given, model])
    assert.ok(both)
    const version: 'v3' = fallback([given, model]).specificationVersion
    assert.equal(version, 'v3')
    ai6.wrapLanguageModel({ model: fallback([given]), middleware: [middleware, middleware] })
  })

  it('fit AI SDK 7', () => {
    const given = new MockLanguageModelV4()
    const model = ai7.wrapLanguageModel({ model: given, middleware })
    const both: ai7.LanguageModel = fallback([given, model])
    const same: LanguageModelV4 = fallback([given, model])
    assert.ok(both && same)
    const version: 'v4' = fallback([given, model]).specificationVersion
    assert.equal(version, 'v4')
    ai7.wrapLanguageModel({ model: fallback([given]), middleware: [middleware, middleware] })
  })

  it('refuse anything that is not a model', () => {
    assert.throws(() => {
      // @ts-expect-error a name is not a model: the SDK's gateway would resolve it
      fallback(['openai/gpt-5'])
    }, TypeError)
  })
})
