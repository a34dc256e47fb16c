import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ExitCode } from '../../../../src/cli/base/command.ts'
import { main } from '../../../../src/cli/main.ts'
import { createDashboard } from '../../../../src/dashboard/server/index.ts'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import { MemoryStorage } from '../../../../src/storage/index.ts'
import { fakeIo } from '../fake-io.ts'
import { serve, type TestServer } from '../../../helpers/server.ts'
import { until } from '../../../helpers/until.ts'

const unreachable = (): MemoryStorage =>
  new MemoryStorage({
    faults: {
      before: () => {
        throw new Error('unreachable')
      },
    },
  })

describe('the output of control commands for a breaker of a fleet', () => {
  const monitor = new CircuitBreakerMonitor()
  let server: TestServer

  before(async () => {
    server = await serve(createDashboard(monitor, { authorize: () => true }).node)
  })
  after(() => server.stop())

  /** Adds a watched breaker that has tried to reach its storage. */
  async function add(name: string, options: CircuitBreakerOptions): Promise<CircuitBreaker> {
    const breaker = new CircuitBreaker({ name, ...options })
    monitor.watch(breaker)
    await breaker.call(() => 1)
    await until(() => breaker.snapshot().fleet?.link !== 'connecting', 'it has tried')
    return breaker
  }

  async function isolate(name: string, reason = 'maintenance', ...more: readonly string[]): Promise<string> {
    const io = fakeIo()
    const code = await main(['isolate', server.url, name, '--reason', reason, ...more], io)
    assert.deepEqual([code, io.err.text], [ExitCode.DONE, ''])
    return io.out.text
  }

  it('says that the change reaches all processes', async () => {
    const storage = new MemoryStorage()
    await add('payments', { storage })
    assert.equal(
      await isolate('payments'),
      'payments is ■ isolated now (maintenance). On all processes of its fleet.\n',
    )
    const elsewhere = new CircuitBreaker({ name: 'payments', storage })
    await elsewhere.call(() => 1).catch(() => {})
    await until(() => elsewhere.state === 'isolated', 'the other process receives it')
  })

  it('says that the fleet is unreachable and gets the change later', async () => {
    await add('cut off', { storage: unreachable() })
    assert.equal(
      await isolate('cut off'),
      'cut off is ■ isolated now (maintenance). In that process only: its fleet cannot be reached, and receives the change later.\n',
    )
  })

  it('says that the fleet has not been reached yet', async () => {
    monitor.watch(new CircuitBreaker({ name: 'unused', storage: new MemoryStorage() }))
    assert.equal(
      await isolate('unused'),
      'unused is ■ isolated now (maintenance). On all processes of its fleet, as soon as it can be reached.\n',
    )
  })

  it('says that the fleet never gets the change where the breaker only observes', async () => {
    await add('observer', { storage: new MemoryStorage(), share: 'observe' })
    assert.equal(
      await isolate('observer'),
      'observer is ■ isolated now (maintenance). In that process only: it observes its fleet and does not change it.\n',
    )
  })

  it('F29: says that a long reason was cut', async () => {
    monitor.watch(new CircuitBreaker({ name: 'verbose' }))
    const reason = `${'x'.repeat(255)}ü and more`
    const cut = 'x'.repeat(255)
    assert.equal(
      await isolate('verbose', reason),
      `verbose is ■ isolated now (${cut}). The reason was cut to 256 bytes.\n`,
    )
    const { reasonCut, breaker } = JSON.parse(await isolate('verbose', reason, '--json')) as {
      reasonCut: unknown
      breaker: { reason: unknown }
    }
    assert.deepEqual([reasonCut, breaker.reason], [true, cut])
  })

  it('says nothing about a fleet where there is none', async () => {
    monitor.watch(new CircuitBreaker({ name: 'alone' }))
    assert.equal(await isolate('alone'), 'alone is ■ isolated now (maintenance).\n')
  })
})
