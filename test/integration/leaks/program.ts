import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs one of the programs beside this file to its end and returns what it printed. */
export async function runProgram(
  name: string,
  args: readonly string[] = [],
  timeout = 120_000,
): Promise<string> {
  const file = join(import.meta.dirname, 'programs', `${name}.ts`)
  const { stdout } = await run(process.execPath, ['--expose-gc', file, ...args], { timeout })
  return stdout.trim()
}
