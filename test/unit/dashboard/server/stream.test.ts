import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  createDashboard,
  type Dashboard,
  type DashboardOptions,
  type SnapshotEvent,
  type UpdateEvent,
} from '../../../../src/dashboard/server/index.ts'
import { CircuitBreaker, CircuitBreakerRegistry } from '../../../../src/index.ts'
import { CircuitBreakerMonitor, type BreakerReport, type History } from '../../../../src/monitor/index.ts'
import { fakeTime } from '../../../helpers/wall-clock.ts'
import { EventReader, type StreamEvent } from './events.ts'

const ok = async (): Promise<string> => 'ok'
const isUpdate = (each: StreamEvent): each is StreamEvent & { event: 'update' } => each.event === 'update'
const ids = (reports: readonly BreakerReport[]): string[] => reports.map(({ id }) => id)

describe('a stream of events', () => {
  let time: ReturnType<typeof fakeTime>
  let monitor: CircuitBreakerMonitor
  let dashboard: Dashboard

  beforeEach(() => {
    time = fakeTime()
    // Start in the middle of a second.
    time.tick(10_300)
    monitor = new CircuitBreakerMonitor()
    dashboard = createDashboard(monitor)
  })
  afterEach(() => {
    dashboard.close()
    // Lets streams end whose readers have not read everything.
    time.tick(1_000)
    const timers = time.countTimers()
    time.uninstall()
    assert.equal(timers, 0)
  })

  function watch(name: string): CircuitBreaker {
    // The default clock continues from the time at which the fake one took over, in any part of a second.
    const breaker = new CircuitBreaker({ name, clock: { now: () => performance.now() } })
    monitor.watch(breaker)
    return breaker
  }

  async function open(from = dashboard): Promise<EventReader> {
    return new EventReader(await from.fetch(new Request('http://localhost/ops/events')))
  }

  /** Opens a stream and returns its first event. */
  async function begin(): Promise<{ readonly events: EventReader; readonly first: SnapshotEvent }> {
    const events = await open()
    return { events, first: await events.find('snapshot') }
  }

  /** Lets a second pass and returns its update. */
  async function second(events: EventReader): Promise<UpdateEvent> {
    time.tick(1_000)
    const updates = (await events.here()).filter(isUpdate)
    assert.equal(updates.length, 1)
    return updates[0]!.data
  }

  it('starts with a snapshot of everything', async () => {
    const payments = watch('payments')
    watch('search')
    for (let i = 0; i < 60; i++) payments[i % 2 ? 'close' : 'isolate'](`reason ${i}`)
    const { events, first } = await begin()
    assert.equal(events.retry, 1_000)
    assert.equal(first.control, false)
    assert.deepEqual(first.snapshot, JSON.parse(JSON.stringify(monitor.snapshot())))
    assert.equal(first.transitions.length, 50)
    assert.equal(first.transitions[0]?.reason, 'reason 10')
    assert.equal(first.transitions.at(-1)?.reason, 'reason 59')
  })

  it('says who may control', async () => {
    for (const [authorize, control] of [
      [() => true, true],
      [() => Promise.resolve(true), true],
      [() => false, false],
    ] as const) {
      const guarded = createDashboard(monitor, { authorize })
      const events = await open(guarded)
      assert.equal((await events.find('snapshot')).control, control)
      guarded.close()
    }
  })

  it('sends only what has changed, every second', async () => {
    const [payments] = [watch('payments'), watch('search')]
    const { events } = await begin()
    // In the second second of the breakers, their histories have grown.
    assert.deepEqual(ids((await second(events)).breakers), ['payments', 'search'])
    const quiet = await second(events)
    assert.deepEqual(quiet, { takenAt: quiet.takenAt, health: 'up', seconds: 1, removed: [], breakers: [] })
    await payments.call(ok)
    const busy = await second(events)
    assert.deepEqual(ids(busy.breakers), ['payments'])
    assert.deepEqual(busy.breakers[0]?.history.success, [1, 0])
    assert.equal(busy.breakers[0]?.recent.success, 1)
  })

  it('keeps sending a breaker until its last call is no longer recent', async () => {
    const payments = watch('payments')
    const { events } = await begin()
    await second(events)
    await payments.call(ok)
    const sent: number[] = []
    for (let i = 0; i < 15; i++) sent.push((await second(events)).breakers.length)
    const last = sent.lastIndexOf(1)
    assert.deepEqual(
      sent.slice(last + 1),
      Array.from({ length: 14 - last }, () => 0),
    )
    assert.ok(last >= 9 && last <= 11, `${last}`)
  })

  it('has each second once, so that a plot can continue from the first event', async () => {
    const payments = watch('payments')
    const expected: number[] = []
    const { events, first } = await begin()
    const plot = [...first.snapshot.breakers[0]!.history.success]
    for (const count of [3, 0, 0, 1, 4, 0, 0, 2, 0]) {
      for (let i = 0; i < count; i++) await payments.call(ok)
      expected.push(count)
      const { seconds, breakers } = await second(events)
      for (let i = 0; i < seconds; i++) plot.push(0)
      const recent = breakers[0]?.history.success ?? []
      plot.splice(plot.length - recent.length, recent.length, ...recent)
    }
    assert.deepEqual(plot, [...expected, 0])
    assert.deepEqual(plot, monitor.snapshot().breakers[0]!.history.success)
  })

  it('catches up on seconds that the process slept through', async () => {
    const payments = watch('payments')
    const { events } = await begin()
    await second(events)
    await payments.call(ok)
    time.jump(3_400)
    const updates = (await events.here()).filter(isUpdate)
    assert.deepEqual(
      updates.map(({ data }) => data.seconds),
      [3],
    )
    const { history } = updates[0]!.data.breakers[0]!
    assert.deepEqual(history satisfies History, {
      success: [1, 0, 0, 0],
      failure: [0, 0, 0, 0],
      rejected: [0, 0, 0, 0],
      p90: [0, null, null, null],
    })
  })

  it('sends a transition at once, with its reason', async () => {
    const payments = watch('payments')
    const { events } = await begin()
    payments.isolate('maintenance')
    time.tick(1)
    // The relay takes promises and one timer of 0 ms.
    const before = await events.here()
    time.tick(1)
    const [sent, ...more] = [...before, ...(await events.here())]
    assert.deepEqual(more, [])
    assert.deepEqual(sent, {
      event: 'transition',
      data: {
        id: 'payments',
        from: 'closed',
        to: 'isolated',
        reason: 'maintenance',
        at: Date.now() - 2,
        scope: 'local',
      },
    })
    const update = await second(events)
    assert.equal(update.health, 'down')
    assert.deepEqual([update.breakers[0]?.state, update.breakers[0]?.reason], ['isolated', 'maintenance'])
  })

  it('sends many transitions in the order in which they happened', async () => {
    const breakers = Array.from({ length: 200 }, (_, i) => watch(`breaker ${i}`))
    const { events } = await begin()
    for (const breaker of breakers) breaker.isolate()
    await events.here()
    time.tick(1)
    const sent = (await events.here()).map(({ data }) => ('id' in data ? data.id : ''))
    assert.deepEqual(
      sent,
      breakers.map(({ name }) => name),
    )
  })

  it('names the breakers that are no longer watched, and the new ones', async () => {
    const payments = watch('payments')
    watch('search')
    const { events } = await begin()
    await second(events)
    monitor.unwatch(payments)
    assert.deepEqual((await second(events)).removed, ['payments'])
    const late = new CircuitBreaker({ name: 'late' })
    monitor.watch(late)
    const update = await second(events)
    assert.deepEqual([ids(update.breakers), update.removed], [['late'], []])
    monitor.unwatch(late)
    assert.deepEqual((await second(events)).removed, ['late'])
    assert.deepEqual((await second(events)).removed, [])
  })

  it('continues while its breakers are unwatched and changed at the same time', async () => {
    const payments = watch('payments')
    const { events } = await begin()
    await second(events)
    payments.isolate()
    monitor.unwatch(payments)
    payments.close()
    await events.here()
    time.tick(1)
    const sent = await events.here()
    assert.deepEqual(
      sent.map(({ data }) => 'to' in data && data.to),
      ['isolated'],
    )
    assert.deepEqual((await second(events)).removed, ['payments'])
  })

  it('names the breakers that a registry has evicted', async () => {
    const hosts = new CircuitBreakerRegistry({ max: 2 })
    monitor.watch(hosts)
    for (const host of ['a', 'b']) hosts.get(host)
    const { events } = await begin()
    await second(events)
    for (const host of ['c', 'd']) hosts.get(host)
    const update = await second(events)
    assert.deepEqual(
      [ids(update.breakers), update.removed],
      [
        ['c', 'd'],
        ['a', 'b'],
      ],
    )
  })

  it('keeps two breakers of one name apart', async () => {
    const [, second_] = [watch('payments'), watch('payments')]
    const { events, first } = await begin()
    assert.deepEqual(ids(first.snapshot.breakers), ['payments', 'payments (2)'])
    await second(events)
    second_.isolate()
    const update = await second(events)
    assert.deepEqual(
      update.breakers.map(({ id, name, state }) => [id, name, state]),
      [['payments (2)', 'payments', 'isolated']],
    )
  })

  it('sends an opening that was extended, which is no transition', async () => {
    const payments = watch('payments')
    payments.open({ for: 60_000 })
    const { events } = await begin()
    await second(events)
    payments.open({ for: 90_000 })
    const update = await second(events)
    assert.ok((update.breakers[0]?.retryAfter ?? 0) > 80_000)
  })

  it('escapes text in a failure that could end an event', async () => {
    const payments = watch('payments\n\nevent: evil\ndata: {}\n\n')
    const { events } = await begin()
    await second(events)
    await payments.call(() => Promise.reject(new Error('a\r\n\r\nevent: evil\ndata: {}\n\n'))).catch(() => {})
    payments.isolate('b\n\nevent: evil\ndata: {}\n\n')
    await events.here()
    time.tick(1)
    assert.deepEqual(
      (await events.here()).map(({ event }) => event),
      ['transition'],
    )
    assert.equal(
      (await second(events)).breakers[0]?.lastFailure?.message,
      'a\r\n\r\nevent: evil\ndata: {}\n\n',
    )
  })

  it('has the same data after its first update if it starts later', async () => {
    const [payments, search] = [watch('payments'), watch('search')]
    const early = await begin()
    await second(early.events)
    time.tick(300)
    const permit = payments.acquire()
    const late = await begin()
    assert.equal(late.first.snapshot.breakers[0]?.inFlight, 1)
    // Back to what the first stream has sent: only the second one needs an update.
    permit.ignore()
    monitor.unwatch(search)
    const extra = watch('extra')
    const latest = await begin()
    monitor.unwatch(extra)
    time.tick(700)
    for (const { events, first } of [early, late, latest]) {
      const update = (await events.here()).find(isUpdate)
      const known = new Map(first.snapshot.breakers.map((each) => [each.id, each]))
      for (const id of update!.data.removed) known.delete(id)
      for (const report of update!.data.breakers) known.set(report.id, report)
      assert.deepEqual([...known.keys()], ['payments'])
      assert.equal(known.get('payments')!.inFlight, 0)
      assert.equal(update!.data.seconds, 1)
    }
  })

  it('shows the current state if it starts while others run', async () => {
    const payments = watch('payments')
    await begin()
    payments.isolate()
    const { first } = await begin()
    assert.equal(first.snapshot.breakers[0]?.state, 'isolated')
    assert.equal(first.transitions.length, 1)
  })

  it('costs no more to produce for a thousand readers than for one', async () => {
    for (let i = 0; i < 10; i++) watch(`breaker ${i}`)
    const counts: number[] = []
    for (const readers of [1, 1_000]) {
      let snapshots = 0
      const counting = new Proxy(monitor, {
        get(target, name) {
          if (name === 'snapshot') snapshots++
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      const many = createDashboard(counting, { maxStreams: 1_000 } satisfies DashboardOptions)
      const streams = await Promise.all(Array.from({ length: readers }, () => open(many)))
      for (let i = 0; i < 3; i++) time.tick(1_000)
      for (const events of streams) {
        assert.deepEqual(
          (await events.here()).map(({ event }) => event),
          ['snapshot', 'update', 'update', 'update'],
        )
      }
      counts.push(snapshots)
      many.close()
    }
    // Reading `snapshot` once is the check at the beginning.
    assert.deepEqual(counts, [5, 5])
  })

  it('does nothing while there is no reader', async () => {
    watch('payments')
    assert.equal(time.countTimers(), 0)
    const { events } = await begin()
    assert.ok(time.countTimers() > 0)
    await events.cancel()
    assert.equal(time.countTimers(), 0)
    // The stream starts again with the next reader.
    time.tick(60_000)
    const again = await begin()
    assert.equal((await second(again.events)).seconds, 1)
  })

  it('is released when its timer has died with its request, as happens in workerd', async () => {
    watch('payments')
    const small = createDashboard(monitor, { maxStreams: 2 })
    const { setTimeout } = globalThis
    let tick: (() => void) | undefined
    const dead = (callback: () => void): number => {
      tick = callback
      return 0
    }
    globalThis.setTimeout = dead as unknown as typeof setTimeout
    const lost = await open(small)
    globalThis.setTimeout = setTimeout
    await lost.find('snapshot')
    const alive = await open(small)
    time.tick(9_000)
    assert.equal((await small.fetch(new Request('http://localhost/events'))).status, 503)
    time.tick(5_000)
    assert.equal((await alive.here()).length, 15)
    const next = await open(small)
    await next.find('snapshot')
    // If the timer fires after all, the stream ends at once.
    tick?.()
    await lost.here()
    assert.equal(lost.end, 'broken')
    small.close()
  })

  it('survives a pause of the whole process', async () => {
    watch('payments')
    const readers = [await open(), await open(), await open()]
    time.tick(1_000)
    time.jump(60_000)
    time.tick(2_000)
    for (const reader of readers) {
      const seconds = (await reader.here()).filter(isUpdate).map(({ data }) => data.seconds)
      assert.deepEqual(seconds, [1, 60, 1, 1])
    }
  })
})
