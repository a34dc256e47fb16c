import { classifyHttpStatus } from './http-status.ts'

// Services report throttling by the name of the error, most of them with status 400.
const THROTTLED = /throttl|^(Bandwidth|Request)?LimitExceeded|TooManyRequests|ThroughputExceeded|SlowDown/i
// Thrown before a request is sent.
const NOT_SENT = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ProviderError',
  'ParamValidationError',
])

/**
 * Classifies an error of the AWS SDK for JavaScript v3. Throttling, 5xx, timeouts, and responses that are missing or
 * break off are failures. Missing credentials and invalid parameters are ignored. Any other response, such as
 * `ResourceNotFoundException`, is a success: the service is healthy.
 *
 * Aborts are not classified: use `breaker.run`, and pass its signal to the client as `abortSignal`.
 *
 * @returns the outcome, or `undefined` for an error that is not the SDK's. The breaker then counts a failure.
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
  if (NOT_SENT.has(name)) return 'ignored'
  if (typeof $metadata !== 'object' || $metadata === null) return undefined
  if (THROTTLED.test(name)) return 'failure'
  const { httpStatusCode: status } = $metadata as { httpStatusCode?: unknown }
  // An error with a 2xx status is a response that broke off or could not be parsed.
  if (typeof status === 'number' && status >= 300) return classifyHttpStatus(status)
  return $fault === 'client' ? 'success' : 'failure'
}
