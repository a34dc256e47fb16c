/** What has happened, and what to do. */
export type Reason = readonly [reason: string, advice: string]

/** How messages describe a kind of server. */
export interface Kind {
  readonly name: string
  /** The beginning of its URLs without TLS. */
  readonly plain: string
  /** The beginning of its URLs with TLS. */
  readonly secure: string
}

/** Explains why a server cannot be reached, by the code of the error. Returns `undefined` if the code does not tell. */
export function whyUnreachable(code: string, kind: Kind): Reason | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return ['nothing listens there', `Is the ${kind.name} running, and is it the right port?`]
    case 'ENOTFOUND':
      return ['the host name is not known', 'Check its spelling.']
    case 'EAI_AGAIN':
      return ['the host name cannot be looked up now', 'Check the network and the spelling.']
    case 'ECONNRESET':
      return connectionCut(kind)
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return ['what answers does not speak TLS', `Is it ${kind.plain} rather than ${kind.secure}?`]
  }
  if (!/CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO_/.test(code)) return undefined
  const advice = 'For a certificate of your own authority, set NODE_EXTRA_CA_CERTS to its file.'
  return [`its certificate is not trusted (${code})`, advice]
}

export function connectionCut({ plain, secure }: Kind): Reason {
  return ['the connection was cut', `Is it ${plain} where it should be ${secure}, or the reverse?`]
}
