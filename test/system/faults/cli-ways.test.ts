import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { allFamilies } from './support/clients.ts'
import { Project } from './support/command-line.ts'
import { eventually } from './support/fleet-member.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const families = await allFamilies()

const newest = families.filter(({ name }) => name === 'node-redis 6' || name === 'ioredis 6')

describe('recloser fleet and Sentinel', () => {
  let master: RedisServer
  let admin: Client
  let folder: string

  before(async () => {
    master = await startRedis('--requirepass', 'secret')
    admin = await connect(master.url.replace('//', '//:secret@'))
    folder = mkdtempSync(join(tmpdir(), 'recloser-sentinel-'))
  })
  after(async () => {
    admin.destroy()
    await master.stop()
    rmSync(folder, { recursive: true })
  })

  async function withSentinel(more: string, work: (url: string) => Promise<void>): Promise<void> {
    const port = await freePort()
    const file = join(folder, `${port}.conf`)
    const watched = `sentinel monitor main 127.0.0.1 ${master.port} 1\nsentinel auth-pass main secret`
    writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${folder}\n${watched}\n${more}\n`)
    const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let log = ''
      sentinel.stdout.setEncoding('utf8').on('data', (text: string) => (log += text))
      await eventually(() => log.includes('+monitor master main'), 'Sentinel has started')
      await work(`redis://:secret@127.0.0.1:${port}`)
    } finally {
      sentinel.kill('SIGKILL')
    }
  }

  for (const family of newest) {
    for (const [what, more] of [
      ['that is open', ''],
      ['that wants the same password', 'requirepass secret'],
    ] as const) {
      it(`finds the master, by one ${what}, with ${family.name}`, () =>
        withSentinel(more, async (url) => {
          await admin.flushAll()
          const project = new Project(family.name, { REDIS_URL: url })
          const run = (...args: string[]): ReturnType<Project['recloser']> =>
            project.recloser('fleet', ...args)
          try {
            const made = await run('isolate', 'payments', '--new', '--sentinel', 'main')
            assert.equal(made.code, 0, made.err)
            assert.deepEqual(await admin.keys('*'), ['recloser:2:{payments}'])
            const { out } = await run('--sentinel', 'main', '--json')
            assert.equal(
              (JSON.parse(out) as { store: string }).store,
              `redis://127.0.0.1:${master.port} (recloser:2)`,
            )

            const unknown = await run('--sentinel', 'other')
            assert.equal(unknown.code, 1)
            assert.match(
              unknown.err,
              /The Sentinel redis:\/\/127\.0\.0\.1:\d+ knows no master 'other'\.\nThis lists/,
            )
            const none = await run(
              '--sentinel',
              'main',
              '--redis',
              `redis://:secret@127.0.0.1:${master.port}`,
            )
            assert.equal(none.code, 1)
            assert.match(none.err, /redis:\/\/127\.0\.0\.1:\d+ is no Sentinel\.\nLeave out --sentinel/)
            const forgotten = await run()
            assert.equal(forgotten.code, 1)
            if (more === '') assert.match(forgotten.err, /If it is a Sentinel, add --sentinel/)
          } finally {
            project.remove()
          }
        }))
    }
  }
})

describe('recloser fleet and TLS', () => {
  const COMMAND = join(import.meta.dirname, '../../../src/cli/index.ts')
  let folder: string
  let server: RedisServer
  let url: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'recloser-tls-'))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    execFileSync('openssl', ['req', ...made, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const port = await freePort()
    const tls = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']
    server = await startRedis('--tls-port', `${port}`, ...tls)
    url = `rediss://127.0.0.1:${port}`
  })
  after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  function run(
    project: Project,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
  ): Promise<[number, string, string]> {
    return new Promise((resolve) => {
      const options = { cwd: project.folder, env: { ...process.env, ...env } }
      execFile(process.execPath, [COMMAND, 'fleet', ...args], options, (error, out, err) =>
        resolve([Number(error?.code ?? 0), out, err]),
      )
    })
  }

  for (const family of newest) {
    it(`is used for a rediss URL, and the certificate is checked, with ${family.name}`, async () => {
      const project = new Project(family.name)
      try {
        const args = ['isolate', 'payments', '--new', '--redis', url]
        const trusted = { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') }
        const [code, out] = await run(project, args, trusted)
        assert.equal(code, 0)
        assert.match(out, /^payments is ■ isolated/)
        const [refused, , err] = await run(project, args, {})
        assert.equal(refused, 1)
        assert.match(
          err,
          /its certificate is not trusted \(\w+\)\.\nFor a certificate of your own authority, set NODE_EXTRA/,
        )
        const plain = await project.recloser('fleet', '--redis', url.replace('rediss', 'redis'))
        assert.equal(plain.code, 1)
        assert.match(plain.err, /^recloser: Cannot reach redis:.*\n.*rediss:\/\//)
      } finally {
        project.remove()
      }
    })
  }
})
