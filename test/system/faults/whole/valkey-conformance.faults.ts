import { VALKEY } from '../../../../scripts/valkey.ts'
import { allFamilies } from '../support/clients.ts'
import { conforms } from '../support/conformance.ts'

for (const family of await allFamilies()) conforms(family, 'Valkey', { program: VALKEY })
