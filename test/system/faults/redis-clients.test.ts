import { leavesClientsAlone } from './support/users-clients.ts'

leavesClientsAlone(['ioredis 6'])
