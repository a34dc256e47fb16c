import { Queue, RateLimitError, UnrecoverableError, Worker, type Job, type Processor } from 'bullmq'
import { Redis } from 'ioredis'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { isCallTimeoutError, isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { startRedis, type RedisServer, withoutRedis } from '../../system/faults/support/redis-server.ts'
import { countsOf, delay, errorOf, judged } from '../support/breakers.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

type Work = (data: string, signal: AbortSignal) => Promise<unknown>

interface Recipe {
  readonly mailer: CircuitBreaker
  readonly jobs: CircuitBreaker
  readonly processor: (work: Work) => Processor<string>
  readonly add: (queue: Queue, name: string, data: unknown) => Promise<Job>
}

describe('the recipe for BullMQ', { skip: withoutRedis() }, () => {
  let server: RedisServer
  let recipe: Recipe
  let breaker: CircuitBreaker
  let queue: Queue<string>
  let worker: Worker<string>
  /** How the mail server handles a job. */
  let work: Work

  const connection = (): { host: string; port: number } => ({ host: '127.0.0.1', port: server.port })

  before(async () => {
    server = await startRedis()
    recipe = await loadRecipe<Recipe>('bullmq')
    breaker = recipe.mailer
    queue = new Queue('mail', { connection: connection() })
    worker = new Worker(
      'mail',
      recipe.processor((data, signal) => work(data, signal)),
      { connection: connection(), concurrency: 4 },
    )
    worker.on('error', () => {})
    await worker.waitUntilReady()
  })
  after(async () => {
    await worker.close()
    await queue.close()
    await server.stop()
  })
  beforeEach(() => {
    breaker.close()
    work = async (data) => `mailed ${data}`
  })
  afterEach(async () => {
    breaker.configure({ timeoutDuration: 60_000, callTimeout: Infinity })
    await queue.obliterate({ force: true })
  })

  /** Adds a job and waits until the worker has finished it. */
  async function mail(attempts = 1): Promise<Job<string>> {
    const done = ended()
    await queue.add('mail', 'ada@example.com', { attempts })
    return done
  }

  async function ended(): Promise<Job<string>> {
    const controller = new AbortController()
    const { signal } = controller
    const all = ['completed', 'failed'].map((event) => once(worker, event, { signal }))
    const [job] = (await Promise.race(all)) as [Job<string>]
    for (const each of all) each.catch(() => {})
    controller.abort()
    return job
  }

  /** Waits until a job has been put back. */
  async function putBack(): Promise<Job<string>> {
    for (let wait = 0; wait < 400; wait++) {
      const [job] = await queue.getDelayed()
      if (job) return job
      await delay(5)
    }
    return assert.fail('no job was put back')
  }

  it('processes a job', async () => {
    const job = await mail()
    assert.equal(job.returnvalue, 'mailed ada@example.com')
    assert.match(countsOf(breaker), /^1 succeeded/)
  })

  it('lets a job fail with its own error, each attempt a call', async () => {
    work = () => Promise.reject(new Error('refused'))
    await mail()
    assert.equal((await mail()).failedReason, 'refused')
    assert.equal(breaker.failCounter, 2)
    work = () => {
      throw new TypeError('at once')
    }
    assert.equal((await mail()).failedReason, 'at once')
    assert.equal(breaker.failCounter, 3)
  })

  it('puts a job back while the circuit is open without using up an attempt, and processes it later', async () => {
    let worked = 0
    work = async () => `${++worked}`
    breaker.open({ for: 300 })
    const opened = Date.now()
    const job = await mail()
    assert.ok(Date.now() - opened >= 299, `${Date.now() - opened} ms`)
    assert.deepEqual([job.returnvalue, worked, job.attemptsMade], ['1', 1, 1])
    assert.equal(breaker.state, 'closed')
  })

  it('puts a job back for as long as the circuit is open, but no longer than a minute', async () => {
    work = () => assert.fail('worked')
    for (const [open, longest] of [
      [() => breaker.open({ for: 5_000 }), 5_000],
      [() => breaker.isolate(), 60_000],
    ] as const) {
      open()
      const before = Date.now()
      await queue.add('mail', 'ada@example.com')
      const job = await putBack()
      const until = job.timestamp + job.delay
      assert.ok(until > before + longest - 500 && until < Date.now() + longest + 500, `${until - before} ms`)
      await job.remove()
    }
  })

  it('when half-open, one job is the probe and the others are put back', async () => {
    let release = (): void => {}
    work = () => new Promise<void>((resolve) => void (release = resolve))
    breaker.halfOpen()
    const done = ended()
    await queue.addBulk(['a', 'b'].map((data) => ({ name: 'mail', data })))
    await putBack()
    assert.equal(breaker.snapshot().inFlight, 1)
    release()
    await done
    assert.equal(breaker.state, 'closed')
  })

  it('ignores the control errors that a processor throws for its worker', async () => {
    const before = breaker.snapshot().ignored
    work = () => Promise.reject(new UnrecoverableError('no such address'))
    assert.equal((await mail(5)).attemptsMade, 1)
    work = () => Promise.reject(new RateLimitError())
    await queue.add('mail', 'ada@example.com')
    while (breaker.snapshot().ignored - before < 2) await delay(5)
    work = async () => 'mailed'
    await ended()
    assert.equal(breaker.failCounter, 0)
  })

  it('ignores a job that its worker cancels, and counts one that takes too long', async () => {
    const before = breaker.snapshot().ignored
    const signals: AbortSignal[] = []
    work = (_, signal) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const cancelled = mail()
    while (signals.length === 0) await delay(5)
    worker.cancelAllJobs('enough')
    await cancelled
    assert.equal(signals[0]?.aborted, true)
    assert.equal(breaker.snapshot().ignored - before, 1)
    breaker.configure({ callTimeout: 20 })
    const { failedReason } = await mail()
    assert.match(failedReason, /20 ms/)
    assert.ok(isCallTimeoutError(signals[1]?.reason))
    assert.equal(breaker.failCounter, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('returns every permit', () =>
    assertNoPermitIsLost(breaker, async ({ request, caller, after: patience }) => {
      const process = recipe.processor(async () => {
        if (request === 'hang') return new Promise(() => {})
        if (request !== 'Hello') throw new Error(request)
        return undefined
      })
      const controller = new AbortController()
      const late = new DOMException('late', 'TimeoutError')
      if (caller !== 'waits')
        setTimeout(() => controller.abort(caller === 'cancels' ? 'enough' : late), patience)
      const job = { data: request, moveToDelayed: async () => {} } as unknown as Job<string>
      await process(job, 'token', controller.signal).catch(() => {})
    }))

  it('guards the adding of jobs, which fails when a job cannot be written, or when Redis is slow or down', async () => {
    const { jobs, add } = recipe
    const mortal = await startRedis()
    const other = new Queue('other', {
      connection: { host: '127.0.0.1', port: mortal.port, maxRetriesPerRequest: 1, retryStrategy: () => 20 },
    })
    other.on('error', () => {})
    assert.equal((await add(other, 'mail', { to: 'ada' })).name, 'mail')
    assert.match(countsOf(jobs), /^1 succeeded/)
    const mistake = new Error('no JSON')
    const toJSON = (): never => {
      throw mistake
    }
    const throws = async (): Promise<unknown> =>
      assert.equal(await errorOf(add(other, 'mail', { toJSON })), mistake)
    assert.equal(await judged(jobs, throws), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    const control = new Redis(mortal.url)
    await control.client('PAUSE', 60_000)
    control.disconnect()
    jobs.configure({ callTimeout: 30 })
    const limited = async (): Promise<unknown> =>
      assert.ok(isCallTimeoutError(await errorOf(add(other, 'mail', {}))))
    assert.equal(await judged(jobs, limited), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    jobs.configure({ callTimeout: Infinity })
    await mortal.stop()
    jobs.close()
    jobs.configure({ failMax: 2 })
    for (let call = 0; call < 2; call++) {
      assert.equal((await errorOf(add(other, 'mail', {}))).name, 'MaxRetriesPerRequestError')
    }
    assert.equal(jobs.state, 'open')
    assert.ok(isCircuitBreakerError(await errorOf(add(other, 'mail', {}))))
    assert.equal(jobs.snapshot().inFlight, 0)
    await other.close()
  })
})
