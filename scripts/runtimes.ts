/**
 * `npm run runtimes`: runs the test suite on every runtime that supports it, and smoke-tests the built package on the
 * others. `npm run runtimes -- Bun Deno` runs only those. test/system/runtimes/portable.ts decides which tests make up
 * the suite.
 */
import { onChromium } from '../test/system/runtimes/chromium.ts'
import { engine, installEngines } from '../test/system/runtimes/engines.ts'
import { onInstalled } from '../test/system/runtimes/installed.ts'
import { portableTests } from '../test/system/runtimes/portable.ts'
import type { Runtime, RuntimeResult } from '../test/system/runtimes/result.ts'
import { execute, onBun, onDeno, onNode } from '../test/system/runtimes/suite.ts'
import { onWorkerd } from '../test/system/runtimes/workerd.ts'

const all: readonly Runtime[] = [
  ...onNode('Node 22', engine('node22/bin/node')),
  ...onNode('Node 24', process.execPath),
  ...onNode('Node 26', engine('node26/bin/node')),
  onBun(engine('.bin/bun')),
  onInstalled('Bun', engine('.bin/bun')),
  onDeno(engine('.bin/deno')),
  onInstalled('Deno', engine('.bin/deno'), ['run', '--allow-all']),
  onInstalled('Node 20', engine('node20/bin/node')),
  onWorkerd,
  onChromium,
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !all.some((runtime) => runtime.name === name))
if (unknown.length > 0) {
  const names = [...new Set(all.map(({ name }) => name))].join(', ')
  throw new Error(`Expected names of runtimes (${names}), got ${unknown.join(', ')}`)
}
const runtimes = wanted.length > 0 ? all.filter(({ name }) => wanted.includes(name)) : all

installEngines()
const build = await execute('npm', ['run', 'build', '--silent'])
if (build.code !== 0) throw new Error(`npm run build failed:\n${build.output}`)

console.log(`the suite: ${portableTests().length} files\n`)
let passed = 0
let failed = 0
const counts = new Map<string, number>()
for (const runtime of runtimes) {
  const result = await runSafely(runtime)
  const tests = result.passed + result.failed
  if (!counts.has(runtime.kind)) counts.set(runtime.kind, tests)
  // A runtime that silently skips tests has not passed them.
  const lost = runtime.kind !== 'smoke' && tests !== counts.get(runtime.kind)
  const problems = result.failed + (lost ? 1 : 0)
  passed += result.passed
  failed += problems
  console.log(
    `${problems > 0 ? 'FAIL' : 'ok  '} ${runtime.name.padEnd(9)} ${result.version.padEnd(15)} ` +
      `${runtime.kind}: ${result.passed} passed, ${result.failed} failed`,
  )
  if (lost) console.log(`     ran ${tests} tests where ${runtimes[0]?.name} ran ${counts.get(runtime.kind)}`)
  if (problems > 0) console.log(lastLines(result.output))
}
console.log(`\nruntimes: ${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** The end of the output: every runtime prints a summary of its failures there. */
function lastLines(output: string): string {
  return output.split('\n').slice(-120).join('\n')
}

/** Runs a runtime; one that is missing or does not start counts as failed. */
async function runSafely(runtime: Runtime): Promise<RuntimeResult> {
  try {
    return await runtime.run()
  } catch (error) {
    const output = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { version: '', passed: 0, failed: 1, output }
  }
}
