import { isCircuitBreakerError } from '../../base/errors.ts'
import { isObject } from '../../base/validate.ts'
import { classifyNetworkError } from '../classify/network.ts'

// The errors that the SDK and its providers throw without sending a request.
const NEVER_SENT =
  /^AI_(InvalidArgument|InvalidPrompt|LoadAPIKey|LoadSetting|NoSuchModel|NoSuchProvider|NoSuchProviderReference|UnsupportedFunctionality|UnsupportedModelVersion)Error$/
// The names that providers give to errors. Once a stream has begun, there is no status any more.
const OVERLOAD = /overload|rate.?limit|throttl|quota|exhausted|unavailable|capacity/i
const CALLER_ERRORS =
  /^(invalid_request|invalid_prompt|invalid_argument|authentication|permission|permission_denied|not_found|request_too_large|context_length_exceeded|string_above_max_length)(_error)?$/i
const FILTERED = /content.?(filter|policy)|moderation|safety|responsible.?ai/i

/**
 * The meaning of an error of a model: `'request'` if the request itself was at fault, `'access'` if this model refuses
 * this caller (401, 403, 404 and the like), `'failure'` if the provider is down or overloaded, `'rejected'` if a
 * circuit rejected the call, and `'local'` if no request was sent or this machine ran out of resources.
 */
export type Meaning = 'request' | 'access' | 'failure' | 'rejected' | 'local'

// Malformed or filtered, too large, and unprocessable.
const REQUEST_STATUSES = new Set([400, 413, 422])

export function meaningOf(error: unknown): Meaning {
  if (isCircuitBreakerError(error)) return 'rejected'
  const status = statusOf(error)
  const kinds = kindsOf(error)
  if (status !== undefined && status >= 400) {
    if (status >= 500 || status === 429 || status === 408) return 'failure'
    if (kinds.some((kind) => OVERLOAD.test(kind))) return 'failure'
    return REQUEST_STATUSES.has(status) ? 'request' : 'access'
  }
  if (kinds.some((kind) => FILTERED.test(kind))) return 'request'
  if (kinds.some((kind) => CALLER_ERRORS.test(kind))) {
    return kinds.some((kind) => /^(authentication|permission|not_found)/i.test(kind)) ? 'access' : 'request'
  }
  if (isObject(error) && NEVER_SENT.test(String(error['name']))) return 'local'
  return classifyNetworkError(error) === 'ignored' ? 'local' : 'failure'
}

/** Returns the status in an `APICallError` or an error of the AI Gateway. */
function statusOf(error: unknown): number | undefined {
  if (!isObject(error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' ? statusCode : undefined
}

/**
 * Returns the names that the provider gives to an error: `type`, `code` and `status` of the error itself, of the
 * response body in `data`, and of a nested `error`. Errors in a stream are often such plain objects, or their JSON
 * text.
 */
function kindsOf(error: unknown): string[] {
  const kinds: string[] = []
  const collect = (value: unknown, depth: number): void => {
    if (!isObject(value) || depth > 3) return
    for (const name of ['type', 'code', 'status'] as const) {
      if (typeof value[name] === 'string') kinds.push(value[name])
    }
    collect(value['data'], depth + 1)
    collect(value['error'], depth + 1)
  }
  collect(typeof error === 'string' ? parse(error) : error, 0)
  return kinds
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
