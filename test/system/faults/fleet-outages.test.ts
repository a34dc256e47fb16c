import { describe, it } from 'node:test'
import { BOTH } from './support/clients.ts'
import { agreesAfter, type Loss } from './support/return.ts'

describe('F24b: nine processes with 1, 6 and 40 breakers agree within an interval and a second', () => {
  for (const loss of ['killed', 'hung', 'cut'] as const satisfies readonly Loss[]) {
    it(`after a store that was ${loss} is back`, (test) =>
      agreesAfter(loss, BOTH, [{ times: 2, seconds: 1 }], (line) => test.diagnostic(line)))
  }
})
