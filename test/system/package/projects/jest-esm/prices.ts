import { CircuitBreaker } from 'recloser'

export const breaker = new CircuitBreaker({ name: 'prices', failMax: 2, timeoutDuration: 1_000 })
export const price = breaker.wrap(async (ask: () => Promise<number>) => ask())
