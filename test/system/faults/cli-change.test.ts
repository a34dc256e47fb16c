import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'
import { RedisStorage } from '../../../src/storage/redis/index.ts'
import { allFamilies, type Family } from './support/clients.ts'
import { Project } from './support/command-line.ts'
import { Dependency } from './support/dependency.ts'
import { until } from '../../helpers/until.ts'
import { Fleet } from './support/fleet.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'

const families = await allFamilies()

async function withServer(work: (server: RedisServer) => Promise<void>): Promise<void> {
  const server = await startRedis()
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

async function runAll(family: Family, server: RedisServer, project: Project): Promise<void> {
  const storage = new RedisStorage({ client: () => family.single(server.url) })
  try {
    await changeBreaker(storage, project)
  } finally {
    await storage[Symbol.asyncDispose]()
  }
}

async function changeBreaker(storage: RedisStorage, project: Project): Promise<void> {
  const name = 'payments'
  const breaker = new CircuitBreaker({ name, storage })
  const rejected = (): Promise<string> =>
    breaker
      .call(() => 'answered')
      .catch((error: unknown) => {
        assert.ok(isCircuitBreakerError(error), String(error))
        return error.reason
      })
  // Keep calling the breaker: an idle one need not learn of anything before its next call (F23). On a busy machine the
  // interval grows with the time of the store's replies (F24).
  const becomes = (state: string, reason: string | null): Promise<void> =>
    until(
      async () => {
        await rejected()
        return breaker.state === state && breaker.snapshot().tripReason === reason
      },
      () => `${state} (${String(reason)}): ${JSON.stringify(breaker.snapshot())}`,
    )
  await breaker.call(() => 'answered')
  await breaker.flush()
  const args = ['isolate', name, '--reason', 'until 14:00']
  const isolated = await project.recloser('fleet', ...args)
  assert.deepEqual(isolated, {
    code: 0,
    out: 'payments is ■ isolated now (until 14:00). All processes that share it are notified.\n',
    err: '',
  })
  await becomes('isolated', 'until 14:00')
  assert.equal(await rejected(), 'isolated')
  const again = await project.recloser('fleet', 'isolate', name, '--reason', 'until 15:00', '--json')
  const { changed, breaker: entry } = JSON.parse(again.out) as Record<string, Record<string, unknown>>
  assert.equal(changed, false)
  assert.equal(entry?.['reason'], 'until 15:00')
  assert.match(String(entry?.['by']), /^cli(-[\w-]+)?$/)
  assert.match(String(entry?.['actor']), /^cli(:.+)?$/)
  await becomes('isolated', 'until 15:00')
  assert.equal(breaker.snapshot().fleet?.actor, entry?.['actor'])

  const opened = await project.recloser('fleet', 'open', name, '--for', '5m', '--reason', 'deploying')
  assert.match(opened.out, /^payments is ✖ open now \(deploying, 5 min 00 s left\)/)
  await becomes('open', 'deploying')
  assert.ok(breaker.retryAfter > 290_000 && breaker.retryAfter <= 300_000, `${breaker.retryAfter}`)
  assert.equal(await rejected(), 'open')

  const due = await project.recloser('fleet', 'half-open', name)
  assert.match(
    due.out,
    /^payments is ✖ open already \(deploying, the next calls are probes\)\. .* The reason is kept\. /,
  )
  await until(
    async () => (await rejected()) === 'answered',
    () => 'a probe',
  )
  await becomes('closed', null)

  assert.equal((await project.recloser('fleet', 'isolate', name)).code, 0)
  await becomes('isolated', 'manual')
  const closed = await project.recloser('fleet', 'close', name, '--reason', 'fixed')
  assert.match(closed.out, /^payments is ● closed now \(fixed\)/)
  await becomes('closed', null)
  assert.equal(await rejected(), 'answered')
}

// The tests mostly wait: a hint makes a process exchange at most once per second.
describe('recloser fleet isolate, open, half-open and close', { concurrency: true }, () => {
  for (const family of families.filter(({ name }) => /6|iovalkey/.test(name))) {
    it(`F9: reaches a live breaker, with the reason, with ${family.name}`, () =>
      withServer(async (server) => {
        const project = new Project(family.name, { REDIS_URL: server.url })
        try {
          await runAll(family, server, project)
        } finally {
          project.remove()
        }
      }))
  }

  it('F9: reaches the processes of two client libraries', () =>
    withServer(async (server) => {
      const dependency = await Dependency.start()
      const project = new Project('ioredis 6', { REDIS_URL: server.url })
      const fleet = await Fleet.start(2, {
        client: 'node-redis 6',
        store: { url: server.url },
        dependency: dependency.url,
        each: (index) => (index === 1 ? { client: 'iovalkey' } : {}),
      })
      try {
        await fleet.rate(20)
        await fleet.calls(3)
        await until(
          async () => (await project.recloser('fleet')).out.includes('payments'),
          'they have reported',
        )
        const made = await project.recloser('fleet', 'isolate', 'payments', '--reason', 'maintenance')
        assert.equal(made.code, 0, made.err)
        await fleet.agree('isolated')
        await project.recloser('fleet', 'close', 'payments', '--reason', 'fixed')
        await fleet.agree('closed')
        await fleet.calls(3)
      } finally {
        await fleet.end()
        project.remove()
        await dependency.close()
      }
    }))
})
