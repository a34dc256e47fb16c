import { describe, it } from 'node:test'
import { allFamilies, BOTH, OLDER } from '../support/clients.ts'
import { slowFaults } from '../support/faults.ts'
import { REFUSALS, survivesRefusal } from '../support/refusals.ts'
import { onServer } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

const families = await allFamilies()

stories(
  BOTH,
  ['open', 'closed'],
  slowFaults.map((fault) => onServer([fault])),
)

// They wait most of the time, so they can run concurrently.
describe('F28b, F9b: 20 breakers with a window and 20 without recover from', { concurrency: 15 }, () => {
  for (const family of families) {
    const lasts = OLDER.includes(family.name) ? 'briefly' : 'beyond the next look'
    for (const refusal of REFUSALS)
      it(`a store that ${refusal.what}, with ${family.name}`, () =>
        survivesRefusal(family, refusal, { lasts, recovers: true }))
  }
})
