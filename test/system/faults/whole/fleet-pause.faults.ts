import { describe, it } from 'node:test'
import { OLDER } from '../support/clients.ts'
import { staysOne } from '../support/pause.ts'

describe(
  'F28b: a store that pauses for 2.2 s while a probe is due does not break a fleet apart',
  { concurrency: 2 },
  () => {
    for (const client of OLDER)
      it(`whose processes have 6 breakers, with ${client}`, () => staysOne(client, 6))
  },
)
