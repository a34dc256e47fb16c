import { kindOf, textOf } from '../../storage/redis/failure.ts'
import { isObject } from '../../base/validate.ts'
import { Failure } from '../base/command.ts'
import { printable } from '../base/text.ts'
import { showServer, type RedisAddress } from './address.ts'

type Reason = readonly [what: string, advice: string]

const REASONS: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: ['nothing listens there', 'Is the server running, and is it the right port?'],
  ENOTFOUND: ['the host name is not known', 'Check its spelling.'],
  EAI_AGAIN: ['the host name cannot be looked up now', 'Check the network and the spelling.'],
  ECONNRESET: ['the connection was cut', 'Is it redis:// where it should be rediss://, or the reverse?'],
  ETIMEDOUT: ['it does not answer', 'Is a firewall in between?'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['what answers does not speak TLS', 'Is it redis:// rather than rediss://?'],
}

/** There was no answer in time. */
export class SilenceError extends Error {
  constructor(patience: number) {
    super(`it does not answer within ${patience / 1_000} s`)
  }
}

const TLS = /CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO_/

/** What the command line needs to be allowed (F29): `ACL SETUSER operator on >PASSWORD` and this. */
export function neededAcl(prefix: string, database = 0): string {
  const inside = '+time +hgetall +hset +hdel +pexpire +persist +publish'
  const rules = `resetkeys resetchannels -@all ~${prefix}:* &${prefix} +scan +cluster|slots +eval ${inside}`
  return database === 0 ? rules : `${rules} +select`
}

/** Why the server has not done what was asked, in a sentence, and what can be done. `prefix` has the version in it. */
export function explainRedis(error: unknown, server: RedisAddress, prefix: string): Failure {
  const where = showServer(server)
  const said = printable(textOf(error)).slice(0, 300)
  const failure = (message: string, advice = ''): Failure => new Failure(message, advice, { cause: error })
  const kind = kindOf(error)
  if (kind === 'lost') return unreachable(error, where, server.tls, said)
  switch (kind) {
    case 'credentials':
      return failure(
        `${where} does not let us in: ${said}`,
        'The URL takes a user and a password: redis://user:password@host. A password may also stand in REDISCLI_AUTH.',
      )
    case 'denied':
      return failure(
        `${where} does not let this user do that: ${said}`,
        `An administrator can give what is needed: ACL SETUSER … ${neededAcl(prefix, server.database)}`,
      )
    case 'stale':
      return failure(
        `${where} is not, or not yet, the one to ask: ${said}`,
        'If it is a replica, give the URL of its master.',
      )
    case 'busy':
      return failure(`${where} cannot do that now: ${said}`, 'Try again in a moment.')
    case 'script':
    case 'refused':
  }
  const sentinel = /^-?ERR unknown command/i.test(said)
  return failure(
    `${where} refused: ${said}`,
    sentinel ? "If it is a Sentinel, add --sentinel with its master's name." : '',
  )
}

function unreachable(error: unknown, where: string, tls: boolean, said: string): Failure {
  const [what, advice] = whyLost(error, tls, said)
  return new Failure(`Cannot reach ${where}: ${what}.`, advice, { cause: error })
}

function whyLost(error: unknown, tls: boolean, said: string): Reason {
  const code = isObject(error) && typeof error['code'] === 'string' ? error['code'] : ''
  if (Object.hasOwn(REASONS, code)) return REASONS[code]!
  if (TLS.test(code)) {
    const advice = 'For a certificate of your own authority, set NODE_EXTRA_CA_CERTS to its file.'
    return [`its certificate is not trusted (${code})`, advice]
  }
  const scheme = tls ? 'redis:// rather than rediss://' : 'rediss:// rather than redis://'
  if (error instanceof SilenceError) {
    return [
      said,
      `Is the server stopped or busy, ${tls ? `is it ${scheme}, ` : ''}or is a firewall in between?`,
    ]
  }
  return [said || 'no reason was given', `Is it ${scheme}?`]
}
