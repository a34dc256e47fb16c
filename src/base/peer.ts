/**
 * What an entry point throws at its first use with a peer that is too old for it. An installation accepts any version: the
 * project may use it for something else. Callers that retry by `code` do not retry this one.
 */
export function tooOld(entry: string, expected: string, got: string, install: string): TypeError {
  const message = `Expected ${expected} for recloser/${entry}, got ${got}: npm install ${install}`
  return Object.assign(new TypeError(message), { code: 'UNSUPPORTED_PEER' })
}
