import { BOTH } from './support/clients.ts'
import { ordersOfSeveralProcesses } from './support/orders.ts'

ordersOfSeveralProcesses(BOTH)
