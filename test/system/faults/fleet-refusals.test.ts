import { describe, it } from 'node:test'
import { BOTH, familyOf } from './support/clients.ts'
import { REFUSALS, survivesRefusal } from './support/refusals.ts'

const families = await Promise.all(BOTH.map(familyOf))

// They wait most of the time, so they can run concurrently.
describe('F28b: 20 breakers with a window and 20 without are quiet with', { concurrency: 6 }, () => {
  for (const family of families)
    for (const refusal of REFUSALS)
      it(`a store that ${refusal.what}, with ${family.name}`, () =>
        survivesRefusal(family, refusal, { lasts: 'briefly', recovers: false }))
})
