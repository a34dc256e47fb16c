import { BOTH } from '../support/clients.ts'
import { onNetwork, onServers } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

stories(BOTH, ['open', 'closed'], [...onServers(), onNetwork()])
