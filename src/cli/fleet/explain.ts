import { kindOf, textOf } from '../../storage/redis/failure.ts'
import { isObject } from '../../base/validate.ts'
import { Failure } from '../base/command.ts'
import { printable } from '../base/text.ts'
import { whyUnreachable, type Kind, type Reason } from '../base/unreachable.ts'
import { showServer, type RedisAddress } from './address.ts'

const STORE: Kind = { name: 'server', plain: 'redis://', secure: 'rediss://' }

/** The server did not answer in time. */
export class SilenceError extends Error {
  constructor(patience: number) {
    super(`it does not answer within ${patience / 1_000} s`)
  }
}

/** Returns the ACL rules that the command line needs (F29), to follow `ACL SETUSER operator on >PASSWORD`. */
export function neededAcl(prefix: string, database = 0): string {
  const inside = '+time +hgetall +hmget +hlen +hset +hdel +pexpire +persist +publish'
  const rules = `resetkeys resetchannels -@all ~${prefix}:* &${prefix} +scan +cluster|slots +eval ${inside}`
  return database === 0 ? rules : `${rules} +select`
}

/** Explains why a server has failed or refused, and what to do. `prefix` includes the version of the protocol. */
export function explainRedis(error: unknown, server: RedisAddress, prefix: string): Failure {
  const where = showServer(server)
  const said = printable(textOf(error))
  const failure = (message: string, advice = ''): Failure => new Failure(message, advice, { cause: error })
  const kind = kindOf(error)
  if (kind === 'lost') return unreachable(error, where, server.tls, said)
  switch (kind) {
    case 'credentials':
      return failure(
        `${where} rejects the credentials: ${said}`,
        'The URL takes a user and a password: redis://user:password@host. The password may also be in REDISCLI_AUTH.',
      )
    case 'denied':
      return failure(
        `${where} denies this user the command: ${said}`,
        `An administrator can grant what is needed: ACL SETUSER … ${neededAcl(prefix, server.database)}`,
      )
    case 'stale':
    case 'readonly':
      return failure(
        `${where} is not, or not yet, the right server: ${said}`,
        'If it is a replica, give the URL of its master.',
      )
    case 'busy':
      return failure(`${where} cannot execute the command now: ${said}`, 'Try again in a moment.')
    case 'script':
    case 'full':
    case 'refused':
    case 'misfits':
  }
  const sentinel = /^-?ERR unknown command/i.test(said)
  return failure(
    `${where} refused: ${said}`,
    sentinel ? "If it is a Sentinel, add --sentinel with its master's name." : '',
  )
}

function unreachable(error: unknown, where: string, tls: boolean, said: string): Failure {
  const [reason, advice] = whyLost(error, tls, said)
  return new Failure(`Cannot reach ${where}: ${reason}.`, advice, { cause: error })
}

function whyLost(error: unknown, tls: boolean, said: string): Reason {
  const code = isObject(error) && typeof error['code'] === 'string' ? error['code'] : ''
  if (code === 'ETIMEDOUT') return ['it does not answer', 'Is a firewall in between?']
  const reason = whyUnreachable(code, STORE)
  if (reason) return reason
  const scheme = tls ? 'redis:// rather than rediss://' : 'rediss:// rather than redis://'
  if (error instanceof SilenceError) {
    return [
      said,
      `Is the server stopped or busy, ${tls ? `is it ${scheme}, ` : ''}or is a firewall in between?`,
    ]
  }
  return [said || 'no reason was given', `Is it ${scheme}?`]
}
