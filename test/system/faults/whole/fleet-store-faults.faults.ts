import { BOTH } from '../support/clients.ts'
import { onNetwork, onServer } from '../support/places.ts'
import { stories } from '../support/stories.ts'

stories(BOTH, ['open', 'closed'], [onServer(), onNetwork()])
