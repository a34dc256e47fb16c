import assert from 'node:assert/strict'
import { before, beforeEach, describe, it } from 'node:test'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { countsOf, errorOf } from '../support/breakers.ts'
import { loadRecipe } from './recipe.ts'

// Prisma needs a generated client and an engine, which are not here: the extension is called as Prisma documents it, and
// the errors have the names and codes of its error reference.
interface Operation {
  readonly model?: string
  readonly operation: string
  readonly args: unknown
  readonly query: (args: unknown) => Promise<unknown>
}

interface Recipe {
  readonly database: CircuitBreaker
  readonly breakerExtension: {
    readonly query: { $allOperations: (operation: Operation) => Promise<unknown> }
  }
}

let recipe: Recipe
let breaker: CircuitBreaker
before(async () => {
  recipe = await loadRecipe<Recipe>('prisma')
  breaker = recipe.database
})
beforeEach(() => void breaker.close())

const run = (query: Operation['query'], args: unknown = {}): Promise<unknown> =>
  recipe.breakerExtension.query.$allOperations({ model: 'User', operation: 'findMany', args, query })

const prismaError = (name: string, code?: string): Error =>
  Object.assign(new Error('no'), { name: `PrismaClient${name}`, ...(code !== undefined && { code }) })

describe('the recipe for Prisma', () => {
  it('hands the arguments on and the result back', async () => {
    const args = { where: { id: 1 } }
    assert.equal(await run(async (given) => given, args), args)
    assert.match(countsOf(breaker), /^1 well/)
  })

  it('counts what says that the database is unwell, and no mistake of a query', async () => {
    const unwell = [
      prismaError('KnownRequestError', 'P1001'),
      prismaError('KnownRequestError', 'P2024'),
      prismaError('InitializationError'),
      prismaError('RustPanicError'),
    ]
    for (const [index, error] of unwell.entries()) {
      assert.equal(await errorOf(run(() => Promise.reject(error))), error)
      assert.equal(breaker.failCounter, index + 1)
    }
    breaker.close()
    for (const error of [
      prismaError('KnownRequestError', 'P2002'),
      prismaError('KnownRequestError', 'P2025'),
      prismaError('ValidationError'),
    ]) {
      assert.equal(await errorOf(run(() => Promise.reject(error))), error)
    }
    assert.equal(breaker.failCounter, 0)
  })

  it('rejects without a query while it is open', async () => {
    breaker.open()
    assert.ok(isCircuitBreakerError(await errorOf(run(() => assert.fail('queried')))))
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
