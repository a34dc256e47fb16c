import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { whyUnreachable } from '../../../../src/cli/base/unreachable.ts'
import { explainError } from '../../../../src/cli/client/explain.ts'
import { explainRedis } from '../../../../src/cli/fleet/explain.ts'

const url = new URL('http://host/')
const server = {
  host: 'host',
  port: 1,
  tls: false,
  username: undefined,
  password: undefined,
  database: 0,
} as const

describe('a server that cannot be reached', () => {
  for (const [code, reason, ofDashboard, ofStore] of [
    [
      'ECONNREFUSED',
      'nothing listens there',
      'Is the program running, and is it the right port?',
      'Is the server running, and is it the right port?',
    ],
    ['ENOTFOUND', 'the host name is not known', 'Check its spelling.', 'Check its spelling.'],
    [
      'ECONNRESET',
      'the connection was cut',
      'Is it http:// where it should be https://, or the reverse?',
      'Is it redis:// where it should be rediss://, or the reverse?',
    ],
    [
      'ETIMEDOUT',
      'it does not answer',
      'Is the program busy, or a firewall in between?',
      'Is a firewall in between?',
    ],
    [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'what answers does not speak TLS',
      'Is it http:// rather than https://?',
      'Is it redis:// rather than rediss://?',
    ],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)',
      'For a certificate of your own authority, set NODE_EXTRA_CA_CERTS to its file.',
      'For a certificate of your own authority, set NODE_EXTRA_CA_CERTS to its file.',
    ],
  ] as const) {
    it(`${code}: ${reason}`, () => {
      const error = Object.assign(new Error('connect'), { code })
      const dashboard = explainError(new TypeError('fetch failed', { cause: error }), url)
      assert.equal(dashboard.message, `Cannot reach http://host/: ${reason}.`)
      assert.equal(dashboard.advice, ofDashboard)
      const store = explainRedis(error, server, 'recloser:2')
      assert.equal(store.message, `Cannot reach redis://host:1: ${reason}.`)
      assert.equal(store.advice, ofStore)
    })
  }

  it('gives no reason for an error without a known code', () => {
    const kind = { name: 'server', plain: 'a', secure: 'b' }
    assert.equal(whyUnreachable('', kind), undefined)
    assert.equal(whyUnreachable('constructor', kind), undefined)
  })
})
