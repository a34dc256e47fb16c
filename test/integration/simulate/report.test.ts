import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { Measured } from '../../../scripts/simulate/measures.ts'
import { plots } from '../../../scripts/simulate/plots.ts'
import { jobsFor, toResult, type GroupResult, type Job } from '../../../scripts/simulate/results.ts'
import { groups, POLICIES, scenarios } from '../../../scripts/simulate/scenario.ts'
import { table } from '../../../scripts/simulate/table.ts'

const root = join(import.meta.dirname, '../../..')
const run = promisify(execFile)
const scenario = scenarios[0]!

function measured(failed: number, protectedAfter: number | null): Measured {
  const store = { calm: 0.2, outage: 1_234.4, peak: 2_000, idle: 0, longestReply: 21 }
  const counts = { calls: 4_000, failed, probes: 6, failedProbes: 5, lost: 100, falseTrips: 0 }
  return { ...counts, protectedAfter, recoveredAfter: 1_500, store, open: [0, 0.5, 1] }
}

/** Identical results for all scenarios. */
const results: GroupResult[] = groups.map((group) => ({
  group,
  results: group.scenarios.map((each) => {
    const [local, firstTrip, pooled] = [measured(1_500, null), measured(300, 7_400), measured(20, 1_260)]
    return { scenario: each, of: { local, 'first-trip': firstTrip, pooled } }
  }),
}))

describe('the report of the simulator', () => {
  it('lists each scenario once, with a unique id', () => {
    assert.equal(
      new Set([...scenarios, ...groups].map(({ id }) => id)).size,
      scenarios.length + groups.length,
    )
    assert.equal(Math.max(...scenarios.map(({ size }) => size)), 10_000)
  })

  it('takes the medians, and sorts an event that never happens last', () => {
    const of = (runs: readonly Measured[]): Measured => {
      const jobs = POLICIES.flatMap((policy) =>
        runs.map((run, seed): [Job, Measured] => [{ scenario, policy, seed }, run]),
      )
      return toResult(scenario, jobs).of.pooled
    }
    const median = of([measured(30, null), measured(10, 500), measured(20, 400)])
    assert.equal(median.failed, 20)
    assert.equal(median.protectedAfter, 500)
    assert.equal(of([measured(1, null), measured(1, null), measured(1, 5)]).protectedAfter, null)
  })

  it('runs each scenario under each policy with the same seeds', () => {
    for (const policy of POLICIES) {
      const seeds = jobsFor(scenario, 5, 3).flatMap((job) => (job.policy === policy ? [job.seed] : []))
      assert.deepEqual(seeds, [5, 6, 7])
    }
  })

  it('prints a line for each policy with its figures', () => {
    const lines = table(results[0]!).split('\n')
    const [local, , pooled] = lines.slice(4)
    assert.match(
      local!,
      /^10 processes +local +4,000 +1,500 +never +6 +1\.5 s +100 +0 +<1 +1,234 +2,000 +0 +21 ms$/,
    )
    assert.match(pooled!, /^ +pooled +4,000 +20 +1\.3 s /)
    assert.equal(lines.length, 4 + 3 * groups[0]!.scenarios.length)
  })

  it('draws each plot on a background of its own, with a title, named axes and the policies', () => {
    const drawn = plots(results)
    assert.deepEqual(
      drawn.map(([name]) => name),
      ['calls', 'open', 'protected', 'partial', 'store'],
    )
    for (const [name, svg] of drawn) {
      assert.match(svg, /^<svg [^>]*viewBox="0 0 760 420"/)
      assert.match(svg, /<rect [^>]*fill="#ffffff"/, name)
      assert.ok(svg.includes(name === 'store' ? 'two per call' : '>first-trip</text>'), name)
      assert.ok(!/NaN|undefined|Infinity/.test(svg), name)
    }
  })
})

describe('npm run simulate', () => {
  const simulate = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, ['scripts/simulate.ts', ...args], { cwd: root, timeout: 120_000 })

  it('prints a table and, on request, the figures as JSON', async () => {
    const { stdout } = await simulate('--only', 'size-10', '--seed', '3', '--json')
    assert.match(stdout, /10 processes +local +\d/)
    const { seed, groups } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      seed: number
      groups: { id: string; scenarios: { id: string; of: Record<string, Measured> }[] }[]
    }
    assert.equal(seed, 3)
    assert.deepEqual(
      groups.map(({ scenarios }) => scenarios.map(({ id }) => id)),
      [['size-10']],
    )
    const { of } = groups[0]!.scenarios[0]!
    assert.deepEqual(Object.keys(of), POLICIES)
    assert.ok(of['pooled']!.failed > 0 && of['pooled']!.failed < of['local']!.failed)
  })

  for (const [args, message] of [
    [['--seed', '1.5'], /^Expected `--seed` to be a whole number .*, got '1\.5'$/m],
    [['--runs', '0'], /^Expected `--runs` to be a whole number from 1 to 100, got '0'$/m],
    [['--only', 'size-11'], /^Expected `--only` to be one of sizes, .*, got 'size-11'$/m],
    [['--fast'], /^Unknown option '--fast'/m],
  ] as const) {
    it(`reports the error in ${args.join(' ')}`, async () => {
      await assert.rejects(simulate(...args), (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 1)
        assert.match(error.stderr, message)
        assert.ok(!error.stderr.includes('    at '), 'no stack')
        return true
      })
    })
  }
})
