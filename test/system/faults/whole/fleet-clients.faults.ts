import { onNetwork, onServer } from '../support/settings.ts'
import { stories } from '../support/stories.ts'

stories(['node-redis 5', 'ioredis 5', 'iovalkey'], ['open', 'closed'], [onServer(), onNetwork()])
