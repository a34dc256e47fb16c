import { CircuitBreaker } from 'recloser'

export const made: CircuitBreaker = new CircuitBreaker({ name: 'made by an ES module' })
