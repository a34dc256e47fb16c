import { leavesClientsAlone } from '../support/users-clients.ts'

leavesClientsAlone(['node-redis 6', 'node-redis 5', 'ioredis 5', 'iovalkey'])
