import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Names } from '../../../src/storage/redis/names.ts'
import { allFamilies } from './support/clients.ts'
import { Project } from './support/command-line.ts'
import { eventually, Member } from './support/fleet-member.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const families = await allFamilies()

const newest = families.filter(({ name }) => name === 'node-redis 6' || name === 'ioredis 6')
const SLOTS = 16_384

describe('recloser fleet and a Cluster', () => {
  const servers: RedisServer[] = []
  const admins: Client[] = []

  before(async () => {
    for (let i = 0; i < 3; i++) {
      const bus = await freePort()
      const server = await startRedis('--cluster-enabled', 'yes', '--cluster-port', `${bus}`)
      const admin = await connect(server.url)
      await admin.sendCommand(['CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`])
      const [first, last] = [i, i + 1].map((each) => Math.floor((each * SLOTS) / 3))
      await admin.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', `${first}`, `${last! - 1}`])
      await admins[0]?.sendCommand(['CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${bus}`])
      servers.push(server)
      admins.push(admin)
    }
    const ready = async (admin: Client): Promise<boolean> => {
      const info = await admin.sendCommand<string>(['CLUSTER', 'INFO'])
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
    }
    await eventually(
      async () => (await Promise.all(admins.map(ready))).every(Boolean),
      'the cluster is whole',
    )
  })
  after(async () => {
    for (const admin of admins) admin.destroy()
    for (const server of servers) await server.stop()
  })

  for (const family of newest) {
    it(`finds the master of each record, and notifies all processes, with ${family.name}`, async () => {
      for (const admin of admins) await admin.flushAll()
      const project = new Project(family.name, { REDIS_URL: servers[0]!.url })
      const member = new Member({ single: () => family.cluster(servers.map(({ port }) => port)) }, '')
      try {
        await member.listen()
        const names = Array.from({ length: 12 }, (_, i) => `breaker-${i}`)
        for (const name of names) {
          const { code, err } = await project.recloser('fleet', 'isolate', name, '--new')
          assert.equal(code, 0, err)
        }
        for (const admin of admins) assert.ok((await admin.dbSize()) > 0)
        const { out } = await project.recloser('fleet')
        for (const name of names) assert.match(out, new RegExp(`^${name} +■ isolated`, 'm'))
        assert.match(out, /\n12 breakers: 12 isolated\n$/)
        await eventually(() => member.hints.length >= names.length, 'hints')
        const wrong = await project.recloser('fleet', 'close', 'braeker-11')
        assert.match(wrong.err, /Did you mean 'breaker-11'/)
      } finally {
        project.remove()
        await member.end()
      }
    })

    it(`follows a slot that is being migrated, with ${family.name}`, async () => {
      for (const admin of admins) await admin.flushAll()
      const project = new Project(family.name, { REDIS_URL: servers[2]!.url })
      const name = 'payments'
      const key = new Names('recloser').key(name)
      const slot = `${await admins[0]!.sendCommand<number>(['CLUSTER', 'KEYSLOT', key])}`
      const holder = Math.floor((Number(slot) * 3) / SLOTS)
      const [source, target] = [admins[holder]!, admins[(holder + 1) % 3]!]
      const [sourceId, targetId] = await Promise.all(
        [source, target].map((admin) => admin.sendCommand<string>(['CLUSTER', 'MYID'])),
      )
      await target.sendCommand(['CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId!])
      await source.sendCommand(['CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId!])
      try {
        const made = await project.recloser('fleet', 'isolate', name, '--new')
        assert.equal(made.code, 0, made.err)
        assert.deepEqual([await source.dbSize(), await target.dbSize()], [0, 1])
        assert.match((await project.recloser('fleet')).out, /^payments +■ isolated/m)
        assert.equal((await project.recloser('fleet', 'close', name)).code, 0)
      } finally {
        for (const admin of [source, target]) await admin.sendCommand(['CLUSTER', 'SETSLOT', slot, 'STABLE'])
        project.remove()
      }
    })
  }
})
