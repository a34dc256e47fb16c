import { UNHEALTHY } from './redis.ts'

// A processor throws these to tell its worker what to do with the job.
const CONTROL = new Set([
  'DelayedError',
  'RateLimitError',
  'UnrecoverableError',
  'WaitingChildrenError',
  'WaitingError',
])

/**
 * Classifies an error of BullMQ. Errors of Redis, such as when a job is added, are classified as by
 * `classifyRedisError`. `DelayedError`, `RateLimitError`, `WaitingChildrenError`, `WaitingError` and
 * `UnrecoverableError`, by which a processor controls its job, are ignored.
 *
 * @returns the outcome, or `undefined` for any other error. The breaker then counts a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyBullMQError } from 'recloser/classify'
 *
 * const mailer = new CircuitBreaker({ name: 'mailer', classifyError: classifyBullMQError })
 * ```
 */
export function classifyBullMQError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown }
  if (CONTROL.has(String(name))) return 'ignored'
  if (name === 'MaxRetriesPerRequestError' || name === 'ClusterAllFailedError') return 'failure'
  if (name !== 'ReplyError' || typeof message !== 'string') return undefined
  return UNHEALTHY.test(message) ? 'failure' : 'success'
}
