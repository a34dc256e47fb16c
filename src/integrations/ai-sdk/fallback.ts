import { check, checkFunction, isObject, readList, readOptions, type Check } from '../../base/validate.ts'
import { fromFirstToken, reportOn, withReport } from './answer.ts'
import { fallsOverAfter, mostInformative, type FallsOver, type PassedOver } from './fall-over.ts'
import { checkSpecification, guardGenerate, guardStream } from './guard.ts'
import { AI_OPTIONS, readAiOptions, type AiBreakerOptions } from './options.ts'
import type { AnyLanguageModel, CallParameters, Model, WithRegistry } from './types.ts'

/** The options of {@link fallback}. */
export interface FallbackOptions extends AiBreakerOptions {
  /**
   * Decides whether to call the next model after an error; `undefined` applies the default.
   *
   * @default after any error, except those that the request itself caused (400, 413, 422, a content filter, an invalid
   *   prompt)
   */
  readonly fallsOver?: FallsOver | undefined
}

/** A language model with the same version of the specification as the given models. */
export type FallbackModel<M extends AnyLanguageModel> = Pick<
  M,
  'specificationVersion' | 'provider' | 'modelId' | 'supportedUrls' | 'doGenerate' | 'doStream'
> &
  WithRegistry

/**
 * Combines several language models into one. It calls the first model whose circuit admits the call, and falls back to
 * the next if that one fails before its first token. A stream that has begun is never restarted. Each model has its own
 * breaker, as with `breakerMiddleware`.
 *
 * The provider metadata says which model answered: `recloser.model` is its name, and `recloser.passedOver` lists the
 * models before it, with their errors. If no model answers, the call rejects with the error of the last model that
 * failed or, if all circuits rejected it, with the rejection that has the shortest `retryAfter`.
 *
 * The combined model has the `provider` and `modelId` of the first one. It supports only the URLs that all models
 * support; the SDK downloads all others.
 *
 * @param models language models with the same version of the specification, in order of preference.
 * @returns a language model of that version, whose `registry` holds the breakers.
 * @throws {TypeError | RangeError} when a model or an option is invalid.
 *
 * @example
 * ```ts
 * import { generateText } from 'ai'
 * import { MockLanguageModelV4 } from 'ai/test'
 * import { exponentialBackoff, honorRetryAfter } from 'recloser'
 * import { fallback } from 'recloser/ai-sdk'
 *
 * const preferred = new MockLanguageModelV4({
 *   modelId: 'large',
 *   doGenerate: async () => Promise.reject(new Error('overloaded')),
 * })
 * const other = new MockLanguageModelV4({
 *   modelId: 'small',
 *   doGenerate: async () => ({
 *     content: [{ type: 'text', text: 'Hello' }],
 *     finishReason: { unified: 'stop', raw: 'stop' },
 *     usage: { inputTokens: {}, outputTokens: {} } as never,
 *     warnings: [],
 *   }),
 * })
 *
 * const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 5_000, max: 60_000 }))
 * const model = fallback([preferred, other], { breaker: { failMax: 3, callTimeout: 30_000, timeoutDuration } })
 * const { text, providerMetadata } = await generateText({ model, prompt: 'Hi' })
 * console.log(text, 'by', providerMetadata?.recloser?.model) // Hello by mock-provider:small
 * ```
 */
export function fallback<M extends AnyLanguageModel>(
  models: readonly M[],
  options: FallbackOptions = {},
): FallbackModel<M> {
  const all = readList(models, 'models', 'an array of language models', aModel) as readonly Model[]
  const [first] = all
  check(first !== undefined, 'models', 'an array of at least one language model', models)
  for (const [index, { specificationVersion }] of all.entries()) {
    const version = first.specificationVersion
    check(
      specificationVersion === version,
      `models[${index}].specificationVersion`,
      `${version}, that of the first`,
      specificationVersion,
    )
  }
  const label = 'fallback options'
  const { fallsOver, ...rest } = readOptions<FallbackOptions>(
    options,
    { ...AI_OPTIONS, fallsOver: checkFunction },
    label,
  )
  const settings = readAiOptions(rest, label)
  const nameOf = (model: Model): string =>
    settings.breakerFor(model)?.name ?? `${model.provider}:${model.modelId}`

  /** Calls `ask` for one model after the other, until one answers. */
  async function askAll<R>(
    { abortSignal }: CallParameters,
    ask: (
      model: Model,
      passed: readonly PassedOver[],
      canFallOver: (error: unknown) => boolean,
    ) => Promise<R>,
  ): Promise<R> {
    const passed: PassedOver[] = []
    for (const model of all) {
      const fallsOverFrom = (error: unknown): boolean =>
        !abortSignal?.aborted && fallsOverAfter(error, fallsOver)
      try {
        return await ask(model, passed, (error) => model !== all.at(-1) && fallsOverFrom(error))
      } catch (error) {
        if (!fallsOverFrom(error)) throw error
        passed.push({ model: nameOf(model), error })
      }
    }
    throw mostInformative(passed)
  }

  const combined: Model & WithRegistry = {
    specificationVersion: first.specificationVersion,
    provider: first.provider,
    modelId: first.modelId,
    get supportedUrls() {
      return commonUrls(all)
    },
    registry: settings.registry,
    doGenerate: (params) =>
      askAll(params, async (model, passed) => {
        const result = await guardGenerate(settings, model, params, (given) => model.doGenerate(given))
        return withReport(result, reportOn(nameOf(model), passed))
      }),
    doStream: (params) =>
      askAll(params, async (model, passed, canFallOver) => {
        const result = await guardStream(settings, model, params, (given) => model.doStream(given))
        const report = reportOn(nameOf(model), passed)
        return { ...result, stream: await fromFirstToken(result, params.abortSignal, report, canFallOver) }
      }),
  }
  return combined as object as FallbackModel<M>
}

/** Returns the URLs that all models load themselves. The SDK downloads all others. */
async function commonUrls(models: readonly Model[]): Promise<Record<string, RegExp[]>> {
  const [first = {}, ...others] = await Promise.all(models.map(async ({ supportedUrls }) => supportedUrls))
  const common: Record<string, RegExp[]> = {}
  for (const [type, patterns] of Object.entries(first)) {
    const kept = patterns.filter((pattern) =>
      others.every((urls) => urls[type]?.some((other) => String(other) === String(pattern))),
    )
    if (kept.length > 0) common[type] = kept
  }
  return common
}

const aModel: Check = (value, name) => {
  const isModel =
    isObject(value) &&
    typeof value['specificationVersion'] === 'string' &&
    typeof value['doGenerate'] === 'function' &&
    typeof value['doStream'] === 'function'
  check(isModel, name, 'a language model of AI SDK 5, 6 or 7', value)
  checkSpecification(value)
}
