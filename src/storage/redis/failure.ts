import { isObject } from '../../base/validate.ts'
import { renderError } from '../../base/error-sink.ts'
import { StorageUnavailableError } from '../contract/errors.ts'
import type { Unusable } from '../contract/replies.ts'

/**
 * What an error of a client means. `'script'`: the server does not have the script; `'denied'`: the user may not use
 * this key, channel or command; `'credentials'`: the login was refused; `'stale'`: the server cannot serve us, or not
 * yet, as while it loads its data; `'busy'`: the server cannot execute any command now; `'full'`: it has no memory left;
 * `'readonly'`: it accepts no writes; `'refused'`: any other error reply; `'misfits'`: something falsifies the replies;
 * `'lost'`: no reply.
 */
export type Failure =
  | 'script'
  | 'denied'
  | 'credentials'
  | 'stale'
  | 'busy'
  | 'full'
  | 'readonly'
  | 'refused'
  | 'misfits'
  | 'lost'

const KINDS: readonly (readonly [kind: Failure, pattern: RegExp])[] = [
  ['script', /^NOSCRIPT /],
  ['credentials', /^(NOAUTH|WRONGPASS) |^ERR (invalid password|.*AUTH.*without any password)/i],
  ['denied', /^NOPERM |ACL failure in script|can't (run this command|access at least one of the keys)/],
  ['full', /^OOM |: -OOM /],
  ['readonly', /^READONLY |: -READONLY /],
  ['stale', /^(LOADING|MASTERDOWN|UNBLOCKED) /],
  ['busy', /^(BUSY|CLUSTERDOWN|TRYAGAIN|MOVED|ASK) /],
  ['refused', /^-?[A-Z]{3,} /],
]

/** A reply on a connection does not fit its command (F22b). */
export class MisfitsError extends Error {
  /** Whether this goes on with fresh connections. */
  readonly isLasting: boolean

  constructor(isLasting: boolean) {
    super('a reply does not belong to its command')
    this.isLasting = isLasting
  }
}

/** Returns an error's message. That of an `AggregateError`, as for a host with two addresses, is often empty. */
export function textOf(error: unknown): string {
  if (!isObject(error)) return renderError(error)
  const { message, errors, code } = error
  if (typeof message === 'string' && message !== '') return message
  if (Array.isArray(errors) && errors.length > 0) return errors.map(textOf).join('; ')
  return typeof code === 'string' ? code : renderError(error)
}

export function kindOf(error: unknown): Failure {
  const text = textOf(error)
  if (error instanceof MisfitsError) return 'misfits'
  // The message of a system error may begin with capitals, too, but such an error has a `syscall`.
  if (isObject(error) && typeof error['syscall'] === 'string') return 'lost'
  return KINDS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'lost'
}

/** What a refusal says of a record: the server has answered, and other commands may work (F28b). */
const REFUSALS: Readonly<Partial<Record<Failure, Unusable['why']>>> = {
  denied: 'denied',
  full: 'full',
  readonly: 'readonly',
  refused: 'failed',
  script: 'failed',
}

/** Returns the reply that an error of the server amounts to, or `undefined` if it concerns more than the command. */
export function toRefusal(error: unknown): Unusable | undefined {
  const why = REFUSALS[kindOf(error)]
  if (why === undefined) return undefined
  return why === 'denied' ? { type: 'unusable', why } : { type: 'unusable', why, text: textOf(error) }
}

const MEANINGS: Readonly<Record<Failure, string>> = {
  script: 'Redis keeps losing the script',
  denied: 'Redis denies this user the script, its keys or its channel',
  credentials: 'Redis refused the credentials',
  stale: 'this Redis is not, or not yet, the right server',
  busy: 'Redis is busy',
  full: 'Redis is full',
  readonly: 'Redis accepts no writes',
  refused: 'Redis refused the command',
  misfits: 'something changes the replies of Redis on their way',
  lost: 'Redis cannot be reached',
}

/** Returns an error that says what the client's error means. */
export function unavailable(error: unknown): StorageUnavailableError {
  if (error instanceof StorageUnavailableError) return error
  return new StorageUnavailableError(`${MEANINGS[kindOf(error)]}: ${textOf(error)}`, { cause: error })
}
