import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
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

  it('says the version of the package', () => {
    assert.equal(run('--version'), `${manifest.version}\n`)
  })

  it('runs the demo, which needs nothing but the package', () => {
    assert.match(
      run('demo', '--for', '1'),
      /calls in 1\.\d s, 0 changes of state:\n {2}\d+ answered, 0 failed, 0 rejected/,
    )
  })
})
