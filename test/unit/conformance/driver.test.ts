import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { runCase } from './driver.ts'
import { readCases } from './parse.ts'
import type { GivenCase } from './parse.ts'
import { PATHS } from './paths.ts'

type Steps = GivenCase['steps']

const aCase = (config: GivenCase['config'], ...steps: Steps): GivenCase => ({
  id: 'X',
  title: 'a case',
  config,
  steps,
})

const trips = { trip: { kind: 'consecutive', failures: 2 }, openDurationMs: 1_000 }
const failing = { at_ms: 0, op: 'call', outcome: 'fail' }

const passes = async (given: GivenCase): Promise<void> => assert.deepEqual(await runCase(given), [])

async function refuses(given: GivenCase, complaint: RegExp): Promise<void> {
  const [failure, ...others] = await runCase(given)
  assert.match(String(failure?.seen), complaint)
  assert.deepEqual(others, [])
}

/** A wrong value of the same kind. */
function wrong(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return `not ${value}`
  if (value === null) return 0
  if (Array.isArray(value)) return [...value, 'closed->closed']
  return Object.fromEntries(Object.entries(value ?? {}).map(([key, each]) => [key, wrong(each)]))
}

const patch = (at_ms: number, patch: object): Steps[number] => ({ at_ms, op: 'configure', patch })

describe('the driver detects what is wrong', () => {
  it('fails a case as soon as one of its expectations is wrong, whichever it is', async () => {
    const cases = readCases(await readFile(new URL('cases.json', import.meta.url), 'utf8'))
    const seen = new Set<string>()
    for (const given of cases) {
      for (const [index, step] of given.steps.entries()) {
        for (const [key, value] of Object.entries(step['expect'] ?? {})) {
          // Once for each kind of expectation is enough; trying every step of a case would take too long.
          if (seen.has(key)) continue
          seen.add(key)
          const expect = { [key]: wrong(value) }
          const steps = given.steps.map((each, at) => (at === index ? { ...each, expect } : each))
          const failures = await runCase({ ...given, steps })
          assert.deepEqual(
            failures.map((failure) => [failure.path, failure.step, failure.expectation]),
            PATHS.map(({ name }) => [name, index + 1, key]),
            `${given.id}, step ${index + 1}, ${key}`,
          )
        }
      }
    }
    assert.equal(seen.size, 17, [...seen].join())
  })

  it('fails a case whose dependency was not called the right number of times', async () => {
    const given = aCase(trips, { ...failing, repeat: 3, expect: { admittedCount: 3 } })
    assert.equal((await runCase(given))[0]?.seen, 2)
  })

  it('fails a case with an unknown operation, config key, outcome or step key', async () => {
    await refuses(
      aCase(trips, { at_ms: 0, op: 'explode' }),
      /step 1\.op: expected one of call, .*, got "explode"/,
    )
    await refuses(aCase({ ...trips, color: 1 }, failing), /config: `color` is unknown/)
    await refuses(aCase({ halfOpen: { calls: 1 } }, failing), /config\.halfOpen: `calls` is unknown/)
    await refuses(aCase({ trip: { kind: 'moon' } }, failing), /config\.trip\.kind: expected one of/)
    await refuses(
      aCase({ trip: { kind: 'any', of: [{ kind: 'never', x: 1 }] } }),
      /trip\.of\[0\]: `x` is unknown/,
    )
    await refuses(
      aCase(trips, failing, { ...failing, outcome: 'meh' }),
      /step 2\.outcome: expected one of ok/,
    )
    await refuses(aCase(trips, { ...failing, color: 1 }), /step 1: `color` is unknown/)
    await refuses(aCase(trips, { op: 'check' }), /step 1\.at_ms: expected a number/)
    await refuses(
      aCase(trips, { at_ms: 0, op: 'configure', patch: { color: 1 } }),
      /step 1\.patch: `color` is unknown/,
    )
  })

  it('fails an unknown expectation along every path', async () => {
    const failures = await runCase(aCase(trips, { ...failing, expect: { mood: 'good' } }))
    assert.deepEqual(
      failures.map(({ expectation }) => expectation),
      PATHS.map(() => 'mood (unknown to this driver)'),
    )
  })

  it('fails a case whose options the breaker refuses, or that finishes what was not started', async () => {
    const refused = await runCase(aCase({ trip: { kind: 'consecutive', failures: 0 } }))
    assert.deepEqual(
      refused.map(({ operation }) => operation),
      PATHS.map(() => 'construction'),
    )
    const unknown = await runCase(aCase(trips, { at_ms: 0, op: 'release', id: 'x' }))
    assert.match(String(unknown[0]?.seen), /no call `x` was started/)
  })
})

describe('the driver knows the whole format', () => {
  it('has a meaning for every administrative operation, and for a disabled circuit', async () => {
    await passes(
      aCase(
        trips,
        { ...failing, repeat: 2, expect: { state: 'open', transitions: ['closed->open'] } },
        {
          at_ms: 0,
          op: 'disable',
          expect: { state: 'disabled', wouldAdmit: true, transitions: ['open->disabled'] },
        },
        { ...failing, repeat: 9, expect: { state: 'disabled', admitted: true, rejected: 0 } },
        { at_ms: 0, op: 'reset', expect: { state: 'closed', transitions: ['disabled->closed'] } },
        { at_ms: 0, op: 'disable', repeat: 2, expect: { transitions: ['closed->disabled'] } },
        {
          at_ms: 0,
          op: 'forceOpen',
          expect: {
            state: 'forcedOpen',
            wouldAdmit: false,
            retryAfterMs: null,
            transitions: ['disabled->forcedOpen'],
          },
        },
        { at_ms: 9e9, op: 'call', outcome: 'ok', expect: { rejectReason: 'isolated', retryAfterMs: null } },
        { at_ms: 9e9, op: 'halfOpen', expect: { state: 'halfOpen' } },
        { at_ms: 9e9, op: 'open', expect: { state: 'open', retryAfterMs: 1_000 } },
        { at_ms: 9e9, op: 'close', expect: { state: 'closed' } },
      ),
    )
  })

  it('numbers the calls of a repeated start and finishes them by number, or one call twice', async () => {
    await passes(
      aCase(
        { trip: { kind: 'never' } },
        { at_ms: 0, op: 'start', id: 'p', repeat: 3, expect: { admittedCount: 3, inFlight: 3 } },
        {
          at_ms: 0,
          op: 'finish',
          id: 'p',
          outcome: 'fail',
          repeat: 2,
          expect: { inFlight: 1, counts: { failures: 2 } },
        },
        { at_ms: 0, op: 'release', id: 'p2', expect: { applied: true, inFlight: 0, ignored: 1 } },
        { at_ms: 0, op: 'finish', id: 'p2', outcome: 'ok', expect: { applied: false, counts: { calls: 2 } } },
      ),
    )
  })

  it('trips a window by any of its thresholds, in every kind of window', async () => {
    const thresholds = { minCalls: 3, failureRate: 0.9, slowRate: 0.5, failures: 2 }
    const ok = { ...failing, outcome: 'ok', expect: { state: 'closed' } }
    for (const span of [
      { kind: 'countWindow', size: 5 },
      { kind: 'timeWindow', durationMs: 1e6, buckets: 5 },
    ]) {
      const config = { trip: { ...span, ...thresholds }, slowCallMs: 10 }
      await passes(
        aCase(config, ok, failing, { ...failing, expect: { state: 'open', tripReason: 'failureCount' } }),
      )
      const slow = { ...ok, durationMs: 11 }
      await passes(aCase(config, ok, slow, { ...slow, expect: { state: 'open', tripReason: 'slowRate' } }))
      const both = { state: 'open', tripReason: 'failureRate' }
      await passes(aCase(config, failing, failing, { ...failing, expect: both }))
    }
  })

  it('counts slow calls, and fails slow probes, wherever `slowCallMs` is given', async () => {
    const slow = { at_ms: 0, op: 'call', outcome: 'ok', durationMs: 11 }
    for (const trip of [
      { kind: 'consecutive', failures: 2 },
      { kind: 'never' },
      { kind: 'countWindow', size: 9, minCalls: 1 },
      { kind: 'timeWindow', durationMs: 1_000, buckets: 10, minCalls: 1, failureRate: 1 },
      {
        kind: 'any',
        of: [
          { kind: 'consecutive', failures: 2 },
          { kind: 'countWindow', size: 9, failures: 5 },
        ],
      },
    ]) {
      await passes(
        aCase(
          { trip, slowCallMs: 10, openDurationMs: 1_000 },
          { ...slow, expect: { state: 'closed', counts: { calls: 1, successes: 1, slow: 1 } } },
          { at_ms: 20, op: 'open' },
          { ...slow, at_ms: 1_020, expect: { admitted: true, state: 'open', attempt: 2 } },
        ),
      )
    }
  })

  it('configures every key of a config, and keeps the statistics where only a threshold changes', async () => {
    const window = { kind: 'countWindow', size: 10, minCalls: 2, failureRate: 0.9 }
    await passes(
      aCase(
        { trip: window, openDurationMs: 5 },
        { ...failing, outcome: 'ok' },
        { ...failing, expect: { state: 'closed' } },
        patch(0, { trip: { ...window, failureRate: 0.6 } }),
        patch(0, {
          openDurationMs: [100, 300],
          halfOpen: { maxCalls: 2, successesToClose: 2, probeTimeoutMs: 50 },
        }),
        patch(0, { honorRetryAfter: true, maxRetryAfterMs: 250, attemptDecayMs: 1_000, listener: 'throws' }),
        { ...failing, retryAfterMs: 200, expect: { state: 'open', retryAfterMs: 200 } },
        { at_ms: 200, op: 'start', id: 'p', expect: { admitted: true, state: 'halfOpen' } },
        { at_ms: 250, op: 'check', expect: { state: 'open', retryAfterMs: 300, tripReason: 'probeTimeout' } },
        { at_ms: 550, op: 'call', outcome: 'okError', repeat: 2, expect: { state: 'closed', attempt: 2 } },
        patch(550, {
          trip: { kind: 'never' },
          slowCallMs: 10,
          openDurationMs: { initialMs: 7, factor: 3, maxMs: 20 },
        }),
        { at_ms: 550, op: 'call', outcome: 'ok', durationMs: 11, expect: { counts: { slow: 1 } } },
        { at_ms: 561, op: 'open', expect: { retryAfterMs: 20, attempt: 3 } },
      ),
    )
  })

  it('lets every listener throw, and tolerates the reports', async () => {
    await passes(
      aCase(
        { ...trips, listener: 'throws' },
        { ...failing, repeat: 2, expect: { admittedCount: 2, state: 'open', transitions: ['closed->open'] } },
        { ...failing, expect: { rejected: 1 } },
      ),
    )
  })
})
