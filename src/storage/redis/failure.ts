import { isObject } from '../../base/validate.ts'
import { renderError } from '../../base/error-sink.ts'
import { StorageUnavailableError } from '../contract/errors.ts'

/**
 * What an error of a client means. `'script'`: the server has not got the script; `'denied'`: it does not let us use
 * this key or command; `'credentials'`: it does not let us in; `'stale'`: it is not, or not yet, the one to ask;
 * `'busy'`: it has no time; `'refused'`: another answer that is none; `'lost'`: there was no answer.
 */
export type Failure = 'script' | 'denied' | 'credentials' | 'stale' | 'busy' | 'refused' | 'lost'

const KINDS: readonly (readonly [kind: Failure, pattern: RegExp])[] = [
  ['script', /^NOSCRIPT /],
  ['credentials', /^(NOAUTH|WRONGPASS) |^ERR (invalid password|.*AUTH.*without any password)/i],
  ['denied', /^NOPERM |ACL failure in script|can't (run this command|access at least one of the keys)/],
  ['stale', /^(READONLY|LOADING|MASTERDOWN|UNBLOCKED) /],
  ['busy', /^(BUSY|CLUSTERDOWN|TRYAGAIN|MOVED|ASK) /],
  ['refused', /^-?[A-Z]{3,} /],
]

/** What an error says. One that stands for several, as of a host with two addresses, may say nothing itself. */
export function textOf(error: unknown): string {
  if (!isObject(error)) return renderError(error)
  const { message, errors, code } = error
  if (typeof message === 'string' && message !== '') return message
  if (Array.isArray(errors) && errors.length > 0) return errors.map(textOf).join('; ')
  return typeof code === 'string' ? code : renderError(error)
}

export function kindOf(error: unknown): Failure {
  const text = textOf(error)
  // What the system says begins with capitals too, now and then; it has a code.
  if (isObject(error) && typeof error['syscall'] === 'string') return 'lost'
  return KINDS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'lost'
}

const MEANINGS: Readonly<Record<Failure, string>> = {
  script: 'Redis loses the script again and again',
  denied: 'Redis does not let this user run the script on our keys, or use our channel',
  credentials: 'Redis refused the credentials',
  stale: 'this Redis is not, or not yet, the one to ask',
  busy: 'Redis has no time for us',
  refused: 'Redis refused the command',
  lost: 'Redis cannot be reached',
}

/** One clear error, whatever the client said. */
export function unavailable(error: unknown): StorageUnavailableError {
  if (error instanceof StorageUnavailableError) return error
  return new StorageUnavailableError(`${MEANINGS[kindOf(error)]}: ${textOf(error)}`, { cause: error })
}
