/**
 * Classifying the errors of a client library with `classifyError`: which of them say that the dependency is unhealthy.
 *
 *   node examples/integrations/classify.ts
 */
import { CircuitBreaker } from 'recloser'
import { classifyPgError } from 'recloser/classify'

/** Simulates `pool.query` of pg, whose errors have this shape. */
async function query(outcome: 'duplicate' | 'shutdown'): Promise<never> {
  const [code, message] =
    outcome === 'duplicate' ? ['23505', 'duplicate key value'] : ['57P01', 'terminating connection']
  throw Object.assign(new Error(message), { code, severity: 'ERROR' })
}

const database = new CircuitBreaker({ name: 'database', failMax: 3, classifyError: classifyPgError })

for (let i = 0; i < 10; i++) await database.call(query, 'duplicate').catch(() => {})
console.log(`after ten violated constraints: ${database.state}`)
for (let i = 0; i < 3; i++) await database.call(query, 'shutdown').catch(() => {})
console.log(`after three refused by a server that shuts down: ${database.state}`)
