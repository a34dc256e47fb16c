import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isStorageUnavailableError } from '../../../src/storage/redis/index.ts'
import { manualChange } from '../../../src/testing/storage-kit/commands.ts'
import { MINIMAL } from './support/acl.ts'
import { allFamilies } from './support/clients.ts'
import { eventually, exchanges, host, Member } from './support/fleet-member.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect } from './support/script-storage.ts'

/** Creates a self-signed certificate. */
function certify(dir: string, name: string): { cert: string; key: string } {
  const [cert, key] = [`${name}.crt`, `${name}.key`].map((file) => join(dir, file)) as [string, string]
  const what = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  execFileSync('openssl', ['req', ...form, '-keyout', key, '-out', cert, ...what], { stdio: 'ignore' })
  return { cert, key }
}

const families = await allFamilies()

describe('RedisStorage over TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'recloser-tls-'))
  const own = certify(dir, 'own')
  const other = certify(dir, 'other')
  const trusted = readFileSync(own.cert, 'utf8')
  let server: RedisServer
  let url: string

  before(async () => {
    const port = await freePort()
    const files = ['--tls-cert-file', own.cert, '--tls-key-file', own.key]
    server = await startRedis('--tls-port', String(port), ...files, '--tls-auth-clients', 'no')
    url = `rediss://fleet:secret@127.0.0.1:${port}`
    const admin = await connect(server.url)
    await admin.aclSetUser('fleet', ['reset', 'on', '>secret', ...MINIMAL])
    admin.destroy()
  })
  after(async () => {
    await server.stop()
    rmSync(dir, { recursive: true })
  })

  for (const { name, tls } of families) {
    const member = (ca: string): Member => new Member({ single: (url) => tls(url, ca) }, url)

    it(`works with ${name}, commands and hints, as a user with the minimal rights`, async () => {
      const ours = member(trusted)
      try {
        await ours.listen()
        await exchanges(ours.storage)
        const own = name.replace(' ', '-')
        const isolated = await ours.storage.change(own, manualChange(host, own, { to: 'isolated' }))
        assert.equal(isolated.type, 'changed')
        await eventually(() => ours.hints.length > 0, 'a hint')
        assert.deepEqual(ours.log, [])
      } finally {
        await ours.end()
      }
    })

    it(`is one clear error with ${name}, if the certificate is not trusted`, async () => {
      const stranger = member(readFileSync(other.cert, 'utf8'))
      try {
        await assert.rejects(exchanges(stranger.storage), (error) => {
          assert.ok(isStorageUnavailableError(error))
          assert.match(error.message, /^Redis cannot be reached: .*certificate/)
          return true
        })
        assert.equal(stranger.log.length, 1)
      } finally {
        await stranger.end()
      }
    })
  }
})
