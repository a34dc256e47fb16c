import { OLDER } from '../support/clients.ts'
import { onNetwork, onServer } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

stories(OLDER, ['open', 'closed'], [onServer(), onNetwork()])
