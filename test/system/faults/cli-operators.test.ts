import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, failureRate } from '../../../src/index.ts'
import { exchange, manualChange, sender } from '../../../src/testing/storage-kit/commands.ts'
import { allFamilies } from './support/clients.ts'
import { Project, type Ended } from './support/command-line.ts'
import { eventually, Member } from './support/fleet-member.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const families = await allFamilies()
const bob = sender('host-b')

for (const family of families.filter(({ name }) => name === 'node-redis 6' || name === 'ioredis 6')) {
  describe(`recloser fleet for operators, with ${family.name}`, () => {
    let server: RedisServer
    let admin: Client
    let project: Project
    let member: Member

    before(async () => {
      server = await startRedis()
      admin = await connect(server.url)
      project = new Project(family.name, { REDIS_URL: server.url })
      member = new Member(family, server.url)
    })
    beforeEach(async () => void (await admin.flushAll()))
    after(async () => {
      await member.end()
      project.remove()
      admin.destroy()
      await server.stop()
    })

    const fleet = (...args: readonly string[]): Promise<Ended> => project.recloser('fleet', ...args)
    const newBreaker = (name: string, options = {}): CircuitBreaker =>
      new CircuitBreaker({ name, storage: member.storage, ...options })

    // Each test has names of its own for breakers: those would restore their record after the next flush (F12).
    /** Asserts that the command succeeded. Returns what it printed. */
    async function done(...args: readonly string[]): Promise<string> {
      const { code, out, err } = await fleet(...args)
      assert.deepEqual([code, err], [0, ''])
      return out
    }

    it('F15b: shows healthy breakers that were called in the last minutes, and changes them without --new', async () => {
      const breakers = [
        newBreaker('checkout'),
        newBreaker('search', { trip: failureRate({ threshold: 0.5, window: 10_000 }) }),
        newBreaker('unused'),
      ]
      for (const breaker of breakers.slice(0, 2)) {
        await breaker.call(() => 'answered')
        await breaker.flush()
      }
      const out = await done()
      assert.match(out, /^checkout +● closed +local +0 +<1 min ago$/m)
      assert.match(out, /^search +● closed +local +0 +<1 min ago$/m)
      assert.match(out, /\n2 breakers: 2 closed\n$/)
      for (const name of ['chekcout', 'unused']) {
        const { code, err } = await fleet('isolate', name)
        assert.equal(code, 1)
        assert.match(err, /^recloser: There is no record of '(chekcout|unused)' at /)
        if (name === 'chekcout') assert.match(err, /\nDid you mean 'checkout'\? /)
      }
      const isolated = await done('isolate', 'checkout', '--reason', 'until 14:00')
      assert.equal(
        isolated,
        'checkout is ■ isolated now (until 14:00). All processes that share it are notified.\n',
      )
      for (const breaker of breakers) await breaker[Symbol.asyncDispose]()
    })

    it('F15b, F28b: a full store that refuses the note is no event of a healthy breaker', async () => {
      await admin.configSet('maxmemory-policy', 'noeviction')
      const breaker = newBreaker('prices')
      const events: unknown[] = []
      breaker.addListener({ link: ({ state }) => events.push(state) })
      const logged = member.log.length
      await admin.configSet('maxmemory', '1')
      try {
        for (let i = 0; i < 3; i++) {
          await breaker.call(() => 'answered')
          await breaker.flush()
        }
        assert.equal(breaker.snapshot().fleet?.link, 'live')
        assert.equal(await admin.exists('recloser:2:{prices}'), 0)
      } finally {
        await admin.configSet('maxmemory', '0')
      }
      await breaker.call(() => 'answered')
      await breaker.flush()
      assert.equal(await admin.exists('recloser:2:{prices}'), 1)
      assert.deepEqual([events, member.log.slice(logged)], [[], []])
      await breaker[Symbol.asyncDispose]()
    })

    it('F9b: isolating again keeps the reason, or replaces it, and says so', async () => {
      await done('isolate', 'payments', '--new', '--reason', 'maintenance')
      const who = String.raw`It had been isolated by cli(:\S+)?: `
      assert.match(
        await done('isolate', 'payments'),
        new RegExp(
          String.raw`^payments is ■ isolated already \(maintenance\)\. ${who}maintenance\. The reason is kept\. All`,
        ),
      )
      assert.match(
        await done('isolate', 'payments', '--reason', 'repairs'),
        new RegExp(
          String.raw`^payments is ■ isolated already \(repairs\)\. ${who}maintenance\. The reason is replaced\. All`,
        ),
      )
      assert.match(
        await done('close', 'payments', '--reason', 'fixed'),
        new RegExp(String.raw`^payments is ● closed now \(fixed\)\. ${who}repairs\. All`),
      )
    })

    it('F9b: a change that has no effect is not made: it would empty the windows of all processes', async () => {
      await member.storage.exchange('payments', exchange(bob, { failures: 2, rings: [] }))
      const stored = await admin.hGetAll('recloser:2:{payments}')
      assert.equal(await done('close', 'payments'), 'payments is ● closed already. Nothing was changed.\n')
      assert.deepEqual({ ...(await admin.hGetAll('recloser:2:{payments}')) }, { ...stored })
    })

    it('F9b, F9c: a change that another one has overtaken is refused, and the message says what stands', async () => {
      await done('isolate', 'payments', '--new', '--reason', 'maintenance')
      const [record] = (JSON.parse(await done('--json')) as { breakers: { manual: { epoch: number } }[] })
        .breakers
      const epoch = record!.manual.epoch
      await member.storage.exchange('another', exchange(bob)) // it is connected
      await admin.sendCommand(['CLIENT', 'PAUSE', '60000', 'WRITE'])
      // Both commands are held back, in this order.
      const waiting = async (): Promise<number> =>
        (await admin.sendCommand<string>(['CLIENT', 'LIST'])).match(/flags=b .*cmd=eval/g)?.length ?? 0
      const overtaking = member.storage.change(
        'payments',
        manualChange(bob, 'bob-1', {
          to: 'isolated',
          reason: 'a leak \u001B[2J',
          actor: 'bob\u202E',
          ifManual: epoch,
        }),
      )
      await eventually(async () => (await waiting()) === 1, 'the other change waits')
      const closing = fleet('close', 'payments', '--reason', 'fixed')
      await eventually(async () => (await waiting()) === 2, 'ours waits, too')
      await admin.sendCommand(['CLIENT', 'UNPAUSE'])
      assert.equal((await overtaking).type, 'changed')
      const { code, out, err } = await closing
      assert.deepEqual([code, out], [1, ''])
      assert.equal(
        err,
        String.raw`recloser: 'payments' was not changed, because bob\u202e has just changed it: it is isolated (a leak \u001b[2J).` +
          '\nIf your change is still right, repeat the command.\n',
      )
      assert.match(await done('close', 'payments'), /It had been isolated by bob\\u202e on host-b: a leak/)
    })

    it('F29: a long reason is cut and not refused, and the output says so', async () => {
      const reason = `${'x'.repeat(255)}ü and more`
      const out = await done('isolate', 'payments', '--new', '--reason', reason)
      assert.ok(out.includes(`(${'x'.repeat(255)}). The reason was cut to 256 bytes. All`), out)
      const json = JSON.parse(
        await done('open', 'payments', '--for', '1m', '--reason', reason, '--json'),
      ) as {
        reasonCut: unknown
        breaker: { reason: unknown }
      }
      assert.deepEqual([json.reasonCut, json.breaker.reason], [true, 'x'.repeat(255)])
    })
  })
}
