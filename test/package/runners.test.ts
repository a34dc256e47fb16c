import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { packAndInstall, type Installed } from './pack.ts'
import { addProject, installToolchains, toolchain } from './toolchains.ts'

const run = promisify(execFile)

describe('a project that tests with', () => {
  let installed: Installed

  before(() => {
    installToolchains()
    installed = packAndInstall()
  })

  after(() => installed.remove())

  /** What the runner prints at the end of a run that passed. */
  async function test(name: string, packages: readonly string[], ...args: string[]): Promise<string> {
    const cwd = addProject(installed.project, name, packages)
    // Nothing of the runner that runs this.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env
    try {
      const { stdout, stderr } = await run(process.execPath, args, {
        cwd,
        env: { ...env, CI: 'true', NO_COLOR: '1' },
      })
      return stdout + stderr
    } catch (error) {
      const {
        stdout = '',
        stderr = '',
        message,
      } = error as { stdout?: string; stderr?: string; message: string }
      return assert.fail(`${name}:\n${stdout}${stderr}${message}`)
    }
  }

  it('Jest and ts-jest, in CommonJS', async () => {
    const output = await test(
      'jest-commonjs',
      ['jest', 'ts-jest', '@types/jest'],
      toolchain('jest/bin/jest.js'),
    )
    assert.match(output, /^Tests: +3 passed, 3 total$/m)
  })

  it('Jest and ts-jest, as ES modules', async () => {
    const output = await test(
      'jest-esm',
      ['jest', 'ts-jest', '@types/jest'],
      '--experimental-vm-modules',
      '--no-warnings',
      toolchain('jest/bin/jest.js'),
    )
    assert.match(output, /^Tests: +3 passed, 3 total$/m)
  })

  it('Vitest', async () => {
    const output = await test('vitest', ['vitest'], toolchain('vitest/vitest.mjs'), 'run')
    assert.match(output, /^ +Tests +3 passed \(3\)$/m)
  })

  it('node:test', async () => {
    const output = await test('node-test', [], '--test', '--test-reporter=spec')
    assert.match(output, /^ℹ pass 3$/m)
    assert.match(output, /^ℹ fail 0$/m)
  })
})
