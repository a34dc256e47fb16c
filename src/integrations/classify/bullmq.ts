import { UNWELL } from './redis.ts'

// How a processor tells its worker what to do with the job.
const CONTROL = new Set([
  'DelayedError',
  'RateLimitError',
  'UnrecoverableError',
  'WaitingChildrenError',
  'WaitingError',
])

/**
 * What an error of BullMQ says. Adding jobs: as `classifyRedisError` has it. In a processor: `DelayedError`,
 * `RateLimitError`, `WaitingChildrenError`, `WaitingError` and `UnrecoverableError` speak to the worker about the job and
 * are ignored.
 *
 * @returns `undefined` for any other error, which then is a failure, as without a classifier.
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
  return UNWELL.test(message) ? 'failure' : 'success'
}
