import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  kindOf,
  textOf,
  toRefusal,
  unavailable,
  type Failure,
} from '../../../../src/storage/redis/failure.ts'

// In the words of Redis 7 and Valkey 8.
const texts: readonly (readonly [text: string, kind: Failure])[] = [
  ['NOSCRIPT No matching script.', 'script'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'credentials'],
  ['NOAUTH Authentication required.', 'credentials'],
  ["NOPERM this user has no permissions to run the 'evalsha' command", 'denied'],
  [
    "ERR The user executing the script can't run this command or subcommand script: 1, on @user_script:1.",
    'denied',
  ],
  [
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
    'denied',
  ],
  ["READONLY You can't write against a read only replica.", 'readonly'],
  ['LOADING Redis is loading the dataset in memory', 'stale'],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'busy'],
  ['CLUSTERDOWN The cluster is down', 'busy'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'full'],
  ['MISCONF Redis is configured to save RDB snapshots', 'refused'],
  ['ERR Error running script: @user_script:5: -OOM command not allowed', 'full'],
  ['Socket closed unexpectedly', 'lost'],
]

describe('F16: what an error of a client means', () => {
  for (const [text, kind] of texts) {
    it(`F16: ${kind}: ${text}`, () => {
      assert.equal(kindOf(new Error(text)), kind)
      const error = unavailable(new Error(text))
      assert.ok(error.message.endsWith(text), error.message)
    })
  }

  it('F16: an error of the system is not one of the server, whatever its text starts with', () => {
    const error = Object.assign(new Error('EACCES to the socket'), { syscall: 'connect' })
    assert.equal(kindOf(error), 'lost')
  })

  it('F28b: a refusal concerns one record and says why; any other error concerns the connection', () => {
    const kinds = texts.map(([text]) => [text, toRefusal(new Error(text))?.why] as const)
    const refused = kinds.filter(([, why]) => why !== undefined)
    assert.deepEqual(
      refused.map(([, why]) => why),
      ['failed', 'denied', 'denied', 'denied', 'readonly', 'full', 'failed', 'full'],
    )
    for (const [text, why] of refused)
      assert.equal(toRefusal(new Error(text))?.text, why === 'denied' ? undefined : text)
  })

  it('joins the texts of several errors where the error that wraps them has none', () => {
    const error = new AggregateError([new Error('connect ECONNREFUSED ::1:1'), { code: 'ETIMEDOUT' }], '')
    assert.equal(textOf(error), 'connect ECONNREFUSED ::1:1; ETIMEDOUT')
  })
})
