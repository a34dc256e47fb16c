import { networkFaults, serverFaults } from '../support/faults.ts'
import { stories } from '../support/stories.ts'

// The short list is about the newest versions; these are the others.
stories(['node-redis 5', 'ioredis 5', 'iovalkey'], ['open', 'closed'], {
  server: serverFaults,
  network: networkFaults,
})
