import { classifyHttpStatus } from './http-status.ts'

// Services say that they throttle by name, most of them with the status 400.
const THROTTLED = /throttl|^(Bandwidth|Request)?LimitExceeded|TooManyRequests|ThroughputExceeded|SlowDown/i
// Thrown before anything is sent.
const OURS = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ProviderError',
  'ParamValidationError',
])

/**
 * What an error of the AWS SDK for JavaScript v3 says: throttling, 5xx, time-outs, requests that never got an answer and
 * answers that break off are failures; any other answer, such as `ResourceNotFoundException`, is that of a service that is
 * well. Missing credentials are ignored.
 *
 * An abort has no answer here: use `breaker.run` and hand its signal on as `abortSignal`.
 *
 * @returns `undefined` for an error that is not the SDK's, which then is a failure, as without a classifier.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyAwsError } from 'recloser/classify'
 *
 * const orders = new CircuitBreaker({ name: 'orders', classifyError: classifyAwsError })
 * ```
 */
export function classifyAwsError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const { name, $metadata, $fault } = (error ?? {}) as {
    name?: unknown
    $metadata?: unknown
    $fault?: unknown
  }
  if (typeof name !== 'string' || name === 'AbortError') return undefined
  if (OURS.has(name)) return 'ignored'
  if (typeof $metadata !== 'object' || $metadata === null) return undefined
  if (THROTTLED.test(name)) return 'failure'
  const { httpStatusCode: status } = $metadata as { httpStatusCode?: unknown }
  // An error with the status of a good answer is one that could not be read.
  if (typeof status === 'number' && status >= 300) return classifyHttpStatus(status)
  return $fault === 'client' ? 'success' : 'failure'
}
