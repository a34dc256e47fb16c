import { OLDER } from '../support/clients.ts'
import { onNetwork, onServers } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

stories(OLDER, ['open', 'closed'], [...onServers(), onNetwork()])
