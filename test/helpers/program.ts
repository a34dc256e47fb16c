import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs a program in its own process, on the runtime that runs the test, and returns its output. */
export async function runProgram(
  file: string,
  nodeFlags: readonly string[] = [],
  args: readonly string[] = [],
  timeout = 60_000,
): Promise<string> {
  const onNode = !('Deno' in globalThis) && !('bun' in process.versions)
  const flags = 'Deno' in globalThis ? ['run', '--allow-all', '--no-check'] : onNode ? nodeFlags : []
  const { stdout } = await run(process.execPath, [...flags, file, ...args], { timeout })
  return stdout.trim()
}
