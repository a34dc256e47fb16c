import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { reduce, type Reduction } from '../../../../src/storage/reducer/reduce.ts'
import { blankRecord, type BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import { fromFields, toFields } from '../../../../src/storage/redis/fields.ts'
import type { LastManualChange, StorageCommand } from '../../../../src/storage/contract/commands.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { MOST, NO_MANUAL } from '../../../../src/storage/contract/limits.ts'
import { exchange, sender } from '../../../../src/testing/storage-kit/commands.ts'
import { seeded } from '../../../../src/testing/storage-kit/random.ts'
import { START } from '../../../../src/testing/storage-kit/target.ts'
import { Traffic } from '../../../../src/testing/storage-kit/traffic.ts'
import { parameters } from '../../model/parameters.ts'

const DAY = 86_400_000

interface Moment {
  readonly before: BreakerRecord | undefined
  readonly command: StorageCommand
  readonly now: number
  readonly reply: StorageReply
  readonly after: BreakerRecord | undefined
  readonly ttl: number | undefined
  readonly publish: number | undefined
  /** Whether time went back or data was lost before this command. */
  readonly disturbed: boolean
}

/** Freezes a value deeply, so that a reducer that changes its input throws. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  }
  return value
}

/** Generates random traffic on one record. */
function* history({ seed, steps }: { readonly seed: number; readonly steps: number }): Generator<Moment> {
  const traffic = new Traffic(seeded(seed))
  let now = START
  let before: BreakerRecord | undefined
  let disturbed = false
  for (let step = 0; step < steps; step++) {
    const { after: passed, command } = traffic.next()
    now += passed
    disturbed = passed < 0 || command === undefined
    if (!command) before = undefined
    else {
      const reduction: Reduction<StorageReply> = reduce(deepFreeze(before), deepFreeze(command), now)
      const { reply, ttl, publish } = reduction
      const after = reduction.record as BreakerRecord | undefined
      yield { before, command, now, reply, after, ttl, publish, disturbed }
      before = after
      traffic.learn(reply)
    }
  }
}

// Fewer runs do not always cover everything that the tests expect of the traffic.
const runs = { ...parameters, numRuns: Math.max(500, parameters.numRuns) }

function always(property: (moment: Moment) => void): void {
  const anyHistory = fc.record({ seed: fc.integer(), steps: fc.integer({ min: 1, max: 60 }) })
  fc.assert(
    fc.property(anyHistory, (given) => {
      for (const moment of history(given)) property(moment)
    }),
    runs,
  )
}

describe('the reducer, for random traffic', () => {
  it('I1: the epoch never goes back, and grows with every transition', () => {
    always(({ before, after }) => {
      const [from, to] = [before?.epoch ?? 0, after?.epoch ?? 0]
      assert.ok(to >= from)
      if ((before?.state ?? 'closed') !== (after?.state ?? 'closed')) assert.ok(to > from)
    })
  })

  it('I1: no sender gets an epoch below the one that it knows, unless the reply has `reset`', () => {
    always(({ command, reply, now, before }) => {
      if (!('record' in reply)) return
      const { epoch = 0, manual = NO_MANUAL } = before ?? {}
      const { sender } = command
      const isTooFar = sender.epoch > Math.max(now, epoch) + 60_000
      // A manual change that is newer than the sender's state is none.
      const known = sender.manual.epoch > sender.epoch ? 0 : sender.manual.epoch
      const knowsLess = sender.epoch > epoch && known < manual.epoch
      assert.equal(reply.reset, isTooFar || knowsLess)
      if (!reply.reset) assert.ok(reply.record.epoch >= sender.epoch)
    })
  })

  it('F9b: only a manual change replaces one, or a newer one that a sender knows', () => {
    const seen = { made: 0, adopted: 0, taken: 0 }
    always(({ before, command, reply, after }) => {
      const last = before?.manual ?? NO_MANUAL
      const { manual = NO_MANUAL, epoch = 0 } = after ?? {}
      if (reply.type === 'changed' && command.type === 'change' && command.ifEpoch === null) {
        const { nonce, actor } = command
        assert.deepEqual(manual, { epoch, nonce, actor })
        seen.made++
      } else if (manual !== last) {
        assert.equal(manual, command.sender.manual)
        if (epoch === before?.epoch) seen.taken++
        else seen.adopted++
      }
      assert.ok(manual.epoch >= last.epoch)
    })
    assert.ok(
      Object.values(seen).every((times) => times >= 20),
      JSON.stringify(seen),
    )
  })

  it('I2: live leases and decided probes are never more than `calls`, live ones never more than `concurrent`', () => {
    const seen = { live: 0, decided: 0 }
    always(({ after }) => {
      if (after?.state !== 'half-open') return
      const { leases, concurrent, passed, failed, calls, successes } = after
      assert.ok(leases.length <= concurrent)
      assert.ok(leases.length + passed + failed <= calls)
      assert.ok(passed < successes && calls - failed >= successes, 'decided, and still half-open')
      assert.equal(new Set(leases.map(({ nonce }) => nonce)).size, leases.length)
      seen.live = Math.max(seen.live, leases.length)
      seen.decided = Math.max(seen.decided, passed + failed)
    })
    assert.ok(seen.live >= 3 && seen.decided >= 2, JSON.stringify(seen))
  })

  it('I3: a duplicate changes nothing', () => {
    const seen = new Set<string>()
    always(({ command, after, now, reply: first }) => {
      // Counts are sent once. And a refused offer is checked again, because the record may have come closer to it.
      if (command.type === 'exchange' || !('reset' in first) || first.reset) return
      const { record, reply, ttl, publish } = reduce(after, command, now)
      seen.add(first.type)
      assert.equal(record, after)
      assert.equal(ttl, undefined)
      assert.equal(publish, undefined)
      assert.notEqual(reply.type, 'settled')
      assert.notEqual(reply.type, 'changed')
    })
    assert.deepEqual([...seen].toSorted(), ['changed', 'denied', 'granted', 'late', 'refused', 'settled'])
  })

  it('F9b: no manual change is newer than the state of its record, whatever a sender says', () => {
    always(({ after }) => assert.ok(!after || after.manual.epoch <= after.epoch))
  })

  it('I3, F19: late, stale, refused and denied commands leave the same record as a mere refresh', () => {
    const seen = new Set<string>()
    always(({ before, command, now, reply, after }) => {
      if (reply.type !== 'late' && reply.type !== 'refused' && reply.type !== 'denied') return
      seen.add(reply.type)
      const refresh = reduce(before, exchange(command.sender, { rings: [] }), now)
      assert.deepEqual(after, refresh.record)
    })
    assert.equal(seen.size, 3)
  })

  it('I5: no opening and no lease has more time left than its length, and none more than a day', () => {
    always(({ after, now, reply }) => {
      if (after?.state === 'open') assert.ok(after.until - now <= after.length && after.length <= DAY)
      if (after?.state === 'half-open') {
        for (const { until, length } of after.leases) assert.ok(until - now <= length && length <= DAY)
      }
      if ('record' in reply) assert.ok((reply.record.remaining ?? 0) <= DAY)
    })
  })

  it('F13: memory is bounded, whatever the traffic', () => {
    always(({ after }) => {
      if (after?.state === 'closed') {
        assert.ok(Object.keys(after.rings).length <= 4)
        assert.ok(after.runReporters.length <= 8)
      }
      if (after?.state === 'half-open') assert.ok(after.leases.length <= 100 && after.ended.length <= 100)
      assert.ok(JSON.stringify(after ?? null).length < 20_000)
    })
  })

  it('F15: a record expires a day after it can last matter, one closed without a manual change sooner, an isolated one never', () => {
    always(({ before, after, ttl, now }) => {
      assert.equal(ttl !== undefined, after !== before)
      if (ttl === undefined) return
      if (after?.state === 'isolated') assert.equal(ttl, Infinity)
      else {
        const matters = after?.state !== 'closed' || after.manual.epoch > 0
        assert.ok(ttl >= (matters ? DAY : 300_000) && Number.isSafeInteger(ttl))
      }
      if (after?.state === 'open') assert.equal(ttl, Math.max(0, after.until - now) + DAY)
    })
  })

  it('F23: every new epoch is published, except for half-open', () => {
    always(({ before, after, publish }) => {
      const moved = (after?.epoch ?? 0) !== (before?.epoch ?? 0)
      assert.equal(publish, moved && after?.state !== 'half-open' ? after?.epoch : undefined)
    })
  })

  it('a record survives JSON and the fields of a hash unchanged', () => {
    always(({ after }) => {
      if (!after) return
      assert.deepEqual(JSON.parse(JSON.stringify(after)), after)
      assert.deepEqual(fromFields(toFields(after)), after)
    })
  })
})

describe('the reducer, for hostile input', () => {
  it('throws nothing and changes nothing, whatever is sent', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (stored, command) => {
        const { record, reply } = reduce(stored, command as StorageCommand, START)
        assert.equal(record, stored)
        assert.equal(reply.type, 'malformed')
      }),
      parameters,
    )
  })

  it('F14b: a sender says that it does not ramp with null', () => {
    const from = { ...sender('host'), ramped: undefined as unknown as null }
    const { reply } = reduce(undefined, exchange(from), START)
    assert.deepEqual(reply, { type: 'malformed', what: 'sender.ramped' })
  })

  it('F16: throws nothing and changes nothing, whatever is stored', () => {
    const { command } = new Traffic(seeded(1)).next()
    assert.ok(command)
    const foreign = fc.anything().filter((value) => value !== undefined)
    const ours = fc.record({ recloser: fc.constant(1), state: fc.anything() })
    fc.assert(
      fc.property(fc.oneof(foreign, ours), (stored) => {
        const { record, reply } = reduce(stored, command, START)
        assert.equal(record, stored)
        assert.equal(reply.type, 'unusable')
      }),
      parameters,
    )
  })

  it('F16: a record with any one field missing or wrong is corrupt', () => {
    const shapes = new Set<string>()
    always(({ after, command, now }) => {
      if (!after || shapes.has(after.state)) return
      shapes.add(after.state)
      for (const name of Object.keys(after)) {
        if (name === 'recloser') continue
        for (const wrong of [undefined, -1, 1.5, null, {}, [1]]) {
          if (name === 'rings' && wrong !== undefined && wrong !== null && typeof wrong === 'object') continue
          const { record, reply }: Reduction<StorageReply> = reduce({ ...after, [name]: wrong }, command, now)
          assert.deepEqual(reply, { type: 'unusable', why: 'corrupt' }, `${after.state}.${name}`)
          assert.deepEqual(record, { ...after, [name]: wrong })
        }
      }
    })
    assert.deepEqual([...shapes].toSorted(), ['closed', 'half-open', 'isolated', 'open'])
  })

  it('F16, F17, I5: a half-open period that nothing can decide is corrupt, and so is a time of more than a day', () => {
    const base = { ...blankRecord(START), epoch: 5, attempt: 1 }
    const lease = { nonce: 'n', until: START + 1, length: DAY, reporter: 'host', reopenFor: 1 }
    const probing = {
      ...base,
      state: 'half-open',
      opened: 4,
      due: START,
      calls: 3,
      successes: 2,
      concurrent: 100,
    }
    const period = { ...probing, passed: 1, failed: 1, failedBy: '', leases: [lease], ended: [] }
    const opening = { ...base, state: 'open', until: START + DAY, length: DAY, failedBy: '' }
    const read = (stored: object): string => {
      const { reply }: Reduction<StorageReply> = reduce(
        stored,
        exchange(sender('host'), { rings: [] }),
        START,
      )
      return reply.type === 'unusable' ? reply.why : 'usable'
    }
    for (const usable of [period, opening]) assert.equal(read(usable), 'usable')
    for (const corrupt of [
      { ...period, passed: 2 },
      { ...period, failed: 2 },
      { ...period, successes: 4 },
      { ...period, successes: 0, passed: 0 },
      { ...period, concurrent: 0 },
      { ...period, concurrent: 101 },
      { ...period, leases: [{ ...lease, length: DAY + 1 }] },
      { ...opening, length: DAY + 1 },
    ]) {
      assert.equal(read(corrupt), 'corrupt', JSON.stringify(corrupt))
    }
  })

  it('F16, F29, F9c: a record whose texts are longer than any that a storage writes is corrupt', () => {
    const { command } = new Traffic(seeded(1)).next()
    assert.ok(command)
    const record = { ...blankRecord(START), state: 'isolated' }
    const read = (fields: Partial<BreakerRecord>): string => {
      const { reply }: Reduction<StorageReply> = reduce({ ...record, ...fields }, command, START)
      return reply.type === 'unusable' ? reply.why : 'usable'
    }
    const manual = (fields: Partial<LastManualChange>): Partial<BreakerRecord> => ({
      manual: { ...NO_MANUAL, ...fields },
    })
    for (const fits of [
      { reason: 'é'.repeat(128), by: 'b'.repeat(32) },
      manual({ epoch: MOST, nonce: 'n'.repeat(32), actor: 'é'.repeat(32) }),
    ]) {
      assert.equal(read(fits), 'usable')
    }
    for (const wrong of [
      { reason: 'r'.repeat(300) },
      { reason: 'é'.repeat(129) },
      { by: 'b'.repeat(33) },
      { by: 'two words' },
      manual({ epoch: -1 }),
      manual({ epoch: MOST + 1 }),
      manual({ nonce: 'two words' }),
      manual({ nonce: 'n'.repeat(33) }),
      manual({ actor: 'a'.repeat(65) }),
      manual({ actor: 'é'.repeat(33) }),
    ]) {
      assert.equal(read(wrong), 'corrupt', JSON.stringify(wrong))
    }
  })
})
