import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { after, before, beforeEach, describe, it } from 'node:test'
import { allFamilies } from './support/clients.ts'
import { Project, type Ended } from './support/command-line.ts'
import { blankRecord } from '../../../src/storage/reducer/record.ts'
import { toIsolated } from '../../../src/storage/reducer/transition.ts'
import { toFields } from '../../../src/storage/redis/fields.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const families = await allFamilies()

const COMMANDS = [['isolate'], ['open', '--for', '30s'], ['half-open'], ['close']] as const

const isolated = toFields(toIsolated(blankRecord(1), { epoch: 1, since: 1, reason: 'manual', by: '' }, 0))
const stateOf = async (project: Project): Promise<unknown> => {
  const { out } = await project.recloser('fleet', '--json')
  return (JSON.parse(out) as { breakers: { state: unknown }[] }).breakers[0]?.state
}

/** Asserts that the command printed one clear message and ended with exit code 1. */
function assertRefused({ code, out, err }: Ended, message: RegExp): void {
  assert.deepEqual([code, out], [1, ''], err)
  assert.match(err, message)
  assert.ok(err.length < 900, err)
  assert.doesNotMatch(err, /secret|wrong-one|\n {4}at /)
}

for (const family of families) {
  describe(`recloser fleet with ${family.name}, when something is wrong:`, () => {
    let server: RedisServer
    let admin: Client
    let project: Project

    before(async () => {
      server = await startRedis()
      admin = await connect(server.url)
      project = new Project(family.name, { REDIS_URL: server.url })
    })
    beforeEach(async () => void (await admin.flushAll()))
    after(async () => {
      admin.destroy()
      await server.stop()
      project.remove()
    })

    const at = (url: string, ...args: readonly string[]): Promise<Ended> =>
      project.recloser('fleet', ...args, '--redis', url)

    it('nothing listens there', async () => {
      const port = await freePort()
      const message = new RegExp(
        `^recloser: Cannot reach redis://127.0.0.1:${port}: nothing listens there\\.\nIs the`,
      )
      assertRefused(await at(`redis://me:secret@127.0.0.1:${port}`), message)
      assertRefused(await at(`redis://127.0.0.1:${port}`, 'isolate', 'payments'), message)
    })

    it('the host name is unknown', async () => {
      const message =
        /^recloser: Cannot reach redis:\/\/nowhere\.invalid:6379: the host name (is not known|cannot be)/
      assertRefused(await at('redis://nowhere.invalid'), message)
    })

    it('something else listens there', async () => {
      const other = createServer((_request, response) => void response.end('hello')).listen(0, '127.0.0.1')
      await new Promise((resolve) => other.once('listening', resolve))
      const { port } = other.address() as AddressInfo
      assertRefused(await at(`redis://127.0.0.1:${port}`), /^recloser: .*127\.0\.0\.1:\d+/)
      other.closeAllConnections()
      other.close()
    })

    it('the password is wrong, or missing', async () => {
      await admin.aclSetUser('operator', ['reset', 'on', '>secret', '+@all', '~*', '&*'])
      const { port } = server
      const message =
        /^recloser: redis:\/\/127\.0\.0\.1:\d+ rejects the credentials: WRONGPASS .*\nThe URL takes a user/
      assertRefused(await at(`redis://operator:wrong-one@127.0.0.1:${port}`), message)
      assertRefused(await at(`redis://operator:wrong-one@127.0.0.1:${port}`, 'close', 'payments'), message)
      const right = new Project(family.name, { REDISCLI_AUTH: 'secret' })
      const { code } = await right.recloser('fleet', '--redis', `redis://operator@127.0.0.1:${port}`)
      assert.equal(code, 0)
      right.remove()
      await admin.aclSetUser('default', ['resetpass', '>secret'])
      try {
        assertRefused(await at(server.url), /rejects the credentials: (NOAUTH|.*HELLO) /)
      } finally {
        await admin.aclSetUser('default', ['nopass'])
      }
    })

    it('the user lacks a right: the message contains the ACL that is needed', async () => {
      await admin.aclSetUser('reader', ['reset', 'on', '>secret', '~*', '+hgetall', '+time'])
      await admin.hSet('recloser:2:{payments}', isolated)
      const url = server.url.replace('//', '//reader:secret@')
      const message =
        /denies this user the command: NOPERM .*\n.*ACL SETUSER … resetkeys .* \+scan \+cluster\|slots \+eval /
      assertRefused(await at(url), message)
      assertRefused(await at(url, 'close', 'payments'), message)
      assert.equal(await stateOf(project), 'isolated')
    })

    it('the server is a replica: the list can be read, and nothing changed', async () => {
      await admin.hSet('recloser:2:{payments}', isolated)
      await admin.replicaOf('127.0.0.1', 1)
      try {
        assert.equal((await at(server.url)).code, 0)
        const message =
          /is not, or not yet, the right server: READONLY .*\nIf it is a replica, give the URL of its master/
        assertRefused(await at(server.url, 'close', 'payments'), message)
      } finally {
        await admin.sendCommand(['REPLICAOF', 'NO', 'ONE'])
      }
    })

    it('F16: the stored record is foreign, newer or broken: it is left unchanged', async () => {
      await admin.set('recloser:2:{text}', 'of somebody else', { EX: 1_000 })
      await admin.hSet('recloser:2:{hash}', { of: 'somebody else' })
      await admin.hSet('recloser:2:{newer}', { recloser: '3', state: 'throttled' })
      await admin.hSet('recloser:2:{broken}', { recloser: '2', state: 'open', until: 'soon' })
      const names = ['text', 'hash', 'newer', 'broken'] as const
      const dump = (): Promise<unknown> =>
        Promise.all(names.map((name) => admin.sendCommand(['DUMP', `recloser:2:{${name}}`])))
      const before = await dump()
      const messages = {
        text: /the key recloser:2:\{text\} holds something that is not ours\. Nothing was written\.\nMove it away/,
        hash: /the key recloser:2:\{hash\} holds something that is not ours/,
        newer:
          /was written by a newer version of recloser\. .*\nUse that version, such as npx recloser@latest/,
        broken: /holds a record that makes no sense\. .*\nOnce it is deleted/,
      }
      for (const name of names)
        for (const [word, ...args] of COMMANDS)
          assertRefused(await project.recloser('fleet', word, name, '--new', ...args), messages[name])
      const { code, out } = await project.recloser('fleet')
      assert.equal(code, 0)
      assert.match(out, /\n\n4 breakers: 4 unusable\n$/)
      assert.deepEqual(await dump(), before)
      assert.ok((await admin.ttl('recloser:2:{text}')) > 900)
    })

    it('the name is unknown: similar ones are suggested, and nothing is written', async () => {
      for (const name of ['payments', 'search']) {
        const made = await project.recloser('fleet', 'isolate', name, '--new')
        assert.equal(made.code, 0, made.err)
      }
      const message =
        /There is no record of 'paymnets' at redis:.* \(recloser:2\)\.\nDid you mean 'payments'\? .* add --new\.\n$/
      for (const [word, ...args] of COMMANDS)
        assertRefused(await project.recloser('fleet', word, 'paymnets', ...args), message)
      const unknownName = await project.recloser('fleet', 'close', 'x'.repeat(10_000))
      assertRefused(
        unknownName,
        /There is no record of 'x{80}…' at .*\nA breaker that has made no call in the last minutes has none/,
      )
      const json = await project.recloser('fleet', 'close', 'zzz', '--json')
      assert.deepEqual([json.code, json.err], [1, ''])
      assert.deepEqual(Object.keys(JSON.parse(json.out) as object), ['error', 'advice'])
      assert.deepEqual((await admin.keys('*')).toSorted(), ['recloser:2:{payments}', 'recloser:2:{search}'])
      const elsewhere = await project.recloser('fleet', 'close', 'payments', '--prefix', 'shop')
      assertRefused(elsewhere, /There is no record of 'payments' at redis:.* \(shop:2\)/)
    })
  })
}

describe('recloser fleet and a server that hangs', { concurrency: true }, () => {
  for (const family of families) {
    it(`F9: fails, and reports what is unknown, with ${family.name}`, async () => {
      const server = await startRedis()
      const admin = await connect(server.url)
      const project = new Project(family.name, { REDIS_URL: server.url })
      try {
        assert.equal((await project.recloser('fleet', 'isolate', 'payments', '--new')).code, 0)
        await admin.sendCommand(['CLIENT', 'PAUSE', '60000', 'WRITE'])
        const closed = await project.recloser('fleet', 'close', 'payments')
        assertRefused(closed, /it does not answer.*\. Whether it was done is not known: list the fleet/)
        await admin.sendCommand(['CLIENT', 'UNPAUSE'])
        process.kill(server.pid, 'SIGSTOP')
        const started = performance.now()
        assertRefused(await project.recloser('fleet'), /^recloser: Cannot reach redis:.*: it does not answer/)
        assert.ok(performance.now() - started < 10_000)
      } finally {
        project.remove()
        admin.destroy()
        await server.stop()
      }
    })
  }
})
