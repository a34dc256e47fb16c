import { networkFaults, serverFaults } from './support/faults.ts'
import { stories } from './support/stories.ts'

stories(['node-redis 6', 'ioredis 6'], ['open', 'closed'], { server: serverFaults, network: networkFaults })
