import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import type { ExchangeReply, PooledRing } from '../../../../src/storage/contract/replies.ts'
import { exchange, sender } from '../../../../src/testing/storage-kit/commands.ts'
import { START } from '../../../../src/testing/storage-kit/target.ts'
import { parameters } from '../../model/parameters.ts'

interface Batch {
  readonly at: number
  readonly reporter: string
  readonly successes: number
  readonly failures: number
  readonly slow: number
  readonly tail: number
}

const batches: fc.Arbitrary<readonly Batch[]> = fc
  .array(
    fc.record({
      after: fc.oneof(fc.nat(300), fc.nat(3_000)),
      reporter: fc.nat(5).map((host) => `host-${host}`),
      successes: fc.oneof(fc.constant(0), fc.nat(5)),
      failures: fc.oneof(fc.constant(0), fc.nat(5)),
      slow: fc.nat(5),
      tail: fc.nat(5),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((given) => {
    let at = START
    return given.map(({ after, slow, tail, ...rest }) => {
      const { successes, failures } = rest
      at += after
      const cut = Math.min(slow, successes + failures)
      return { ...rest, at, slow: cut, tail: successes === 0 ? failures : Math.min(tail, failures) }
    })
  })

const shapes = fc.record({
  window: fc.integer({ min: 1, max: 5_000 }),
  buckets: fc.integer({ min: 1, max: 20 }),
})

/** Sends the batches one after the other, and returns the replies. */
function pool(given: readonly Batch[], shape: { window: number; buckets: number }): ExchangeReply[] {
  let stored: unknown
  return given.map(({ at, reporter, successes, failures, slow, tail }) => {
    const calls = successes + failures
    const rings = [{ ...shape, slowerThan: 100, calls, failures, slow }]
    const command = exchange(sender(reporter), { successes, failures, tail, rings })
    const { record, reply } = reduce(stored, command, at)
    stored = record
    return reply
  })
}

const total = (list: readonly Batch[], count: (batch: Batch) => number): number =>
  list.reduce((sum, batch) => sum + count(batch), 0)
const hosts = (list: readonly Batch[]): number => new Set(list.map(({ reporter }) => reporter)).size

/** Computes the ring by recounting all batches. */
function recount(given: readonly Batch[], shape: { window: number; buckets: number }): PooledRing {
  const bucket = ({ at }: Batch): number => Math.floor((at * shape.buckets) / shape.window)
  const newest = bucket(given.at(-1)!)
  const live = given.filter((batch) => bucket(batch) > newest - shape.buckets)
  return {
    calls: total(live, ({ successes, failures }) => successes + failures),
    failures: total(live, ({ failures }) => failures),
    slow: total(live, ({ slow }) => slow),
    failureReporters: hosts(live.filter(({ failures }) => failures > 0)),
    slowReporters: hosts(live.filter(({ slow }) => slow > 0)),
  }
}

/** Computes the run from the batches since the last one with a success, including its tail. */
function rerun(given: readonly Batch[]): { failures: number; reporters: number } {
  const from = Math.max(
    0,
    given.findLastIndex(({ successes }) => successes > 0),
  )
  const run = given.slice(from).filter(({ tail }) => tail > 0)
  return { failures: total(run, ({ tail }) => tail), reporters: hosts(run) }
}

describe('the pool', () => {
  it('F2, F13: sums up exactly the batches of the live buckets, and the hosts that saw failures or slow calls', () => {
    fc.assert(
      fc.property(batches, shapes, (given, shape) => {
        for (const [index, reply] of pool(given, shape).entries()) {
          assert.ok(reply.type === 'exchanged' && reply.counted)
          assert.deepEqual(reply.rings, [recount(given.slice(0, index + 1), shape)])
        }
      }),
      parameters,
    )
  })

  it('F4: the run is the failures since the last batch with a success, with the tail of that one', () => {
    fc.assert(
      fc.property(batches, (given) => {
        for (const [index, reply] of pool(given, { window: 1_000, buckets: 1 }).entries()) {
          assert.ok(reply.type === 'exchanged')
          assert.deepEqual(reply.run, rerun(given.slice(0, index + 1)))
        }
      }),
      parameters,
    )
  })
})
