import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, describe, it } from 'node:test'
import { neededAcl } from '../../../src/cli/fleet/explain.ts'
import { exchange, sender } from '../../../src/testing/storage-kit/commands.ts'
import { allFamilies } from './support/clients.ts'
import { Project } from './support/command-line.ts'
import { eventually, Member } from './support/fleet-member.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const families = await allFamilies()

const RULES = neededAcl('recloser:2').split(' ')
const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const GRANTED = RULES.slice(RULES.indexOf('-@all') + 1)

for (const family of families.filter(({ name }) => name === 'node-redis 6' || name === 'ioredis 6')) {
  describe(`the ACL of the command line with ${family.name}`, () => {
    let server: RedisServer
    let admin: Client
    let project: Project
    let member: Member

    before(async () => {
      server = await startRedis()
      admin = await connect(server.url)
      project = new Project(family.name, { REDIS_URL: server.url.replace('//', '//operator:secret@') })
      member = new Member(family, server.url, { deadline: 10_000 })
      await member.listen()
    })
    beforeEach(async () => {
      await admin.flushAll()
      member.hints.length = 0
    })
    after(async () => {
      await member.end()
      project.remove()
      admin.destroy()
      await server.stop()
    })

    /** Runs every command. Returns whether all succeeded, whether subscribers got the hint, and the error output. */
    async function runAll(
      rules: readonly string[],
    ): Promise<{ isFine: boolean; isListed: boolean; said: string }> {
      await admin.aclSetUser('operator', ['reset', 'on', '>secret', ...rules])
      const counts = exchange(sender('host'), { failures: 2 })
      assert.equal((await member.storage.exchange('payments', counts)).type, 'exchanged')
      let errors = ''
      for (const args of [
        [],
        ['open', 'payments', '--for', '1s'],
        ['isolate', 'payments'],
        ['half-open', 'payments'],
        ['close', 'payments'],
        ['isolate', 'search', '--new'],
      ]) {
        errors += (await project.recloser('fleet', ...args)).err
      }
      // Hints arrive in order: when this one has arrived, so have all earlier ones.
      await admin.publish('recloser:2', 'the-last 1')
      const names = (): unknown[] => member.hints.map((hint) => hint !== 'resync' && hint.name)
      await eventually(() => names().includes('the-last'), 'the last hint')
      return { isFine: errors === '', isListed: names().includes('payments'), said: errors }
    }

    it('F29: is sufficient', async () => {
      const { isFine, isListed, said } = await runAll(RULES)
      assert.ok(isFine && isListed, said)
    })

    for (const right of GRANTED) {
      it(`F29: is minimal: without ${right} something fails`, async () => {
        const { isFine, isListed } = await runAll(RULES.filter((rule) => rule !== right))
        assert.ok(!(isFine && isListed))
      })
    }

    it('F29: allows no other command, and no access to any other key', async () => {
      await admin.aclSetUser('operator', ['reset', 'on', '>secret', ...RULES])
      const operator = await connect(server.url.replace('//', '//operator:secret@'))
      try {
        const forbidden = [
          ['GET', 'recloser:2:{payments}'],
          ['HGETALL', 'customers'],
          ['DEL', 'recloser:2:{payments}'],
          ['CLUSTER', 'INFO'],
          ['PUBLISH', 'other', ''],
          ['CONFIG', 'GET', '*'],
          ['EVAL', "return redis.call('HGETALL', 'customers')", '0'],
        ]
        for (const command of forbidden)
          await assert.rejects(
            operator.sendCommand(command),
            /NOPERM|can't access at least one of the keys/,
            command.join(' '),
          )
      } finally {
        operator.destroy()
      }
    })
  })
}

describe('the ACL of the command line on a numbered database', () => {
  let server: RedisServer
  let admin: Client

  before(async () => {
    server = await startRedis()
    admin = await connect(server.url)
  })
  after(async () => {
    admin.destroy()
    await server.stop()
  })

  for (const { name } of families) {
    it(`F29: needs one more right, with ${name}`, async () => {
      const project = new Project(name, { REDIS_URL: `${server.url.replace('//', '//operator:secret@')}/2` })
      const allow = (rules: string): Promise<unknown> =>
        admin.aclSetUser('operator', ['reset', 'on', '>secret', ...rules.split(' ')])
      try {
        await allow(neededAcl('recloser:2', 2))
        const made = await project.recloser('fleet', 'isolate', 'payments', '--new')
        assert.equal(made.code, 0, made.err)
        assert.match((await project.recloser('fleet')).out, /payments .*isolated/)
        assert.deepEqual(await admin.keys('*'), [])
        await allow(neededAcl('recloser:2'))
        const { code, err } = await project.recloser('fleet')
        assert.equal(code, 1)
        assert.match(err, /NOPERM .*\n.* \+select\n$/)
      } finally {
        project.remove()
      }
    })
  }
})

describe('the README', () => {
  it('F29: has the ACL of the command line', () => {
    assert.ok(README.includes(`ACL SETUSER operator on >PASSWORD ${RULES.join(' ')}\n`))
  })
})
