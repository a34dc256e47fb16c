import assert from 'node:assert/strict'
import { before, beforeEach, describe, it } from 'node:test'
import { classifyBullMQError } from '../../../src/integrations/classify/index.ts'
import type { CircuitBreaker } from '../../../src/index.ts'
import { countsOf, errorOf } from '../support/breakers.ts'
import { DelayedError } from './bullmq.ts'
import { loadRecipe } from './recipe.ts'

// BullMQ is not here: the processor is called as a worker calls it, with as much of a job as it uses.
interface Job {
  readonly data: string
  moveToDelayed(timestamp: number, token?: string): Promise<void>
}

interface Recipe {
  readonly mailer: CircuitBreaker
  readonly processor: (
    work: (data: string) => Promise<unknown>,
  ) => (job: Job, token?: string) => Promise<unknown>
}

let recipe: Recipe
let breaker: CircuitBreaker
let delays: number[]
before(async () => {
  recipe = await loadRecipe<Recipe>('bullmq', { bullmq: 'test/integrations/recipes/bullmq.ts' })
  breaker = recipe.mailer
})
beforeEach(() => {
  breaker.close()
  delays = []
})

const job: Job = {
  data: 'ada@example.com',
  async moveToDelayed(timestamp, token) {
    assert.equal(token, 'token')
    delays.push(timestamp - Date.now())
  },
}

describe('the recipe for BullMQ', () => {
  it('does the work of a job', async () => {
    const process = recipe.processor(async (data) => `mailed ${data}`)
    assert.equal(await process(job, 'token'), 'mailed ada@example.com')
    assert.match(countsOf(breaker), /^1 well/)
  })

  it('lets a job fail as it does', async () => {
    const error = new Error('refused')
    const process = recipe.processor(() => Promise.reject(error))
    assert.equal(await errorOf(process(job, 'token')), error)
    assert.equal(breaker.failCounter, 1)
    assert.deepEqual(delays, [])
  })

  it('puts a job back for as long as the circuit is open', async () => {
    const process = recipe.processor(() => assert.fail('worked'))
    breaker.open({ for: 5_000 })
    assert.ok((await errorOf(process(job, 'token'))) instanceof DelayedError)
    breaker.isolate()
    assert.ok((await errorOf(process(job, 'token'))) instanceof DelayedError)
    const [open = 0, isolated = 0] = delays
    assert.ok(open > 4_500 && open <= 5_001, String(open))
    assert.ok(isolated > 59_500 && isolated <= 60_000, String(isolated))
  })

  it('ignores what a processor tells its worker', async () => {
    const process = recipe.processor(() => Promise.reject(new DelayedError()))
    const before = breaker.snapshot().ignored
    await errorOf(process(job, 'token'))
    assert.equal(breaker.snapshot().ignored - before, 1)
    assert.equal(classifyBullMQError(new DelayedError()), 'ignored')
  })
})
