import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readArguments } from '../../../../src/cli/base/args.ts'
import { commands } from '../../../../src/cli/main.ts'
import { UsageError } from '../../../../src/cli/base/command.ts'
import { readFleetAddress, showServer, type FleetAddress } from '../../../../src/cli/fleet/address.ts'

const fleet = commands.find(({ name }) => name === 'fleet')!
const read = (args: readonly string[], env: Record<string, string> = {}): FleetAddress =>
  readFleetAddress(readArguments(fleet, args), env)
const server = (url: string, env?: Record<string, string>): FleetAddress['server'] =>
  read(['--redis', url], env).server

const plain = { port: 6379, tls: false, username: undefined, password: undefined, database: 0 }

describe('the address of a fleet', () => {
  it('is a URL in the format of the client libraries', () => {
    assert.deepEqual(server('redis://localhost'), { ...plain, host: 'localhost' })
    assert.deepEqual(server('valkey://10.0.0.1:7000/'), { ...plain, host: '10.0.0.1', port: 7_000 })
    assert.deepEqual(server('rediss://me:p%40ss@[::1]:1/12'), {
      host: '::1',
      port: 1,
      tls: true,
      username: 'me',
      password: 'p@ss',
      database: 12,
    })
    assert.equal(server('redis://:secret@host').username, undefined)
  })

  it('may come from the environment, as may the password', () => {
    const env = { REDIS_URL: 'redis://me@host', REDISCLI_AUTH: 'secret' }
    assert.deepEqual(read([], env).server, { ...plain, host: 'host', username: 'me', password: 'secret' })
    assert.equal(server('redis://me:own@host', env).password, 'own')
    assert.equal(server('redis://host', { REDISCLI_AUTH: '' }).password, undefined)
  })

  it('has a prefix, and may point to a Sentinel', () => {
    const { prefix, sentinel } = read(['--redis', 'redis://h'])
    assert.deepEqual([prefix, sentinel], ['recloser', undefined])
    const other = read(['--redis', 'redis://h', '--prefix', 'shop', '--sentinel', 'main'])
    assert.deepEqual([other.prefix, other.sentinel], ['shop', 'main'])
  })

  it('is shown without user and password', () => {
    assert.equal(showServer(server('rediss://me:secret@[::1]:7/3')), 'rediss://[::1]:7/3')
  })

  for (const [args, message] of [
    [[], /^--redis is missing: --redis redis:\/\/host:6379, or the variable REDIS_URL$/],
    [['--redis', ''], /^--redis is missing/],
    [['--redis', 'localhost:6379'], /begin with redis:\/\/ or rediss:\/\/, got 'localhost:6379'$/],
    [['--redis', 'http://me:secret@host'], /begin with redis:\/\/ or rediss:\/\/, got '…@host'$/],
    [['--redis', 'redis://'], /^Expected the URL to be redis:\/\/user:password@host:port\/database, got/],
    [['--redis', 'redis://host:99999'], /^Expected the URL to be redis/],
    [['--redis', 'redis://me:secret@host/name'], /got '…@host\/name'/],
    [['--redis', 'redis://host/?db=1'], /^Expected the URL to be redis/],
    [
      ['--redis', 'redis://me:%ff@host'],
      /^Expected the URL to be a URL, got one with an invalid percent sign$/,
    ],
    [['--redis', 'redis://h', '--prefix', 'a{b}'], /^Expected --prefix to have .*, got 'a\{b\}'$/],
    [['--redis', 'redis://h', '--prefix', ''], /^Expected --prefix to have 1 to 64 characters/],
    [['--redis', 'redis://h', '--sentinel', ''], /^Expected --sentinel to be a master's name/],
  ] as const) {
    it(`refuses ${JSON.stringify(args)}, without repeating a secret`, () => {
      assert.throws(
        () => read(args),
        (error) => {
          assert.ok(error instanceof UsageError)
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /secret/)
          return true
        },
      )
    })
  }
})
