import { describe, it } from 'node:test'
import { ALL } from '../support/clients.ts'
import { agreesAfter, type Loss } from '../support/return.ts'

const PLAN = [
  { times: 20, seconds: 1 },
  { times: 5, seconds: 8 },
  { times: 1, seconds: 60 },
]

describe(
  'F24b: nine processes with 1, 6 and 40 breakers agree within an interval and a second',
  { concurrency: 3 },
  () => {
    for (const loss of ['killed', 'hung', 'cut'] as const satisfies readonly Loss[]) {
      it(`after a store that was ${loss} is back`, (test) =>
        agreesAfter(loss, ALL, PLAN, (line) => test.diagnostic(line)))
    }
  },
)
