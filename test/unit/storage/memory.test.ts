import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isStorageDeadlineError, StorageDeadlineError } from '../../../src/storage/contract/errors.ts'
import { withLimits } from '../../../src/storage/contract/with-limits.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import type { StorageHint } from '../../../src/storage/contract/operations.ts'
import { ManualClock } from '../../../src/testing/clock.ts'
import { manualChange, exchange, sender, trip } from '../../../src/testing/storage-kit/commands.ts'
import { rejection } from '../../../src/testing/storage-kit/expect.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { warningsFrom } from '../../helpers/warnings.ts'

const host = sender('host')

describe('MemoryStorage', () => {
  it('F15: drops a record when it has expired, without a timer', async () => {
    const clock = new ManualClock(1_000_000)
    const storage = new MemoryStorage({ clock })
    await storage.exchange('a', exchange(host, { failures: 1 }))
    clock.advance(299_999)
    assert.notEqual(storage.peek('a'), undefined)
    clock.advance(1)
    assert.equal(storage.peek('a'), undefined)
  })

  it('drops expired records, even under names that are never used again', async () => {
    const clock = new ManualClock(1_000_000)
    const storage = new MemoryStorage({ clock })
    for (let i = 0; i < 999; i++) await storage.exchange(`request-${i}`, exchange(host, { failures: 1 }))
    clock.advance(300_000)
    await storage.exchange('one', exchange(host, { failures: 1 }))
    // With the clock set back, a record that is still stored would be visible again.
    clock.set(1_000_000)
    assert.equal(storage.peek('request-0'), undefined)
    assert.notEqual(storage.peek('one'), undefined)
  })

  it('keeps an isolated record forever, and uses the wall clock where no clock is given', async () => {
    const storage = new MemoryStorage()
    const before = Date.now()
    const reply = await storage.change('a', manualChange(host, '1', { to: 'isolated' }))
    assert.ok(reply.type === 'changed' && reply.record.epoch >= before && reply.record.epoch <= Date.now())
    const clock = new ManualClock(1_000_000)
    const patient = new MemoryStorage({ clock })
    await patient.change('a', manualChange(host, '1', { to: 'isolated' }))
    clock.advance(10 ** 12)
    assert.notEqual(patient.peek('a'), undefined)
  })

  it('F23: notifies each subscriber once, asynchronously, until it unsubscribes', async () => {
    const storage = new MemoryStorage()
    const received: StorageHint[] = []
    const listener = (hint: StorageHint): void => void received.push(hint)
    const unsubscribe = await storage.subscribe(listener)
    await storage.subscribe(listener)
    const changed = storage.change('a', trip(host, 0))
    assert.deepEqual(received, [])
    const reply = await changed
    assert.ok(reply.type === 'changed')
    const hint = { name: 'a', epoch: reply.record.epoch }
    assert.deepEqual(received, [hint, hint])
    unsubscribe()
    storage.resync()
    await nextTick()
    assert.deepEqual(received, [hint, hint, 'resync'])
  })

  it('S8: reports what a subscriber throws as a warning, and notifies the others', async () => {
    const storage = new MemoryStorage()
    let received = 0
    await storage.subscribe(() => {
      throw new Error('a broken subscriber')
    })
    await storage.subscribe(() => void received++)
    const warnings = await warningsFrom(async () => {
      storage.resync()
      await nextTick()
    })
    assert.equal(received, 1)
    assert.deepEqual(warnings, ['a subscriber of MemoryStorage threw: Error: a broken subscriber'])
  })

  it('lets a test lose a request, or only its reply', async () => {
    let failing: 'before' | 'after' | undefined = 'before'
    const fail = (when: string): void => {
      if (failing === when) throw new Error(`lost ${when}`)
    }
    const storage = new MemoryStorage({
      faults: { before: () => fail('before'), after: () => fail('after') },
    })
    await assert.rejects(storage.change('a', trip(host, 0)), /lost before/)
    assert.equal(storage.peek('a'), undefined)
    failing = 'after'
    await assert.rejects(storage.change('a', trip(host, 0)), /lost after/)
    failing = undefined
    const reply = await storage.exchange('a', exchange(host))
    assert.ok(reply.type === 'exchanged' && reply.record.state === 'open')
  })

  it('names what is wrong with its options', () => {
    assert.throws(
      () => new MemoryStorage({ clock: {} as never }),
      /Expected `clock` to be an object with a method `now`/,
    )
    assert.throws(
      () => new MemoryStorage({ faults: { before: 1 as never } }),
      /Expected `faults.before` to be a function/,
    )
    assert.throws(
      () => new MemoryStorage({ ttl: 1 } as never),
      /only known names \(clock, faults\), got `ttl`/,
    )
  })
})

describe('an operation under limits', () => {
  const never = new Promise<never>(() => {})

  it('I6: rejects at its deadline with an error that says what was asked', async () => {
    const failure = await rejection(
      withLimits('acquire', () => never, { deadline: 5 }),
      'acquire',
    )
    assert.ok(failure instanceof StorageDeadlineError && isStorageDeadlineError(failure))
    assert.equal(failure.name, 'StorageDeadlineError')
    assert.equal(failure.code, 'STORAGE_DEADLINE')
    assert.deepEqual([failure.operation, failure.deadline], ['acquire', 5])
    assert.equal(isStorageDeadlineError(new Error('another')), false)
  })

  it('F27: misses no deadline for a reply that has arrived, though the process was too busy to process it', async () => {
    // From here on, due timers run before the next reply.
    await nextTick()
    const answered = new Promise<string>((resolve) => void setImmediate(() => resolve('in time')))
    const answer = withLimits('exchange', () => answered, { deadline: 1 })
    const until = performance.now() + 20
    while (performance.now() < until);
    assert.equal(await answer, 'in time')
  })

  it('does not start under a signal that has aborted', async () => {
    let started = 0
    const start = (): number => ++started
    await assert.rejects(
      withLimits('settle', start, { signal: AbortSignal.abort(new Error('gone')) }),
      /gone/,
    )
    assert.equal(started, 0)
    assert.equal(await withLimits('settle', start, { signal: new AbortController().signal }), 1)
  })

  it('removes its listener from the signal when it settles', async () => {
    const { signal } = new AbortController()
    const listeners = new Set<unknown>()
    signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener)
    signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener)
    const operation = withLimits('settle', () => Promise.resolve(1), { signal, deadline: Infinity })
    assert.equal(listeners.size, 1)
    await operation
    assert.equal(listeners.size, 0)
  })

  it('ends when the operation itself aborts its signal', async () => {
    const controller = new AbortController()
    const operation = (): Promise<never> => {
      controller.abort(new Error('by the operation'))
      return new Promise(() => {})
    }
    const given = withLimits('settle', operation, { signal: controller.signal, deadline: Infinity })
    await assert.rejects(given, /by the operation/)
  })

  it('ignores what happens after it was given up', async () => {
    let fail: (error: Error) => void = () => {}
    const answer = new Promise<never>((_, reject) => {
      fail = reject
    })
    const given = withLimits('change', () => answer, { deadline: 1 })
    assert.ok((await rejection(given, 'change')) instanceof StorageDeadlineError)
    fail(new Error('too late to matter'))
    await nextTick()
  })

  it('refuses an invalid deadline', async () => {
    await assert.rejects(
      withLimits('change', () => 1, { deadline: -1 }),
      /Expected `deadline` to be a positive number/,
    )
  })
})
