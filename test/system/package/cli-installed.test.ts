import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { manifest, packAndInstall, type Installed } from './pack.ts'

describe('the command, packed and installed into an empty project', () => {
  let installed: Installed

  before(() => {
    installed = packAndInstall()
  })

  after(() => installed.remove())

  const run = (...args: readonly string[]): string =>
    execFileSync(join(installed.project, 'node_modules/.bin/recloser'), args, { encoding: 'utf8' })

  it('prints the version of the package', () => {
    assert.equal(run('--version'), `${manifest.version}\n`)
  })

  it('contains its libraries, with their licenses', () => {
    const text = installed.read('dist/cli/index.js')
    const imported = Array.from(text.matchAll(/\bfrom"([^"]+)"/g), ([, specifier = '']) => specifier)
    assert.ok(imported.length > 5)
    assert.deepEqual(
      imported.filter((specifier) => !/^(?:node:|\.\.?\/)/.test(specifier)),
      [],
    )
    assert.match(text, /This file contains .*eventsource-parser, .*string-width/)
    assert.match(text, /Copyright \(c\) \d+ Espen Hovlandsdal/)
    assert.match(text, /Copyright \(c\) Sindre Sorhus/)
  })

  it('uses the Redis client of the project, and reports what to install when there is none', () => {
    const { project } = installed
    const fleet = (): string => {
      const args = ['fleet', '--redis', 'redis://127.0.0.1:1']
      const options = { encoding: 'utf8', cwd: project } as const
      const { status, stderr } = spawnSync(join(project, 'node_modules/.bin/recloser'), args, options)
      assert.equal(status, 1)
      return stderr
    }
    assert.match(fleet(), /^recloser: Cannot reach redis:\/\/127\.0\.0\.1:1: nothing listens there\./)
    for (const client of ['redis', 'ioredis', 'iovalkey']) rmSync(join(project, 'node_modules', client))
    assert.match(
      fleet(),
      /^recloser: No client for Redis can be found from .*\nIn a project: npm install redis/,
    )
  })

  it('runs the demo, which needs nothing but the package', () => {
    assert.match(
      run('demo', '--for', '1'),
      /calls in 1\.\d s, 0 changes of state:\n {2}\d+ answered, 0 failed, 0 rejected/,
    )
  })
})
