import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')

const fixtures = join(import.meta.dirname, 'fixtures')

export interface Compiler {
  readonly version: string
  readonly tsc: string
}

/** The newest compiler and the two before it; their packages are installed under aliases. */
export const compilers: readonly Compiler[] = ['typescript-5.9', 'typescript-6', 'typescript'].map((name) => {
  const folder = join(root, 'node_modules', name)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { version, tsc: join(folder, 'bin/tsc') }
})

/** The name of each `tsconfig.<name>.json` among the fixtures. */
export const configurations: readonly string[] = readdirSync(fixtures)
  .map((file) => /^tsconfig\.(.+)\.json$/.exec(file)?.[1])
  .filter((name) => name !== undefined)

/** Compiles one configuration. Returns the errors of the compiler, or an empty text. */
export async function compile(
  compiler: Compiler,
  configuration: string,
  ...flags: string[]
): Promise<string> {
  const project = join(fixtures, `tsconfig.${configuration}.json`)
  try {
    await run(process.execPath, [compiler.tsc, '--project', project, '--pretty', 'false', ...flags], {
      cwd: root,
    })
    return ''
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string }
    return stdout || message
  }
}
