// The benefit and the cost of sharing a breaker among the processes of a fleet: real breakers in virtual time.
// Usage: npm run simulate [-- --quick] [--seed N] [--only ID]... [--json]; docs/simulation.md discusses the results.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runAll } from './simulate/run.ts'
import type { GroupResult } from './simulate/results.ts'
import { groups, scenarios, type Group, type Scenario } from './simulate/scenario.ts'
import { table } from './simulate/table.ts'

const HELP = `Simulates fleets of breakers in virtual time: local only, first-trip and pooled.

  npm run simulate [-- OPTIONS]

  --quick      only scenarios with up to 200 processes; no plots
  --seed N     a whole number from 0; the same seed gives the same figures (default 1)
  --runs N     simulates everything so often, with one seed after the other, and takes medians (default 1)
  --only ID    a scenario or a group of them, may be repeated; no plots
  --json       end with the figures as one line of JSON
  --help

Groups and scenarios:
${groups.map(({ id, scenarios }) => `  ${id.padEnd(10)} ${scenarios.map((each) => each.id).join(', ')}`).join('\n')}`

const QUICK_SIZE = 200
const PLOTS = fileURLToPath(new URL('../docs/simulation/', import.meta.url))

interface Arguments {
  readonly quick: boolean
  readonly json: boolean
  readonly help: boolean
  readonly only: readonly string[]
  readonly seed: number
  readonly runs: number
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1' },
    },
  })
  const known = new Set([...groups, ...scenarios].map(({ id }) => id))
  const unknown = values.only.find((id) => !known.has(id))
  if (unknown !== undefined)
    throw new RangeError(`Expected \`--only\` to be one of ${[...known].join(', ')}, got '${unknown}'`)
  const seed = readWhole('seed', values.seed, 0, 4_000_000_000)
  return { ...values, seed, runs: readWhole('runs', values.runs, 1, 100) }
}

function readWhole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  const range = `from ${least} to ${most.toLocaleString('en')}`
  throw new RangeError(`Expected \`--${name}\` to be a whole number ${range}, got '${text}'`)
}

function choose(quick: boolean, only: readonly string[]): Group[] {
  const isWanted = (group: Group, { id, size }: Scenario): boolean =>
    only.length > 0 ? only.includes(id) || only.includes(group.id) : !quick || size <= QUICK_SIZE
  return groups
    .map((group): Group => {
      const { id, title } = group
      return { id, title, scenarios: group.scenarios.filter((each) => isWanted(group, each)) }
    })
    .filter(({ scenarios }) => scenarios.length > 0)
}

/** The part of a result that is printed as JSON. */
function plain({ group, results }: GroupResult): object {
  return {
    id: group.id,
    scenarios: results.map(({ scenario: { id, size, rate }, of }) => ({ id, size, rate, of })),
  }
}

async function main(): Promise<void> {
  const { quick, json, help, only, seed, runs } = readArguments()
  if (help) return console.log(HELP)
  const started = performance.now()
  const results = await runAll(choose(quick, only), {
    seed,
    runs,
    done: ({ scenario, policy, seed }, seconds, left) =>
      console.error(`${scenario.id}, ${policy}, seed ${seed}: ${seconds.toFixed(1)} s; ${left} left`),
  })
  for (const each of results) console.log(`\n${table(each)}`)
  if (!quick && only.length === 0) {
    const { plots } = await import('./simulate/plots.ts') // most runs do not need it
    mkdirSync(PLOTS, { recursive: true })
    for (const [name, svg] of plots(results)) writeFileSync(`${PLOTS}${name}.svg`, svg)
    console.log(`\nPlots: docs/simulation/`)
  }
  console.log(`\nSeed ${seed}, runs ${runs}; ${((performance.now() - started) / 1_000).toFixed(0)} s`)
  if (json) console.log(JSON.stringify({ seed, runs, groups: results.map(plain) }))
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
