import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Failure } from '../../../../src/cli/base/command.ts'
import { loadLibrary, searchPaths } from '../../../../src/cli/fleet/library.ts'

describe('the client library of the command line', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'recloser-library-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  function install(name: string, version: string, code: string): void {
    const directory = join(folder, 'node_modules', name)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, version, main: 'index.cjs' }))
    writeFileSync(join(directory, 'index.cjs'), code)
  }

  async function refusal(): Promise<Failure> {
    const [error] = await Promise.allSettled([loadLibrary([join(folder, '/')])])
    assert.ok(error.status === 'rejected' && error.reason instanceof Failure)
    return error.reason
  }

  it('is looked up in the project first, then next to this package', () => {
    const [first, second] = searchPaths(folder)
    assert.equal(first, join(folder, '/'))
    assert.match(second!, /library\.ts$/)
  })

  it('is named with the command that installs it, if it is missing', async () => {
    const { message, advice } = await refusal()
    assert.equal(message, `No client for Redis can be found from ${join(folder, '/')}.`)
    assert.match(
      advice,
      /^In a project: npm install redis@latest \(or ioredis@latest, iovalkey@latest\)\. Elsewhere: npx -p recloser -p redis recloser fleet …$/,
    )
  })

  it('has to be new enough', async () => {
    install('redis', '3.1.2', 'exports.createClient = () => {}')
    install('ioredis', '4.30.0', 'exports.Redis = class {}')
    assert.match((await refusal()).message, / \(redis 3\.1\.2, ioredis 4\.30\.0 cannot be used\)\.$/)
  })

  it('is skipped if it is too old and there is another', async () => {
    install('redis', '3.1.2', '')
    install('iovalkey', '0.3.0', 'exports.Redis = class { constructor(options) { this.options = options } }')
    const make = await loadLibrary([join(folder, '/')])
    const server = { host: 'h', port: 1, tls: true, username: 'me', password: undefined, database: 2 }
    const { options } = make(server) as unknown as { options: unknown }
    assert.deepEqual(options, { host: 'h', port: 1, tls: {}, username: 'me', db: 2, lazyConnect: true })
  })

  it('is named if it cannot be loaded', async () => {
    install('redis', '6.0.0', "throw new Error('broken')")
    assert.match((await refusal()).message, /^The installed redis cannot be loaded: Error: broken$/)
  })
})
