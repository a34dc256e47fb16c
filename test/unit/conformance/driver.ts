import { isDeepStrictEqual } from 'node:util'
import { isCircuitBreakerError } from '../../../src/index.ts'
import { isObject, UnsupportedCase } from './fields.ts'
import type { Case, Ending, Operation, Step } from './format.ts'
import { parseCase } from './parse.ts'
import type { GivenCase } from './parse.ts'
import { callAlong, PATHS } from './paths.ts'
import type { CallPath } from './paths.ts'
import { READINGS } from './readings.ts'
import type { StepResult } from './readings.ts'
import { Subject } from './subject.ts'

/** An expectation of a case that was not met. Without a `step` the case as a whole could not be run. */
export interface Failure {
  readonly path: string
  readonly step?: number
  readonly operation?: string
  readonly expectation: string
  readonly expected?: unknown
  readonly seen: unknown
}

/** Runs a case along every path that a call can take, and returns the expectations that were not met. */
export async function runCase(
  given: GivenCase,
  paths: readonly CallPath[] = PATHS,
): Promise<readonly Failure[]> {
  let parsed: Case
  try {
    parsed = parseCase(given)
  } catch (error) {
    if (error instanceof UnsupportedCase)
      return [{ path: 'none', expectation: 'a case that can be run', seen: error.message }]
    throw error
  }
  const failures: Failure[] = []
  for (const path of paths) failures.push(...(await runAlong(path, parsed)))
  return failures
}

async function runAlong(path: CallPath, { config, steps }: Case): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  let step = 0
  let operation = 'construction'
  try {
    const subject = new Subject(config)
    for (const each of steps) {
      step += 1
      operation = `${each.operation.op} at ${each.atMs} ms`
      const result = await take(subject, path, each)
      for (const [key, expected] of each.expect) {
        const mismatch = compare(key, expected, subject, result)
        if (mismatch !== undefined) failures.push({ path: path.name, step, operation, ...mismatch })
      }
    }
    operation = 'the end'
    if (config.listener !== 'throws') expectSilence(subject, steps)
  } catch (error) {
    failures.push({ path: path.name, step, operation, expectation: 'no error', seen: error })
  }
  return failures
}

/** Throws if the breaker has reported an error although no user code could have thrown one. */
function expectSilence({ reported }: Subject, steps: readonly Step[]): void {
  const mayThrow = steps.some(
    ({ operation }) => 'ending' in operation && operation.ending.outcome === 'classifierThrows',
  )
  const mayThrowLater = steps.some(
    ({ operation }) => operation.op === 'configure' && operation.patch.listener === 'throws',
  )
  if (!mayThrow && !mayThrowLater && reported.length > 0) throw reported[0]
}

function compare(
  key: string,
  expected: unknown,
  subject: Subject,
  result: StepResult,
): Pick<Failure, 'expectation' | 'expected' | 'seen'> | undefined {
  const read = READINGS.get(key)
  if (read === undefined) return { expectation: `${key} (unknown to this driver)`, expected, seen: undefined }
  const seen = read(subject, result)
  return matches(seen, expected) ? undefined : { expectation: key, expected, seen }
}

/** Compares only the expected keys of an object, and numbers with a tolerance: a case may round its rates. */
function matches(seen: unknown, expected: unknown): boolean {
  if (typeof seen === 'number' && typeof expected === 'number') return Math.abs(seen - expected) < 1e-9
  if (!isObject(expected)) return isDeepStrictEqual(seen, expected)
  return (
    isObject(seen) && Object.entries(expected).every(([key, value]) => isDeepStrictEqual(seen[key], value))
  )
}

async function take(
  subject: Subject,
  path: CallPath,
  { atMs, operation, repeat }: Step,
): Promise<StepResult> {
  const result: StepResult = {}
  subject.time = atMs
  for (let round = 0; round < (repeat ?? 1); round += 1) {
    await perform(subject, path, operation, repeat === undefined ? '' : String(round), result)
  }
  return result
}

async function perform(
  subject: Subject,
  path: CallPath,
  operation: Operation,
  suffix: string,
  result: StepResult,
): Promise<void> {
  switch (operation.op) {
    case 'call':
      await call(subject, path, operation.ending, operation.durationMs, result)
      return
    case 'start': {
      const id = operation.id + suffix
      const call = await path.start(subject.breaker)
      subject.calls.set(id, call)
      recordAdmission(result, isCircuitBreakerError(call) ? call : undefined)
      return
    }
    case 'finish':
    case 'release': {
      // A repeated `finish` refers to the calls of a repeated `start`, or to a single call that is finished repeatedly.
      const call = subject.calls.get(operation.id + suffix) ?? subject.calls.get(operation.id)
      if (call === undefined) throw new UnsupportedCase(`no call \`${operation.id + suffix}\` was started`)
      result.applied = !isCircuitBreakerError(call) && (await call.settle(operation.ending))
      return
    }
    case 'configure':
      subject.configure(operation.patch)
      return
    case 'check':
      return
    case 'open':
    case 'close':
    case 'halfOpen':
    case 'forceOpen':
    case 'disable':
    case 'reset':
      subject.administer(operation.op)
  }
}

async function call(
  subject: Subject,
  path: CallPath,
  ending: Ending,
  durationMs: number,
  result: StepResult,
): Promise<void> {
  const during = (): void => {
    subject.time += durationMs
  }
  const done = await callAlong(path, subject.breaker, ending, during)
  recordAdmission(result, typeof done === 'boolean' ? undefined : done)
  if (typeof done === 'boolean') result.applied = done
}

function recordAdmission(result: StepResult, rejection: StepResult['rejection']): void {
  result.admitted = rejection === undefined
  result.admittedCount = (result.admittedCount ?? 0) + (result.admitted ? 1 : 0)
  result.rejection = rejection
}
