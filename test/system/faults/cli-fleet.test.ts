import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { RedisStorage } from '../../../src/storage/redis/index.ts'
import { acquire, manualChange, exchange, sender, trip } from '../../../src/testing/storage-kit/commands.ts'
import { allFamilies } from './support/clients.ts'
import { Project } from './support/command-line.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const families = await allFamilies()

const hostA = sender('host-a')
const hostB = sender('host-b')

for (const family of families) {
  describe(`recloser fleet with ${family.name}`, () => {
    let server: RedisServer
    let admin: Client
    let project: Project
    let storage: RedisStorage

    before(async () => {
      server = await startRedis()
      admin = await connect(server.url)
      project = new Project(family.name, { REDIS_URL: server.url })
      storage = new RedisStorage({ client: () => family.single(server.url), deadline: 10_000 })
    })
    beforeEach(async () => void (await admin.flushAll()))
    after(async () => {
      await storage[Symbol.asyncDispose]()
      project.remove()
      admin.destroy()
      await server.stop()
    })

    it('lists state, time left, scope, reporters, reason and author, the worst first', async () => {
      await storage.exchange('search', exchange(hostA, { failures: 1 }))
      await storage.exchange('search', exchange(hostB, { failures: 2 }))
      await storage.exchange('prices', exchange(hostA, { successes: 3 }))
      await storage.exchange('payments', exchange(hostA, { failures: 5 }))
      await storage.change('payments', trip(hostA, 0, 90_000))
      await storage.change('stock', manualChange(hostB, '1', { to: 'isolated' }))
      const opened = await storage.change('reviews', manualChange(hostA, '1', { to: 'open', openFor: 0 }))
      assert.ok(opened.type === 'changed')
      const knows = { ...hostA, state: 'open', epoch: opened.record.epoch } as const
      await storage.acquire('reviews', acquire(knows, 'n'))

      const { code, out, err } = await project.recloser('fleet')
      assert.deepEqual([code, err], [0, ''])
      const lines = out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' / '))
      const ago = String.raw`(just now|\d+ s ago)`
      for (const [i, line] of [
        'breaker / state / left / scope / reporters / reason / by / since / reported',
        String.raw`payments / ✖ open / 1 min \d\d s / fleet / – / failureRate / host-a / ${ago}`,
        `stock / ■ isolated / held / fleet / – / maintenance / operator on host-b / ${ago}`,
        `reviews / ◐ half-open / probing / fleet / – / maintenance / host-a / ${ago}`,
        'prices / ● closed / local / 0 / <1 min ago',
        'search / ● closed / local / 2 / <1 min ago',
        '',
        '5 breakers: 1 open, 1 isolated, 1 half-open, 2 closed',
        '',
      ].entries())
        assert.match(lines[i]!, new RegExp(`^${line}$`))
    })

    it('prints all of it as JSON', async () => {
      await storage.change('payments', manualChange(hostA, '1', { to: 'open', openFor: 60_000 }))
      const { code, out } = await project.recloser('fleet', '--json')
      assert.equal(code, 0)
      const { store, breakers } = JSON.parse(out) as { store: string; breakers: Record<string, unknown>[] }
      assert.equal(store, `${server.url} (recloser:2)`)
      const [{ epoch, remaining, age, ...rest }] = breakers as [Record<string, number>]
      assert.ok(epoch! > 0 && remaining! > 50_000 && remaining! <= 60_000 && age! >= 0)
      assert.deepEqual(rest, {
        name: 'payments',
        key: 'recloser:2:{payments}',
        unusable: null,
        state: 'open',
        attempt: 1,
        reason: 'maintenance',
        by: 'host-a',
        scope: 'fleet',
        reporters: null,
        actor: 'operator',
        manual: { epoch, nonce: '1', actor: 'operator' },
        ramped: null,
        reported: null,
      })
    })

    it('lists a thousand records, and reports when there is none', async () => {
      const nothing = await project.recloser('fleet')
      assert.equal(nothing.code, 0)
      assert.match(nothing.out, /^There is no record at redis:\/\/127\.0\.0\.1:\d+ \(recloser:2\)/)
      const names = Array.from({ length: 1_000 }, (_, i) => `breaker-${i}`)
      await Promise.all(names.map((name) => storage.exchange(name, exchange(hostA, { successes: 1 }))))
      const { out } = await project.recloser('fleet')
      assert.match(out, /\n\n1,000 breakers: 1000 closed\n$/)
      assert.equal(out.split('\n').length, 1_004)
    })

    it('F11: controls names of all kinds, and prints them with control characters escaped', async () => {
      const names = ['new\nline', '{a}', '🔌', '', '__proto__', '\u001B[2J', '--json', 'x'.repeat(10_000)]
      for (const name of names) {
        const { code } = await project.recloser(
          'fleet',
          'isolate',
          '--new',
          '--reason',
          'a\u001B[2Jb',
          '--',
          name,
        )
        assert.equal(code, 0, name)
      }
      const { out } = await project.recloser('fleet')
      assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}/u)
      assert.match(out, /^new\\nline .* a\\u001b\[2Jb /m)
      const shown = [/^\\u001b\[2J /m, /^\{a\} /m, /^🔌 /m, /^__proto__ /m, /^--json /m, /^ {2,}■ isolated/m]
      for (const line of shown) assert.match(out, line)
      const long = /^(x{63}~[0-9a-f]{64}) /m.exec(out)?.[1]
      assert.ok(long !== undefined, 'a long name as its key has it')
      // Both forms of a long name are accepted.
      assert.match((await project.recloser('fleet', 'close', long)).out, /^x+~\w+… is ● closed now/)
      assert.match(
        (await project.recloser('fleet', 'open', names.at(-1)!, '--for', '1s')).out,
        /^x{79}… is ✖ open now/,
      )
      assert.equal((await admin.keys('*')).length, names.length)
    })
  })
}
