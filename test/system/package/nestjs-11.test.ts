import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { installOwnPackages } from '../../helpers/own-packages.ts'
import { root } from './pack.ts'

const run = promisify(execFile)
const folder = join(root, 'test/integration/nest-11')

/** Runs Node to its end. Returns the output if it fails. */
async function fails(...args: string[]): Promise<string> {
  try {
    const env: NodeJS.ProcessEnv = { ...process.env, NODE_TEST_CONTEXT: undefined }
    const { stdout } = await run(process.execPath, args, { cwd: root, env, maxBuffer: 16 * 1024 * 1024 })
    const ran = stdout.match(/^✔ Nest 11 /gm)?.length ?? 0
    return args.includes('--test') && ran < 5 ? `It did not run on Nest 11:\n${stdout}` : ''
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string }
    return stdout || message
  }
}

describe('recloser/nestjs on Nest 11', () => {
  // Nest 11 cannot be installed next to 12.
  before(() => installOwnPackages(folder))

  it('passes the tests of Nest 12', async () => {
    const resolve = join(folder, 'resolve.ts')
    const tests = ['nestjs/*.test.ts', 'node/nestjs-fastify.test.ts'].flatMap((files) =>
      globSync(join(root, 'test/integration', files)),
    )
    const output = await fails('--import', resolve, '--test-reporter=spec', '--test', ...tests)
    assert.equal(output, '', output)
  })

  it('has compatible types', async () => {
    const output = await fails(join(root, 'node_modules/typescript/bin/tsc'), '-p', folder)
    assert.equal(output, '', output)
  })
})
