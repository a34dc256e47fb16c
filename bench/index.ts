// Measures what a breaker costs, compared with its peers. Needs `dist` and `node --expose-gc`.
// Usage: npm run bench [-- --quick] [-- --json]
// --quick only shows that everything runs; --json adds the report as one JSON object on the last line. Slow figures
// never fail the run: times on a shared machine prove nothing.
import { measureFleet } from './fleet/index.ts'
import { measureRequests } from './http.ts'
import { idleBreakers, idleBytes, idleTimers } from './idle.ts'
import { measureImports } from './imports.ts'
import { measureNewKeys } from './keys.ts'
import { measureAll } from './measure.ts'
import { measureOperation } from './operate.ts'
import { keysOf, recordOf } from './record.ts'
import { render } from './render.ts'
import { report } from './report.ts'

const quick = process.argv.includes('--quick')
const rounds = await measureAll(
  quick ? { warmUpRounds: 0, rounds: 1, budget: 5 } : { warmUpRounds: 3, rounds: 40, budget: 25 },
)

const timers = recordOf(keysOf(idleBreakers), (name) => idleTimers(idleBreakers[name]))
const bytes = recordOf(keysOf(idleBreakers), () => 0)
for (const name of keysOf(idleBreakers)) {
  bytes[name] = await idleBytes(idleBreakers[name], quick ? 1_000 : 10_000)
}

const result = report(rounds, {
  idleBytes: bytes,
  idleTimers: timers,
  newKeys: measureNewKeys(quick),
  operation: await measureOperation(quick),
  requests: await measureRequests(quick),
  imports: measureImports(quick),
  fleet: await measureFleet(quick),
})
console.log(render(result))
if (quick) console.log('\nA quick run: the figures mean nothing.')
if (process.argv.includes('--json')) console.log(JSON.stringify(result))
