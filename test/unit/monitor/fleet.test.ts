import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor, type MonitorEvent } from '../../../src/monitor/index.ts'
import { failing, inWorld, settled, working, type Process, type World } from '../fleet/support/world.ts'

/** Creates a monitor in a process of a fleet, and a breaker of the same name in another process. */
function setUp(world: World): {
  monitor: CircuitBreakerMonitor
  process: Process
  watched: CircuitBreaker
  other: CircuitBreaker
} {
  const process = world.process()
  const watched = process.breaker({ reporter: 'host-a' })
  const other = world.process().breaker({ reporter: 'host-b' })
  const monitor = new CircuitBreakerMonitor()
  monitor.watch(watched)
  return { monitor, process, watched, other }
}

/** Returns a list that grows with each event of a monitor. */
function listen(monitor: CircuitBreakerMonitor): MonitorEvent[] {
  const events: MonitorEvent[] = []
  void (async () => {
    for await (const event of monitor.events()) events.push(event)
  })()
  return events
}

describe('the report on a breaker of a fleet', () => {
  it(
    'shows that the fleet is still unknown, and how the breaker takes part',
    inWorld(async (world) => {
      const { monitor } = setUp(world)
      const { scope, fleet } = monitor.report('payments')!
      assert.equal(scope, 'local')
      assert.deepEqual(fleet, {
        link: 'connecting',
        state: null,
        epoch: 0,
        reason: '',
        by: '',
        actor: '',
        share: 'pooled',
      })
    }),
  )

  it(
    'has the state of the fleet, its reason and who caused it, while that state is in force',
    inWorld(async (world) => {
      const { monitor, watched, other } = setUp(world)
      await working(watched)
      await working(other)
      await world.pass(50)
      assert.equal(monitor.report('payments')?.scope, 'local')
      assert.deepEqual(monitor.report('payments')?.fleet?.state, 'closed')
      other.isolate('maintenance')
      await world.pass(50)
      const { state, scope, reason, health, fleet } = monitor.report('payments')!
      assert.deepEqual([state, scope, reason, health], ['isolated', 'fleet', 'maintenance', 'down'])
      const { epoch, by } = world.record()
      assert.deepEqual(fleet, {
        link: 'live',
        state: 'isolated',
        epoch,
        reason: 'maintenance',
        by,
        actor: 'code',
        share: 'pooled',
      })
      assert.ok(epoch > 0 && by !== '')
      const snapshot = monitor.snapshot()
      assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot)
    }),
  )

  it(
    'has the breaker’s own state where only that breaker is open',
    inWorld(async (world) => {
      const { monitor, watched } = setUp(world)
      await working(watched)
      await world.pass(50)
      await failing(watched, 3)
      await world.pass(50)
      const { state, scope, fleet } = monitor.report('payments')!
      assert.deepEqual([state, scope, fleet?.state], ['open', 'local', 'closed'])
    }),
  )

  it(
    'has no fleet without a storage',
    inWorld(async (world) => {
      const { monitor } = setUp(world)
      monitor.watch(new CircuitBreaker({ name: 'alone' }))
      assert.equal(monitor.report('alone')?.fleet, null)
      assert.deepEqual(
        monitor.totals().map(({ id, fleet }) => [id, fleet?.link]),
        [
          ['payments', 'connecting'],
          ['alone', undefined],
        ],
      )
    }),
  )

  it(
    'shows that the storage is unreachable, and that it is back',
    inWorld(async (world) => {
      const { monitor, process, watched } = setUp(world)
      const links: (string | undefined)[] = []
      const readLink = (): unknown => links.push(monitor.report('payments')?.fleet?.link)
      await working(watched)
      await world.pass(50)
      readLink()
      process.way = 'refusing'
      await failing(watched)
      await world.pass(1_000)
      readLink()
      process.way = 'up'
      await world.pass(31_000)
      await working(watched)
      await world.pass(31_000)
      readLink()
      assert.deepEqual(links, ['live', 'degraded', 'live'])
    }),
  )

  it(
    'takes no permit and sends nothing, however often it is read',
    inWorld(async (world) => {
      const { monitor, process, watched } = setUp(world)
      await working(watched)
      await world.pass(5_000)
      const before = process.sent.length
      for (let i = 0; i < 1_000; i++) monitor.snapshot()
      await world.pass(100)
      assert.equal(process.sent.length, before)
      assert.equal(monitor.report('payments')?.inFlight, 0)
    }),
  )
})

describe('the events of a monitor of a fleet', () => {
  it(
    'have the scope of the new state',
    inWorld(async (world) => {
      const { monitor, watched, other } = setUp(world)
      await working(watched)
      await working(other)
      await world.pass(50)
      await failing(watched, 3)
      watched.close()
      await world.pass(50)
      other.isolate('maintenance')
      await world.pass(1_100)
      other.close()
      await world.pass(1_100)
      assert.deepEqual(
        monitor.transitions.map(({ to, scope }) => `${to} ${scope}`),
        ['open local', 'closed local', 'isolated fleet', 'closed local'],
      )
      assert.deepEqual(monitor.report('payments')?.transitions, monitor.transitions.toReversed())
    }),
  )

  it(
    'report when the storage is lost, why, what has not been sent to it, and when it is back',
    inWorld(async (world) => {
      const { monitor, process, watched } = setUp(world)
      await working(watched)
      await world.pass(50)
      const events = listen(monitor)
      process.way = 'refusing'
      await failing(watched)
      await world.pass(100)
      watched.isolate('maintenance')
      await world.pass(100)
      process.way = 'up'
      await world.pass(31_000)
      await watched.call(() => 1).catch(() => {})
      await world.pass(31_000)
      await settled()
      const links = events.flatMap((event) => (event.type === 'link' ? [event] : []))
      assert.deepEqual(
        links.map(({ id, state, error, unsent }) => [id, state, error, unsent]),
        [
          ['payments', 'degraded', 'Error: store: refused', null],
          ['payments', 'degraded', 'Error: store: refused', 'isolated'],
          ['payments', 'live', null, 'isolated'], // it is offered next
        ],
      )
      for (const { at } of links) assert.ok(at > 0)
      assert.deepEqual(JSON.parse(JSON.stringify(links)), links)
      assert.equal(world.record().state, 'isolated')
    }),
  )
})

describe('the control of a breaker of a fleet through a monitor', () => {
  it(
    'reaches all processes, with its reason',
    inWorld(async (world) => {
      const { monitor, watched, other } = setUp(world)
      await working(watched)
      await working(other)
      await world.pass(50)
      assert.equal(monitor.isolate('payments', 'rolling back'), true)
      await world.pass(50)
      assert.deepEqual([other.state, other.snapshot().tripReason], ['isolated', 'rolling back'])
      await world.pass(1_100)
      assert.equal(monitor.close('payments', 'done'), true)
      await world.pass(50)
      assert.equal(other.state, 'closed')
    }),
  )

  it(
    'stays local where the breaker only observes the fleet',
    inWorld(async (world) => {
      const observer = world.process().breaker({ share: 'observe' })
      const [member] = world.fleet(1)
      const monitor = new CircuitBreakerMonitor()
      monitor.watch(observer)
      await working(observer)
      await working(member!)
      await world.pass(50)
      monitor.isolate('payments', 'here only')
      await world.pass(1_100)
      const { state, scope, fleet } = monitor.report('payments')!
      assert.deepEqual([state, scope, fleet?.share, fleet?.state], ['isolated', 'local', 'observe', 'closed'])
      assert.equal(member!.state, 'closed')
    }),
  )
})
