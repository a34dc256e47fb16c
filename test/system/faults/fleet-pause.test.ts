import { describe, it } from 'node:test'
import { BOTH } from './support/clients.ts'
import { staysOne } from './support/pause.ts'

describe(
  'F28b: a store that pauses for 2.2 s while a probe is due does not break a fleet apart',
  { concurrency: 3 },
  () => {
    for (const client of BOTH) {
      for (const breakers of [1, 6, 40])
        it(`whose processes have ${breakers} breakers, with ${client}`, () => staysOne(client, breakers))
    }
  },
)
