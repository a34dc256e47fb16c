import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { installOwnPackages } from '../../helpers/own-packages.ts'
import { markdownSnippets } from '../docs/snippets.ts'
import { packAndInstall, root, type Installed } from './pack.ts'
import { addFile, addProject, installToolchains, linkPackages, toolchain } from './toolchains.ts'

const run = promisify(execFile)
/** The last Nest that is CommonJS, as Jest requires. */
const nest = join(root, 'test/integration/nest-11')

describe('a project that runs its tests with', () => {
  let installed: Installed

  before(() => {
    installToolchains()
    installed = packAndInstall()
  })

  after(() => installed.remove())

  /** Runs the tests of a project. Returns the summary that the runner prints. */
  async function test(cwd: string, ...args: string[]): Promise<string> {
    // Without the environment of the runner that runs this test.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env
    const options = { cwd, env: { ...env, CI: 'true', NO_COLOR: '1' } }
    try {
      const { stdout, stderr } = await run(process.execPath, args, options)
      return stdout + stderr
    } catch (error) {
      const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string }
      return assert.fail([stdout, stderr, message].join('\n'))
    }
  }

  function project(name: string, packages: readonly string[]): string {
    const folder = addProject(installed.project, name)
    linkPackages(folder, packages)
    return folder
  }

  /** A project that also has the tests of the runner's fake timers, and its examples from the documentation. */
  function projectWithFakeTime(name: string, packages: readonly string[], runner: 'jest' | 'vitest'): string {
    const folder = project(name, packages)
    addFile(folder, 'fake-time.ts')
    const examples = markdownSnippets(join(root, 'docs/testing.md')).filter(({ meta }) => meta === runner)
    assert.equal(examples.length, 1)
    for (const { code } of examples) writeFileSync(join(folder, 'documented.test.ts'), code)
    return folder
  }

  const JEST = ['jest', 'ts-jest', '@types/jest', '@jest/globals']
  const jest = toolchain('jest/bin/jest.js')

  it('Jest and ts-jest, in CommonJS', async () => {
    const output = await test(projectWithFakeTime('jest-commonjs', JEST, 'jest'), jest)
    assert.match(output, /^Tests: +27 passed, 27 total$/m)
  })

  it('Jest and ts-jest, as ES modules', async () => {
    const flags = ['--experimental-vm-modules', '--no-warnings']
    const output = await test(projectWithFakeTime('jest-esm', JEST, 'jest'), ...flags, jest)
    assert.match(output, /^Tests: +27 passed, 27 total$/m)
  })

  it('Jest and ts-jest, as Nest sets them up', async () => {
    const folder = project('jest-nest', [...JEST, '@types/node'])
    installOwnPackages(nest)
    linkPackages(folder, ['@nestjs/common', '@nestjs/core', '@nestjs/testing', 'reflect-metadata'], (name) =>
      join(nest, 'node_modules', name),
    )
    // A copy of the package, so that it resolves this version of Nest.
    cpSync(join(installed.project, 'node_modules/recloser'), join(folder, 'node_modules/recloser'), {
      recursive: true,
    })
    assert.match(await test(folder, jest), /^Tests: +2 passed, 2 total$/m)
  })

  it('Vitest', async () => {
    const output = await test(
      projectWithFakeTime('vitest', ['vitest'], 'vitest'),
      toolchain('vitest/vitest.mjs'),
      'run',
    )
    assert.match(output, /^ +Tests +27 passed \(27\)$/m)
  })

  it('node:test', async () => {
    const output = await test(project('node-test', []), '--test', '--test-reporter=spec')
    assert.match(output, /^ℹ pass 4$/m)
    assert.match(output, /^ℹ fail 0$/m)
  })
})
