import { allFamilies } from './support/clients.ts'
import { conforms } from './support/conformance.ts'

for (const family of await allFamilies()) conforms(family, 'Redis')
