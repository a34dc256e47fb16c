import { BOTH } from './support/clients.ts'
import { networkFaults, serverFaults } from './support/faults.ts'
import { onNetwork, onServer } from './support/settings.ts'
import { stories } from './support/stories.ts'

// The most significant faults; `whole/` has all of them, at all moments and with all clients.
const { killedEmpty, hung, full } = serverFaults
const { reset, silent } = networkFaults

stories(BOTH, ['open'], [onServer([killedEmpty, hung]), onNetwork([reset, silent])])
stories(BOTH, ['closed'], [onServer([full])])
