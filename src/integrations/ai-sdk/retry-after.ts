import { honorRetryAfter, type OpenTime } from '../../base/backoff.ts'
import { isObject } from '../../base/validate.ts'

/** `honorRetryAfter` for the errors of the SDK, which keep the headers in `responseHeaders`. */
export function honorSdkRetryAfter(base: number): OpenTime {
  const honour = honorRetryAfter(base)
  return (context) => {
    const headers = headersOf(context.error)
    return honour(headers ? { ...context, error: { headers } } : context)
  }
}

/** The headers of an `APICallError`, or of the one that caused an error of the gateway. */
function headersOf(error: unknown): Record<string, unknown> | undefined {
  if (!isObject(error)) return undefined
  const { responseHeaders, cause } = error
  const headers = responseHeaders ?? (isObject(cause) ? cause['responseHeaders'] : undefined)
  if (!isObject(headers)) return undefined
  // What OpenAI and Azure send, more exact than `retry-after`.
  const milliseconds = Number(headers['retry-after-ms'] || NaN)
  return milliseconds >= 0 ? { 'retry-after': milliseconds / 1_000 } : headers
}
