import { BOTH } from '../support/clients.ts'
import { onNetwork, onServer } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

stories(BOTH, ['half-open', 'isolated'], [onServer(), onNetwork()])
