import { BOTH } from '../support/clients.ts'
import { slowFaults } from '../support/faults.ts'
import { onServer } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

stories(BOTH, ['open', 'closed'], [onServer(slowFaults)])
