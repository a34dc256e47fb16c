/**
 * What an entry point throws at its first use with a peer that is too old for it. An installation lets any version through:
 * it may be there for something else. The code keeps from trying again who goes by codes.
 */
export function tooOld(entry: string, expected: string, got: string, install: string): TypeError {
  const message = `Expected ${expected} for recloser/${entry}, got ${got}: npm install ${install}`
  return Object.assign(new TypeError(message), { code: 'UNSUPPORTED_PEER' })
}
