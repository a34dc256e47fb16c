/**
 * Creates the error that an entry point throws when it is first used with a peer that is too old. `npm install` accepts
 * any version of a peer, since the project may need it for something else. Its `code` keeps callers from retrying it.
 */
export function tooOld(entry: string, expected: string, got: string, install: string): TypeError {
  const message = `Expected ${expected} for recloser/${entry}, got ${got}: npm install ${install}`
  return Object.assign(new TypeError(message), { code: 'UNSUPPORTED_PEER' })
}
