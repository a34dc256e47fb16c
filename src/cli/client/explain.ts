import { Failure } from '../base/command.ts'
import { printable } from '../base/text.ts'
import { connectionCut, whyUnreachable, type Kind, type Reason } from '../base/unreachable.ts'
import { showUrl } from './address.ts'

const DASHBOARD: Kind = { name: 'program', plain: 'http://', secure: 'https://' }
const SILENT: Reason = ['it does not answer', 'Is the program busy, or a firewall in between?']
const NO_HTTP: Reason = ['what answers does not speak HTTP', 'Is it the right port?']

/** Explains why a request has failed without an answer. */
export function explainError(error: unknown, url: URL): Failure {
  const [reason, advice] = reasonOf(error)
  return new Failure(`Cannot reach ${showUrl(url)}: ${reason}.`, advice, { cause: error })
}

function reasonOf(error: unknown): Reason {
  if (!(error instanceof Error)) return [printable(String(error)), '']
  if (error.name === 'TimeoutError') return SILENT
  // Some versions of Node give it no code.
  if (error.name === 'HTTPParserError') return /EOF/.test(error.message) ? connectionCut(DASHBOARD) : NO_HTTP
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'UND_ERR_SOCKET') return connectionCut(DASHBOARD)
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') return SILENT
  const reason = whyUnreachable(code, DASHBOARD)
  if (reason) return reason
  if (error.message === 'bad port')
    return ['fetch refuses that port', 'Let the program listen on another one.']
  // fetch says no more than "fetch failed". The `cause` has the reason.
  if (error.cause instanceof Error) return reasonOf(error.cause)
  return [printable(error.message), '']
}

/** Explains the status of an answer. `said` is the server's own message, `''` if it sent none. */
export function explainStatus(status: number, said: string, url: URL, location: string | null): Failure {
  const where = showUrl(url)
  const detail = said === '' ? '' : `: ${printable(said)}`
  if (status >= 300 && status < 400) {
    const target =
      location === null ? undefined : URL.canParse(location, url) ? new URL(location, url) : undefined
    const advice = 'Give the address that it leads to; if that is a login, pass --header.'
    const to = target === undefined ? '' : ` to ${showUrl(target)}`
    return new Failure(`${where} redirects${to} (${status}).`, advice)
  }
  if (status === 401) {
    return new Failure(
      `${where} requires authentication (401${detail}).`,
      "Pass --header 'Authorization: …'.",
    )
  }
  if (status === 403) {
    const advice =
      "Pass --header 'NAME: VALUE' with what its `authorize` expects; a dashboard without one is read-only."
    return new Failure(`${where} denies the request (403${detail}).`, advice)
  }
  if (status === 429 || status === 503) {
    return new Failure(`${where} is too busy (${status}${detail}).`, 'Try again in a moment.')
  }
  if (status >= 500) return new Failure(`${where} failed (${status}${detail}).`, 'See its logs.')
  return new Failure(`${where} refuses (${status}${detail}).`)
}

/** Explains that something other than a dashboard has answered. */
export function notADashboard(url: URL, got: string): Failure {
  return new Failure(
    `There is no recloser dashboard at ${showUrl(url)}: it answered with ${got}.`,
    'Give the address at which the program mounts createDashboard(…), such as http://127.0.0.1:3000/breakers.',
  )
}
