import assert from 'node:assert/strict'
import { isCircuitBreakerError } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/index.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { errorOf, fails, hangs, ours, pass, testClaims, times, works } from './claims.ts'

// aiobreaker is a library for Python, so these tests show our side only.
testClaims('aiobreaker', {
  'It is in milliseconds.': async () => {
    const mine = ours({ failMax: 1, timeoutDuration: 60_000 })
    await times(1, () => mine.call(fails))
    await pass(59_999)
    assert.equal(mine.state, 'open')
    await pass(1)
    assert.equal(mine.state, 'half-open')
  },
  'An excluded error is ignored; aiobreaker counts a success, which resets the count and closes a half-open circuit.':
    async () => {
      const mine = ours({ failMax: 3, exclude: [RangeError] })
      const outOfRange = (): Promise<never> => Promise.reject(new RangeError())
      await times(2, () => mine.call(fails))
      await times(1, () => mine.call(outOfRange))
      assert.equal(mine.failCounter, 2)
      mine.halfOpen()
      await times(1, () => mine.call(outOfRange))
      assert.equal(mine.state, 'half-open')
    },
  "It cannot be changed later, and its default is `anonymous-1` and so on; aiobreaker's is `None`.": () => {
    const mine = ours()
    assert.match(mine.name, /^anonymous-\d+$/)
    assert.throws(() => Object.assign(mine, { name: 'payments' }), TypeError)
  },
  '`call` is the asynchronous one.': () => {
    assert.ok(ours().call(() => 1) instanceof Promise)
    assert.equal(
      ours().callSync(() => 1),
      1,
    )
  },
  'A guarded function that is passed to `call` counts once, always; `ignore_on_call=False` has no equivalent.':
    async () => {
      const mine = ours()
      await times(1, () => mine.call(mine.wrap(fails)))
      assert.equal(mine.failCounter, 1)
    },
  'A half-open circuit admits one probe; aiobreaker admits every call.': async () => {
    const mine = ours()
    mine.halfOpen()
    void mine.call(hangs)
    assert.equal(isCircuitBreakerError(await errorOf(mine.call(works))), true)
  },
  "It is `'half-open'` as soon as the open time is over; aiobreaker's is `OPEN` until the next call.":
    async () => {
      const mine = ours()
      mine.open()
      await pass(60_000)
      assert.equal(mine.state, 'half-open')
    },
  'A new `timeoutDuration` applies from the next opening; aiobreaker applies it to the current one.': () => {
    const mine = ours()
    mine.open()
    mine.configure({ timeoutDuration: 1_000 })
    assert.equal(mine.retryAfter, 60_000)
    mine.close()
    mine.open()
    assert.equal(mine.retryAfter, 1_000)
  },
  'Adding a listener twice has no effect; aiobreaker calls it twice.': async () => {
    let calls = 0
    const listener = { success: () => calls++ }
    const mine = ours({ listeners: [listener] })
    mine.addListener(listener)
    await mine.call(works)
    assert.equal(calls, 1)
    mine.removeListener(listener)
    await mine.call(works)
    assert.equal(calls, 1)
  },
  'It is a date while the circuit is closed too; aiobreaker raises an error before the first opening.':
    () => {
      assert.equal(ours().reopenTime?.getTime(), Date.now())
    },
  'It is 0 when a call may be admitted; aiobreaker returns `None` or raises an error.': async () => {
    const mine = ours()
    assert.equal(mine.retryAfter, 0)
    mine.open()
    await pass(60_000)
    assert.equal(mine.retryAfter, 0)
  },
  'It also resolves at once if the circuit is closed; aiobreaker raises an error.': async () => {
    assert.equal(await ours().ready(), undefined)
  },
  'Each hook gets one object and may be async.': async () => {
    const seen: unknown[][] = []
    const mine = ours({ listeners: [{ success: async (...args: unknown[]) => void seen.push(args) }] })
    await mine.call(works)
    assert.equal(seen[0]?.length, 1)
  },
  'A hook that throws does not affect the call; in aiobreaker the call raises its error.': async () => {
    const reported: unknown[] = []
    const broken = (): never => {
      throw new Error('broken hook')
    }
    const mine = ours({ listeners: [{ success: broken }], onListenerError: (error) => reported.push(error) })
    assert.equal(await mine.call(works), 'fine')
    assert.equal(reported.length, 1)
  },
  'It is not called for excluded errors, which go to `ignored`; aiobreaker calls `success`.': async () => {
    const events: string[] = []
    const mine = ours({ exclude: [() => true] })
    mine.addListener({ success: () => events.push('success'), ignored: () => events.push('ignored') })
    await times(1, () => mine.call(fails))
    assert.deepEqual(events, ['ignored'])
  },
  'The call that opens the circuit rejects with its own error, unless `errorOnTrip` is `true`; aiobreaker raises a `CircuitBreakerError`.':
    async () => {
      assert.equal((await errorOf(ours({ failMax: 1 }).call(fails))).message, 'down')
      const error = await errorOf(ours({ failMax: 1, errorOnTrip: true }).call(fails))
      assert.equal(isCircuitBreakerError(error), true)
      assert.match(String(error.cause), /down/)
    },
  '`retryAfter` is fixed when the call is rejected; `time_remaining` counts down.': async () => {
    const mine = ours()
    mine.open()
    const error = await errorOf(mine.call(works))
    await pass(10_000)
    assert.equal(error['retryAfter'], 60_000)
    assert.equal(mine.retryAfter, 50_000)
  },
  'Two breakers share a state through a `storage` and one `name`; in aiobreaker through one `CircuitMemoryStorage`.':
    async () => {
      const storage = new MemoryStorage()
      const [mine, elsewhere] = [ours({ name: 'payments', storage }), ours({ name: 'payments', storage })]
      mine.isolate()
      await mine.flush()
      await elsewhere.flush()
      for (let n = 0; n < 10 && elsewhere.state === 'closed'; n++) {
        await pass(100)
        await nextTick()
      }
      assert.equal(elsewhere.state, 'isolated')
    },
  'Calls do not wait for Redis; aiobreaker sends commands and waits for them in each call.': async () => {
    const mine = ours({ name: 'payments', storage: new Unreachable() })
    assert.equal(await mine.call(works), 'fine')
  },
  'Without Redis each process continues with its own breaker; aiobreaker assumes a fixed state and a count of zero.':
    async () => {
      const mine = ours({ name: 'payments', storage: new Unreachable(), failMax: 3 })
      await times(3, () => mine.call(fails))
      assert.equal(mine.state, 'open')
    },
})

/** A storage that never answers. */
class Unreachable extends MemoryStorage {
  override exchange(): Promise<never> {
    return hangs()
  }
  override acquire(): Promise<never> {
    return hangs()
  }
  override change(): Promise<never> {
    return hangs()
  }
  override settle(): Promise<never> {
    return hangs()
  }
}
