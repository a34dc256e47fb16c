import { join } from 'node:path'
import { runProgram as run } from '../../helpers/program.ts'

/** Runs one of the programs in `programs` to its end and returns its output. */
export function runProgram(name: string, args: readonly string[] = [], timeout = 120_000): Promise<string> {
  return run(join(import.meta.dirname, 'programs', `${name}.ts`), ['--expose-gc'], args, timeout)
}
