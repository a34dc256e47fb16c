// A breaker is one type, whoever made it.
import type { CircuitBreaker } from 'recloser'
import { made } from './makes.mjs'
import { make, take } from './takes.cjs'

export const state: string = take(made)
export const breaker: CircuitBreaker = make()
