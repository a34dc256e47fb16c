import { OLDER } from '../support/clients.ts'
import { ordersOfSeveralProcesses } from '../support/orders.ts'

ordersOfSeveralProcesses(OLDER)
