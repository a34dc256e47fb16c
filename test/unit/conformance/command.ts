import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { runCase } from './driver.ts'
import type { Failure } from './driver.ts'
import { MalformedFile, readCases } from './parse.ts'
import type { GivenCase } from './parse.ts'

export interface Output {
  /** Takes a line of the report. */
  readonly log: (line: string) => void
  /** Takes a line of explanation why there is no report. */
  readonly error: (line: string) => void
}

/** Runs the cases of the named files. Returns the exit code: 0 all passed, 1 some failed, 2 nothing could be run. */
export async function conformance(files: readonly string[], output: Output): Promise<0 | 1 | 2> {
  if (files.length === 0) {
    output.error('usage: npm run conformance -- FILE...')
    return 2
  }
  const cases: GivenCase[] = []
  for (const file of files) {
    try {
      cases.push(...readCases(await readFile(file, 'utf8')))
    } catch (error) {
      output.error(`conformance: cannot use ${file}: ${complaint(error)}`)
      return 2
    }
  }
  let failed = 0
  for (const each of cases) {
    const failures = await runCase(each)
    if (failures.length === 0) continue
    failed += 1
    for (const line of report(each, failures)) output.log(line)
  }
  output.log(`conformance: ${cases.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function complaint(error: unknown): string {
  if (error instanceof MalformedFile) return error.message
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'no such file'
  return error instanceof Error ? error.message : String(error)
}

/** A failed case: its name, then a line for each expectation that did not hold. */
export function report({ id, title }: GivenCase, failures: readonly Failure[]): readonly string[] {
  return [`FAIL ${id} ${title}`, ...failures.map((failure) => `  ${line(failure)}`)]
}

function line({ path, step, operation, expectation, expected, seen }: Failure): string {
  if (step === undefined) return `expected ${expectation}, saw ${render(seen)}`
  const wanted = expected === undefined ? expectation : `${expectation} ${render(expected)}`
  return `step ${step} (${operation}, by ${path}): expected ${wanted}, saw ${render(seen)}`
}

function render(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })
}
