import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTests } from './junit.ts'
import { nodeTests, portableTests, root } from './portable.ts'
import type { Runtime, RuntimeResult } from './result.ts'

/** Runs tests on the sources. `flags` receives the path for the JUnit report. */
export function suite(
  name: string,
  command: string,
  flags: (report: string) => string[],
  kind: 'suite' | 'for Node' = 'suite',
): Runtime {
  const tests = kind === 'suite' ? portableTests : nodeTests
  return {
    name,
    kind,
    async run(): Promise<RuntimeResult> {
      const report = join(tmpdir(), `recloser-${process.pid}-${`${name} ${kind}`.replaceAll(' ', '-')}.xml`)
      const version = await execute(command, ['--version'])
      const { code, output } = await execute(command, [...flags(report), ...tests()])
      const { passed, failed } = countTests(existsSync(report) ? readFileSync(report, 'utf8') : '')
      rmSync(report, { force: true })
      // A file that cannot be loaded, or a run without a report, is a failure.
      const broken = code !== 0 || passed === 0
      return {
        version: /\d+\.\d+\.\d+/.exec(version.output)?.[0] ?? 'unknown',
        passed,
        failed: broken ? Math.max(failed, 1) : failed,
        output,
      }
    },
  }
}

export function onNode(name: string, command: string): Runtime[] {
  const flags = (report: string): string[] => [
    '--test',
    '--test-concurrency=2',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
    '--test-reporter=dot',
    '--test-reporter-destination=stdout',
  ]
  return [suite(name, command, flags), suite(name, command, flags, 'for Node')]
}

export function onBun(command: string): Runtime {
  // As on the other runtimes, isolate the timers of each file, and do not limit a test to 5 s.
  const flags = ['test', '--parallel=2', '--timeout=300000', '--reporter=junit']
  return suite('Bun', command, (report) => [...flags, `--reporter-outfile=${report}`])
}

export function onDeno(command: string): Runtime {
  return suite('Deno', command, (report) => [
    'test',
    '--allow-all',
    '--no-check',
    '--no-lock',
    '--quiet',
    `--junit-path=${report}`,
  ])
}

/** Runs a program to its end. A program that cannot be started counts as failed. */
export function execute(command: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      timeout: 400_000,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', (error) =>
      resolve({ code: 1, output: `${command} cannot be started: ${error.message}` }),
    )
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
