import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createClient } from 'redis'
import { neededAcl } from '../../../src/cli/fleet/explain.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { RedisStorage } from '../../../src/storage/redis/index.ts'
import { MINIMAL } from '../faults/support/acl.ts'
import { startRedis, type RedisServer } from '../faults/support/redis-server.ts'
import { until } from '../../helpers/until.ts'

const text = readFileSync(join(import.meta.dirname, '../../../docs/fleet.md'), 'utf8')

/** The ACL rules in docs/fleet.md, read from the line that an operator would copy. */
function documented(user: string): string {
  const [, rules] = new RegExp(`^ACL SETUSER ${user} on >PASSWORD (.+)$`, 'm').exec(text) ?? []
  assert.ok(rules, `docs/fleet.md has no line for ${user}`)
  return rules
}

describe('F29: the ACL in docs/fleet.md', () => {
  let server: RedisServer
  const redis = (...args: string[]): string =>
    execFileSync('redis-cli', ['-p', String(server.port), ...args], { encoding: 'utf8' })

  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  it('F29: for the processes is sufficient for a fleet', async () => {
    const logged: string[] = []
    redis('ACL', 'SETUSER', 'recloser', 'on', '>secret', ...documented('recloser').split(' '))
    const url = server.url.replace('//', '//recloser:secret@')
    const [here, there] = [0, 1].map(() => {
      const storage = new RedisStorage({
        client: () => createClient({ url }),
        log: (line) => logged.push(line),
      })
      return { storage, breaker: new CircuitBreaker({ name: 'payments', storage }) }
    })
    await there!.breaker.call(async () => 'paid')
    here!.breaker.isolate('maintenance')
    await until(() => there!.breaker.state !== 'closed', 'the other process receives it', 5_000)
    assert.equal(there!.breaker.state, 'isolated')
    assert.equal(there!.breaker.snapshot().scope, 'fleet')
    for (const { storage } of [here!, there!]) await storage[Symbol.asyncDispose]()
    assert.deepEqual(logged, [])
  })

  it('F29: for the processes is the one that is tested with every client', () => {
    assert.equal(documented('recloser'), MINIMAL.join(' '))
  })

  it('F29: for the command line is the one that the command line asks for', () => {
    assert.equal(documented('operator'), neededAcl('recloser:2'))
  })
})
