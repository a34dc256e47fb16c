import { CircuitBreaker } from 'recloser'
import recloser = require('recloser')

export const take = (breaker: CircuitBreaker): string => breaker.state
export const make = (): recloser.CircuitBreaker => new CircuitBreaker()
