import { describe, it } from 'node:test'
import { allFamilies } from './support/clients.ts'
import { idlesQuietly, saysLittle } from './support/quiet.ts'

const families = await allFamilies()

// They wait most of the time, so they can run concurrently.
describe('F28b: with', { concurrency: true }, () => {
  for (const family of families) {
    it(`${family.name}, a process whose idle connections the server closes says nothing`, () =>
      idlesQuietly(family, 7_000))
    it(`${family.name}, a process whose connections are killed all the time says little`, () =>
      saysLittle(family, 10_000))
  }
})
