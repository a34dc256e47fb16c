import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from '../package/cli-world.ts'
import { bundle } from './bundle.ts'
import { root } from './portable.ts'
import { withRealServer } from './real-server.ts'
import { summarize, type Runtime, type RuntimeResult, type SmokeReport } from './result.ts'
import { execute } from './suite.ts'

const program = `
import { createRequire } from 'node:module'
import * as imported from 'recloser'
import { smoke } from './smoke.js'
// The breaker's own timers keep no process alive.
const alive = setInterval(() => {}, 1_000)
const report = await smoke(process.argv[2])
clearInterval(alive)
const required = createRequire(import.meta.url)('recloser')
report['require gives the same module as import'] =
  required.CircuitBreaker === imported.CircuitBreaker ? '' : 'two copies'
process.stdout.write('\\n' + JSON.stringify(report))
`

/**
 * Draws a table with the command line, whose libraries do not claim to support this old a Node. Returns any problem.
 */
async function tryCommand(command: string, args: readonly string[]): Promise<string> {
  const watched = new Program()
  watched.add('\u2764\uFE0F')
  await watched.start()
  try {
    const index = join(root, 'dist/cli/index.js')
    const { output } = await execute(command, [...args, index, 'watch', watched.url, '--once'])
    return /^\u2764\uFE0F {7}● closed/m.test(output) ? '' : output
  } finally {
    await watched.stop()
  }
}

/** Smoke-tests the built package as a dependency, imported and required, and its command line. */
export function onInstalled(name: string, command: string, args: readonly string[] = []): Runtime {
  return {
    name,
    kind: 'smoke',
    async run(): Promise<RuntimeResult> {
      const { output: said } = await execute(command, ['--version'])
      const version = /\d+\.\d+\.\d+/.exec(said)?.[0] ?? 'unknown'
      const folder = mkdtempSync(join(tmpdir(), 'recloser-installed-'))
      try {
        mkdirSync(join(folder, 'node_modules'))
        symlinkSync(root, join(folder, 'node_modules/recloser'), 'junction')
        writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
        writeFileSync(join(folder, 'smoke.js'), await bundle('smoke.ts', 'outside'))
        writeFileSync(join(folder, 'main.js'), program)
        const { code, output } = await withRealServer((origin) =>
          execute(command, [...args, join(folder, 'main.js'), origin]),
        )
        if (code !== 0) return { version, passed: 0, failed: 1, output: `exit code ${code}\n${output}` }
        const report = JSON.parse(output.slice(output.lastIndexOf('\n'))) as SmokeReport
        const table = await tryCommand(command, args)
        return summarize(version, { ...report, 'the command line draws a table': table })
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  }
}
