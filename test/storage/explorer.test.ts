import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reduce } from '../../src/storage/reducer.ts'
import type { BreakerRecord } from '../../src/storage/reducer/record.ts'
import type { ProbePolicy } from '../../src/storage/storage.ts'
import { acquire, exchange, sender } from '../../src/testing/storage-kit/commands.ts'
import {
  firstWorld,
  futures,
  LEASE,
  serverTime,
  type Budget,
  type Event,
  type World,
} from './support/world.ts'

const NO_FAULTS = { delays: 0, duplicates: 0, crashes: 0, losses: 0, stepsBack: 0 }

/** Visits every world that can be reached, once, and checks each step into it. There are at least `worlds`. */
function explore(clients: number, policy: ProbePolicy, budget: Budget, worlds: number): void {
  const first = firstWorld(clients, budget)
  const seen = new Set([JSON.stringify(first)])
  const ends = new Set<string>()
  let layer: World[] = [first]
  while (layer.length > 0) {
    const next: World[] = []
    for (const before of layer) {
      for (const [after, event] of futures(before, policy)) {
        try {
          check(before, after, event, policy)
        } catch (cause) {
          throw new Error(`${event.what}: ${JSON.stringify({ before, after })}`, { cause })
        }
        const { record } = after
        if (record?.state === 'half-open') {
          const shape = JSON.stringify([record, serverTime(after)])
          if (!ends.has(shape)) mustEnd(record, serverTime(after), policy)
          ends.add(shape)
        }
        const key = JSON.stringify(after)
        if (seen.has(key)) continue
        seen.add(key)
        assert.ok(seen.size < 60_000, 'more worlds than a test has time for')
        next.push(after)
      }
    }
    layer = next
  }
  assert.ok(seen.size >= worlds && ends.size > 0, `only ${seen.size} worlds, ${ends.size} of them half-open`)
}

function check(before: World, after: World, { served }: Event, policy: ProbePolicy): void {
  if (!served) return
  const { command, reply } = served
  const known = before.record?.epoch ?? 0
  const { record } = after
  assert.ok('record' in reply)
  const epoch = record?.epoch ?? 0

  // I1. What a process knows is never taken back, unless data was lost and the clock set back at once.
  if (reply.reset) assert.ok(after.left.losses === 0 && after.left.stepsBack === 0)
  else assert.ok(reply.record.epoch >= command.sender.epoch)
  assert.ok(epoch >= known)
  if ((before.record?.state ?? 'closed') !== (record?.state ?? 'closed')) assert.ok(epoch > known)

  // I2. No period has more probes than it may.
  if (record?.state === 'half-open') {
    const { leases, passed, failed } = record
    const { calls, concurrent } = policy
    assert.ok(leases.length <= concurrent && leases.length + passed + failed <= calls)
    const taken = Object.entries(after.probes).filter(
      ([probe, fate]) => probe.startsWith(`${epoch}/`) && fate !== 'cancelled',
    )
    assert.ok(taken.length <= calls)
  }

  // I3. A lease is settled once, and what is late, stale or denied leaves behind what a mere look would have.
  if (command.type === 'settle' && reply.type === 'settled') {
    assert.equal(before.probes[`${command.epoch}/${command.nonce}`], 'granted')
  }
  if (command.type === 'change' && reply.type === 'changed' && !reply.reset) {
    assert.equal(command.ifEpoch, Math.max(known, command.sender.epoch))
  }
  // A process never asks with the nonce of a lease that it has settled: such a grant would be to nobody. Only a store
  // that has lost its data cannot know.
  if (command.type === 'acquire' && reply.type === 'granted' && !after.lost) {
    for (const [probe, fate] of Object.entries(before.probes)) {
      if (probe.endsWith(`/${command.nonce}`)) assert.equal(fate, 'granted')
    }
  }
  if (reply.type === 'late' || reply.type === 'refused' || reply.type === 'denied') {
    const look = reduce(before.record, exchange(command.sender, { rings: [] }), serverTime(before))
    assert.deepEqual(record, look.record)
  }
}

/** I4. While somebody asks for probes, a half-open period ends within its leases, though no probe ever answers. */
function mustEnd(record: BreakerRecord, begin: number, { calls }: ProbePolicy): void {
  let stored: unknown = record
  const from = sender('survivor', { state: 'half-open', epoch: record.epoch })
  for (let lease = 0; lease <= calls; lease++) {
    const command = acquire(from, `survivor-${lease}`, { lease: LEASE })
    stored = reduce(stored, command, begin + lease * LEASE).record
    if ((stored as BreakerRecord).state !== 'half-open') return
  }
  assert.fail(`it is still half-open after ${calls} leases: ${JSON.stringify({ record, stored })}`)
}

describe('every run of a small fleet', () => {
  const strict = { calls: 2, successes: 2, concurrent: 1 }
  const generous = { calls: 2, successes: 1, concurrent: 2 }

  for (const [policy, name] of [
    [strict, 'one probe at a time'],
    [generous, 'two at once'],
  ] as const) {
    it(`I1–I4: ${name}, a message late or reordered`, () => {
      explore(2, policy, { ...NO_FAULTS, sends: 4, ticks: 3, delays: 1 }, 8_000)
    })

    it(`I1–I4: ${name}, a message twice`, () => {
      explore(2, policy, { ...NO_FAULTS, sends: 4, ticks: 4, duplicates: 1 }, 8_000)
    })

    it(`I1–I4: ${name}, a crash and a loss of data`, () => {
      explore(2, policy, { ...NO_FAULTS, sends: 4, ticks: 3, crashes: 1, losses: 1 }, 15_000)
    })

    it(`I1–I4: ${name}, a loss of data and a clock that is set back`, () => {
      explore(2, policy, { ...NO_FAULTS, sends: 4, ticks: 3, losses: 1, stepsBack: 1 }, 15_000)
    })
  }

  it('I1–I4: three processes', () => {
    explore(3, strict, { ...NO_FAULTS, sends: 5, ticks: 4 }, 8_000)
  })
})
