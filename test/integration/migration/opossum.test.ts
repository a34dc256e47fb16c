import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bulkhead, isBulkheadRejectedError } from 'cockatiel'
import Opossum from 'opossum'
import { CircuitBreaker, failureRate, isCallTimeoutError } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { seeded } from '../../../src/testing/storage-kit/random.ts'
import { deferred } from '../../helpers/deferred.ts'
import { errorOf, fails, hangs, opensAt, ours, pass, testClaims, timers, times, works } from './claims.ts'

type Task = () => unknown
type Options = Opossum.Options & Readonly<Record<string, unknown>>

/** A breaker of opossum whose calls bring their own function, with no timeout unless a test sets one. */
function theirs(options: Options = {}): Opossum<[task: Task]> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed for promises, but it accepts any result
  return new Opossum((task: Task) => task() as Promise<unknown>, { timeout: false, ...options })
}

/** Opens both circuits, each with its default open time. */
function openBoth(): [mine: CircuitBreaker, other: Opossum<[task: Task]>] {
  const mine = ours()
  const other = theirs()
  mine.open()
  other.open()
  return [mine, other]
}

const rate = failureRate({ threshold: 0.5, window: 10_000 })

testClaims('opossum', {
  // Options

  'One breaker can guard many functions.': async () => {
    const breaker = ours({ failMax: 2 })
    await breaker
      .wrap(fails)()
      .catch(() => {})
    await breaker
      .wrap(async () => fails())()
      .catch(() => {})
    assert.equal(breaker.state, 'open')
    assert.throws(() => Reflect.construct(Opossum, []), TypeError) // opossum needs one function, for good
  },
  'An unknown option throws a `TypeError` instead of being ignored.': () => {
    const misspelled = { resetTimeot: 1 }
    assert.doesNotThrow(() => theirs(misspelled))
    // @ts-expect-error an unknown option
    assert.throws(() => ours(misspelled), TypeError)
  },
  'The options object is copied, not modified, so two breakers can be created from it.': () => {
    const options = { failMax: 3 }
    ours(options)
    assert.deepEqual(options, { failMax: 3 })
    const shared: Opossum.Options = { timeout: 1_000 }
    const breaker = new Opossum(works, shared)
    assert.equal(Reflect.get(breaker, 'options'), shared)
    assert.equal(shared.resetTimeout, 30_000)
  },
  "There is no timeout by default; opossum's default is 10 s.": async () => {
    const mine = ours().call(hangs)
    const theirError = errorOf(new Opossum(hangs).fire())
    let settled = false
    mine.catch(() => {}).finally(() => (settled = true))
    await pass(3_600_000)
    assert.equal((await theirError).message, 'Timed out after 10000ms')
    assert.equal(settled, false)
  },
  '`Infinity` means no timeout; in opossum such a call times out at once.': async () => {
    const breaker = ours({ callTimeout: Infinity, failMax: 1 })
    void breaker.call(hangs)
    const error = errorOf(theirs({ timeout: Infinity }).fire(hangs))
    await pass(3_600_000)
    assert.equal(breaker.state, 'closed')
    assert.equal((await error)['code'], 'ETIMEDOUT')
  },
  '`threshold` is a ratio, and the circuit opens at it; opossum opens only above its percentage.':
    async () => {
      const mine = ours({ trip: rate })
      const other = theirs({ errorThresholdPercentage: 50, volumeThreshold: 20 })
      for (const call of [(task: Task) => mine.call(task), (task: Task) => other.fire(task)]) {
        await times(10, () => call(works))
        await times(10, () => call(fails))
      }
      assert.equal(mine.state, 'open')
      assert.equal(other.closed, true)
      await times(1, () => other.fire(fails))
      assert.equal(other.opened, true)
    },
  "The default rule is `failMax: 5`, five consecutive failures; opossum's is a rate above 50 %.":
    async () => {
      const mine = ours()
      const other = theirs()
      for (const call of [(task: Task) => mine.call(task), (task: Task) => other.fire(task)]) {
        await times(9, () => call(works))
        await times(5, () => call(fails))
      }
      assert.equal(mine.state, 'open')
      assert.equal(other.closed, true) // 5 of 14
    },
  'Only completed calls count; opossum divides by all calls, also those in flight or rejected.': async () => {
    const mine = ours({ trip: failureRate({ threshold: 0.5, window: 10_000, minCalls: 10 }) })
    const other = theirs({ volumeThreshold: 10 })
    for (const call of [(task: Task) => mine.call(task), (task: Task) => other.fire(task)]) {
      for (let n = 0; n < 11; n++) void call(hangs)
      await times(10, () => call(fails))
    }
    assert.equal(mine.state, 'open')
    assert.equal(other.closed, true) // 10 of 21
    assert.equal(other.stats.fires, 21)

    mine.close()
    mine.open()
    other.open()
    await times(100, () => mine.call(works))
    await times(100, () => other.fire(works))
    assert.equal(mine.snapshot().counts.calls, 0)
    assert.equal(other.stats.fires, 121)
  },
  "The default is 20; opossum's is 0, so that the first failure opens the circuit.": async () => {
    const mine = ours({ trip: rate })
    const other = theirs()
    await times(19, () => mine.call(fails))
    assert.equal(mine.state, 'closed')
    await times(1, () => mine.call(fails))
    assert.equal(mine.state, 'open')
    await times(1, () => other.fire(fails))
    assert.equal(other.opened, true)
  },
  'Every transition starts with an empty window; in opossum the failures from before the opening still count after the recovery.':
    async () => {
      const mine = ours({ trip: failureRate({ threshold: 0.5, window: 10_000, minCalls: 4 }) })
      const other = theirs({ volumeThreshold: 4, resetTimeout: 1_000 })
      mine.configure({ timeoutDuration: 1_000 })
      await times(4, () => mine.call(fails))
      await times(4, () => other.fire(fails))
      await pass(1_000)
      await mine.call(works)
      await other.fire(works)
      assert.equal(mine.state, 'closed')
      assert.equal(other.closed, true)
      await times(1, () => mine.call(fails))
      await times(1, () => other.fire(fails))
      assert.equal(mine.state, 'closed')
      assert.equal(other.opened, true)
    },
  "The default is 60 s; opossum's is 30 s.": async () => {
    const [mine, other] = openBoth()
    await pass(29_999)
    assert.equal(other.opened, true)
    await pass(1)
    assert.equal(other.halfOpen, true)
    await pass(29_999)
    assert.equal(mine.state, 'open')
    await pass(1)
    assert.equal(mine.state, 'half-open')
  },
  'A probe that never settles counts as failed after `probeTimeout`; in opossum without a `timeout`, the circuit rejects every call from then on.':
    async () => {
      const [mine, other] = openBoth()
      await pass(60_000)
      void mine.call(hangs)
      void other.fire(hangs)
      await pass(mine.options.probeTimeout)
      assert.equal(mine.state, 'open')
      await pass(60_000)
      assert.equal(await mine.call(works), 'fine')
      await pass(24 * 3_600_000)
      assert.equal((await errorOf(other.fire(works)))['code'], 'EOPENBREAKER')
    },
  'A call that is rejected for lack of capacity is not a failure; in opossum it is, and can open the circuit.':
    async () => {
      const mine = ours({ failMax: 1 })
      const limit = bulkhead(1)
      const other = theirs({ capacity: 1 })
      void limit.execute(() => mine.call(hangs))
      void other.fire(hangs)
      const error = await errorOf(limit.execute(() => mine.call(works)))
      assert.equal(isBulkheadRejectedError(error), true)
      assert.equal(mine.state, 'closed')
      await times(2, () => other.fire(works))
      assert.equal(other.opened, true)
    },
  'A filtered error is ignored; opossum counts a success, which closes a half-open circuit.': async () => {
    const mine = ours({ exclude: [() => true] })
    const other = theirs({ errorFilter: () => true })
    mine.open()
    other.open()
    await pass(60_000)
    await times(1, () => mine.call(fails))
    await times(1, () => other.fire(fails))
    assert.equal(mine.state, 'half-open')
    assert.equal(mine.snapshot().ignored, 1)
    assert.equal(other.closed, true)
    assert.equal(other.stats.successes, 1)
  },
  "The predicate gets the error only; opossum's also gets the arguments of the call.": async () => {
    const asked: unknown[][] = []
    const predicate = (...args: unknown[]): boolean => asked.push(args) > 0
    const fail = (_id: string): Promise<never> => fails()
    await errorOf(ours({ exclude: [predicate] }).call(fail, 'id'))
    await errorOf(new Opossum(fail, { errorFilter: predicate }).fire('id'))
    assert.deepEqual(
      asked.map((args) => args.slice(1)),
      [[], ['id']],
    )
  },
  "It is not asked about timeouts, which are always failures; opossum's is.": async () => {
    const mine = ours({ exclude: [() => true], callTimeout: 10, failMax: 1 })
    const other = theirs({ errorFilter: () => true, timeout: 10 })
    const errors = [errorOf(mine.call(hangs)), errorOf(other.fire(hangs))]
    await pass(10)
    assert.equal(isCallTimeoutError(await errors[0]), true)
    assert.equal((await errors[1])?.['code'], 'ETIMEDOUT')
    assert.equal(mine.state, 'open')
    assert.equal(other.closed, true)
  },
  "The default is `anonymous-1` and so on; opossum's is the name of the function.": () => {
    assert.match(ours().name, /^anonymous-\d+$/)
    assert.equal(new Opossum(works).name, 'works')
  },
  "The minimum holds in every window; opossum's warm-up protects only the first `rollingCountTimeout` after the start.":
    async () => {
      const mine = ours({ trip: rate })
      const other = theirs({ allowWarmUp: true })
      await times(5, () => other.fire(fails))
      assert.equal(other.closed, true)
      await pass(20_000)
      await times(1, () => mine.call(fails))
      await times(1, () => other.fire(fails))
      assert.equal(mine.state, 'closed')
      assert.equal(other.opened, true)
    },
  'The remaining open time is restored; opossum starts a full `resetTimeout`.': async () => {
    const mine = ours({ timeoutDuration: 30_000 })
    const other = theirs()
    mine.open()
    other.open()
    await pass(20_000)
    const mineAgain = ours({ restore: mine.snapshot() })
    const otherAgain = theirs({ state: { ...other.toJSON().state } })
    await pass(10_000)
    assert.equal(mineAgain.state, 'half-open')
    assert.equal(otherAgain.opened, true)
    await pass(20_000)
    assert.equal(otherAgain.halfOpen, true)
  },
  'Counts in a window are never restored; opossum continues with those of `status`.': async () => {
    const mine = ours({ trip: rate })
    const other = theirs({ volumeThreshold: 20 })
    await times(19, () => mine.call(fails))
    await times(19, () => other.fire(fails))
    const mineAgain = ours({ trip: rate, restore: mine.snapshot() })
    const status = Opossum.newStatus({ stats: other.stats })
    const otherAgain = theirs({ volumeThreshold: 20, status })
    await times(1, () => mineAgain.call(fails))
    await times(1, () => otherAgain.fire(fails))
    assert.equal(mineAgain.state, 'closed')
    assert.equal(otherAgain.opened, true)
  },
  'Each call has its own signal; in opossum the timeout of one call aborts all the others.': async () => {
    const mine = ours({ callTimeout: 100 })
    const signals: AbortSignal[] = []
    const start = (): void => {
      mine.run(({ signal }) => (signals.push(signal), hangs())).catch(() => {})
    }
    const abortController = new AbortController()
    const other = theirs({ timeout: 100, abortController })
    start()
    void errorOf(other.fire(hangs))
    await pass(50)
    start()
    void errorOf(other.fire(hangs))
    await pass(50)
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    )
    assert.equal(abortController.signal.aborted, true)
  },
  'Nothing is recorded until you watch a breaker; opossum records and sorts by default.': async () => {
    const mine = ours()
    const other = theirs()
    const monitor = new CircuitBreakerMonitor()
    await mine.call(works)
    monitor.watch(mine)
    assert.equal(monitor.report(mine.name)?.recent.latency ?? null, null)
    await mine.call(works)
    assert.equal(monitor.report(mine.name)?.recent.success, 1)
    await other.fire(works)
    assert.equal(other.stats.latencyTimes.length, 1)
  },
  'A breaker has no timers; opossum starts two intervals.': () => {
    ours()
    assert.equal(timers(), 0)
    theirs()
    assert.equal(timers(), 2)
  },
  "`failMax` counts consecutive failures; opossum's `maxFailures` has no effect.": async () => {
    const mine = ours({ failMax: 2 })
    const { error } = console
    console.error = () => {} // its warning
    const other = theirs({ maxFailures: 2, volumeThreshold: 100 })
    console.error = error
    await times(2, () => mine.call(fails))
    await times(50, () => other.fire(fails))
    assert.equal(mine.state, 'open')
    assert.equal(other.closed, true)
  },

  // Methods and properties

  'A function may return `undefined` or throw synchronously; in opossum one that returns `undefined` rejects with a `TypeError`.':
    async () => {
      assert.equal(await ours().call(() => undefined), undefined)
      const broken = new Error('synchronous')
      const throws = (): never => {
        throw broken
      }
      assert.equal(await errorOf(ours().call(throws)), broken)
      assert.ok((await errorOf(theirs().fire(() => undefined))) instanceof TypeError)
    },
  'The first argument of our `breaker.call(fn, ...args)` is a function, not `this`.': async () => {
    const self = { currency: 'EUR' }
    function price(this: { currency: string }, cents: number): Promise<string> {
      return Promise.resolve(`${cents} ${this.currency}`)
    }
    assert.equal(await new Opossum(price).call(self, 12), '12 EUR')
    assert.equal(await ours().wrap(price).call(self, 12), '12 EUR')
    // @ts-expect-error an object is no function
    assert.ok((await errorOf(ours().call(self, 12))) instanceof TypeError)
  },
  'The error is the first argument, before those of the call; in opossum it is the last.': async () => {
    const fail = (_id: string): Promise<unknown> => fails()
    const shown = (...args: readonly unknown[]): string =>
      args.map((arg) => (arg instanceof Error ? 'error' : String(arg))).join()
    assert.equal(await ours().wrap(fail, { fallback: shown })('id'), 'error,id')
    assert.equal(await new Opossum(fail).fallback(shown).fire('id'), 'id,error')
  },
  'A fallback belongs to a function; in opossum there is one for the breaker.': async () => {
    const mine = ours()
    assert.equal(await mine.wrap(fails, { fallback: () => 'one' })(), 'one')
    assert.equal(await mine.wrap(fails, { fallback: () => 'two' })(), 'two')
    assert.equal((await errorOf(mine.wrap(fails)())).message, 'down')
    const other = theirs()
    other.fallback(() => 'one')
    other.fallback(() => 'two')
    assert.equal(await other.fire(fails), 'two')
  },
  'If the circuit is open already, its open time starts anew; in opossum nothing happens.': async () => {
    const mine = ours({ timeoutDuration: 30_000 })
    const other = theirs()
    mine.open()
    other.open()
    await pass(20_000)
    mine.open()
    other.open()
    await pass(10_000)
    assert.equal(mine.state, 'open')
    assert.equal(mine.retryAfter, 20_000)
    assert.equal(other.halfOpen, true)
  },
  'It also empties the window; in opossum the next failure can open the circuit again.': async () => {
    const mine = ours({ trip: rate })
    const other = theirs({ volumeThreshold: 20 })
    await times(20, () => mine.call(fails))
    await times(20, () => other.fire(fails))
    mine.close()
    other.close()
    await times(1, () => mine.call(fails))
    await times(1, () => other.fire(fails))
    assert.equal(mine.state, 'closed')
    assert.equal(other.opened, true)
  },
  "`mode = 'off'` closes the circuit; an opossum that was open is open again when you enable it.":
    async () => {
      const [mine, other] = openBoth()
      mine.mode = 'off'
      other.disable()
      assert.equal(await mine.call(works), 'fine')
      assert.equal(await other.fire(works), 'fine')
      mine.mode = 'enforce'
      other.enable()
      assert.equal(await mine.call(works), 'fine')
      assert.equal((await errorOf(other.fire(works)))['code'], 'EOPENBREAKER')
    },
  'Fallbacks still run; in opossum they do not.': async () => {
    const mine = ours({ mode: 'off' })
    assert.equal(await mine.run(fails, { fallback: () => 'instead' }), 'instead')
    const other = theirs({ enabled: false })
    other.fallback(() => 'instead')
    assert.equal((await errorOf(other.fire(fails))).message, 'down')
  },
  '`close()` ends it; an opossum that was shut down rejects for good.': async () => {
    const mine = ours()
    const other = theirs()
    mine.isolate()
    other.shutdown()
    assert.equal((await errorOf(mine.call(works)))['reason'], 'isolated')
    assert.equal((await errorOf(other.fire(works)))['code'], 'ESHUTDOWN')
    mine.close()
    other.enable()
    assert.equal(await mine.call(works), 'fine')
    assert.equal((await errorOf(other.fire(works)))['code'], 'ESHUTDOWN')
  },
  'While the check fails, the circuit stays open without a break; in opossum it still becomes half-open after `resetTimeout`.':
    async () => {
      const mine = ours({ timeoutDuration: 30_000 })
      const other = theirs()
      let halfOpened = 0
      mine.addListener({ stateChange: ({ to }) => void (to === 'half-open' && halfOpened++) })
      const check = (): Promise<unknown> => fails().catch(() => mine.open())
      void check()
      const timer = setInterval(() => void check(), 5_000)
      other.healthCheck(fails, 5_000)
      let theirsHalfOpened = 0
      other.on('halfOpen', () => theirsHalfOpened++)
      for (let n = 0; n < 100; n++) {
        await pass(1_000)
        assert.equal(mine.state, 'open')
      }
      clearInterval(timer)
      assert.equal(halfOpened, 0)
      assert.ok(theirsHalfOpened > 0)
    },
  "`options` is frozen and has the defaults filled in; opossum's is your own object.": () => {
    const options: Opossum.Options = {}
    assert.equal(Reflect.get(new Opossum(works, options), 'options'), options)
    const mine = ours({})
    assert.equal(Object.isFrozen(mine.options), true)
    assert.equal(mine.options.timeoutDuration, 60_000)
  },
  "The error has `retryAfter`, `reason` and, in `cause`, what opened the circuit; opossum's has none of these.":
    async () => {
      const mine = ours({ failMax: 1 })
      const other = theirs()
      await times(1, () => mine.call(fails))
      await times(1, () => other.fire(fails))
      const rejection = await errorOf(mine.call(works))
      assert.equal(rejection['code'], 'CIRCUIT_OPEN')
      assert.equal(rejection['retryAfter'], 60_000)
      assert.equal(rejection['reason'], 'open')
      assert.match(String(rejection.cause), /down/)
      const theirRejection = await errorOf(other.fire(works))
      assert.equal(theirRejection['code'], 'EOPENBREAKER')
      for (const field of ['retryAfter', 'reason', 'cause']) assert.equal(field in theirRejection, false)
    },

  // Events

  'It is called for admitted calls only; opossum emits `fire` for rejected ones too.': async () => {
    const [mine, other] = openBoth()
    let called = 0
    let fired = 0
    mine.addListener({ beforeCall: () => called++ })
    other.on('fire', () => fired++)
    await errorOf(mine.call(works))
    await errorOf(other.fire(works))
    assert.deepEqual([called, fired], [0, 1])
  },
  'There is one event for a timeout; opossum emits `timeout` and then `failure`.': async () => {
    const mine = ours({ callTimeout: 10 })
    const other = theirs({ timeout: 10 })
    const events: string[] = []
    mine.addListener({ failure: ({ error }) => events.push(`ours: ${isCallTimeoutError(error)}`) })
    other.on('timeout', () => events.push('timeout'))
    other.on('failure', () => events.push('failure'))
    void errorOf(mine.call(hangs))
    void errorOf(other.fire(hangs))
    await pass(10)
    assert.deepEqual(events, ['ours: true', 'timeout', 'failure'])
  },
  'A filtered error is reported to `ignored`; opossum emits `success` for it.': async () => {
    const events: string[] = []
    const mine = ours({ exclude: [() => true] })
    const other = theirs({ errorFilter: () => true })
    mine.addListener({
      success: () => events.push('ours: success'),
      ignored: () => events.push('ours: ignored'),
    })
    other.on('success', () => events.push('success'))
    await errorOf(mine.call(fails))
    await errorOf(other.fire(fails))
    assert.deepEqual(events, ['ours: ignored', 'success'])
  },
  'A success that comes after the circuit has opened is reported to `late`; opossum emits `success`.':
    async () => {
      const events: string[] = []
      const mine = ours()
      const other = theirs()
      mine.addListener({ success: () => events.push('ours: success'), late: () => events.push('ours: late') })
      other.on('success', () => events.push('success'))
      const { promise, resolve } = deferred<string>()
      const calls = [mine.call(() => promise), other.fire(() => promise)]
      mine.open()
      other.open()
      resolve('fine')
      await Promise.all(calls)
      await pass(0)
      assert.deepEqual(events.toSorted(), ['ours: late', 'success'])
    },
  'A listener that throws does not affect the call; in opossum the call rejects and counts as a failure.':
    async () => {
      const broken = (): never => {
        throw new Error('broken listener')
      }
      const mine = ours({ listeners: [{ success: broken }], onListenerError: () => {} })
      const other = theirs()
      other.on('success', broken)
      assert.equal(await mine.call(works), 'fine')
      assert.equal((await errorOf(other.fire(works))).message, 'broken listener')
      assert.equal(other.stats.failures, 1)
    },
  "It is called with the first call after the open time; opossum's timer emits `halfOpen` without one.":
    async () => {
      const [mine, other] = openBoth()
      const events: string[] = []
      mine.addListener({ stateChange: ({ to }) => events.push(`ours: ${to}`) })
      other.on('halfOpen', () => events.push('halfOpen'))
      await pass(60_000)
      assert.deepEqual(events, ['halfOpen'])
      void mine.call(hangs)
      assert.deepEqual(events, ['halfOpen', 'ours: half-open'])
    },

  // Statistics

  'Only completed and rejected calls count; opossum also counts those in flight.': async () => {
    const mine = ours()
    const other = theirs()
    const monitor = new CircuitBreakerMonitor()
    monitor.watch(mine)
    void mine.call(hangs)
    void other.fire(hangs)
    const { success, failure, ignored, late, rejected } = monitor.report(mine.name)!.recent
    assert.equal(success + failure + ignored + late + rejected, 0)
    assert.equal(other.stats.fires, 1)
  },
})

it("the options that docs/migration.md gives for opossum's defaults open after the same call", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const mine = new CircuitBreaker({
      trip: failureRate({ threshold: 0.501, window: 10_000, minCalls: 1 }),
    })
    const other = theirs()
    const random = [seeded(seed), seeded(seed)] as const
    assert.equal(
      await opensAt(
        30,
        random[0],
        (task) => mine.call(task),
        () => mine.state === 'open',
      ),
      await opensAt(
        30,
        random[1],
        (task) => other.fire(task),
        () => other.opened,
      ),
    )
    other.shutdown()
  }
})

it("a cache around a guarded function answers while the circuit is open, as opossum's does", async () => {
  const mine = new CircuitBreaker()
  const cached = new Map<string, string>()
  const fetched = async (id: string): Promise<string> => {
    const value = cached.get(id) ?? (await mine.call(async () => `price of ${id}`))
    cached.set(id, value)
    return value
  }
  const other = new Opossum(async (id: string) => `price of ${id}`, { cache: true })
  assert.equal(await fetched('7'), await other.fire('7'))
  mine.open()
  other.open()
  assert.equal(await fetched('7'), 'price of 7')
  assert.equal(await other.fire('7'), 'price of 7')
  other.shutdown()
  assert.equal((await errorOf(fetched('8')))['code'], 'CIRCUIT_OPEN')
})
