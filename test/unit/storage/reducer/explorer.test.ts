import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type { ProbePolicy, StorageCommand } from '../../../../src/storage/contract/commands.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { acquire, exchange, sender, settle } from '../../../../src/testing/storage-kit/commands.ts'
import {
  firstWorld,
  futures,
  LEASE,
  OPENING,
  serverTime,
  type Budget,
  type Event,
  type World,
} from '../support/world.ts'

const NO_FAULTS = {
  delays: 0,
  duplicates: 0,
  crashes: 0,
  losses: 0,
  stepsBack: 0,
  stepsOn: 0,
  alone: 0,
}

/** Visits every reachable world once, and checks each step. Asserts that there are at least `worlds`. */
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
          if (!ends.has(shape)) mustEnd(record, record.epoch, serverTime(after), policy.calls * LEASE)
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
  assert.ok('record' in reply)
  const known = before.record?.epoch ?? 0
  const state = before.record?.state ?? 'closed'
  const { record } = after
  const epoch = record?.epoch ?? 0
  const adopts = command.sender.epoch > known && !reply.reset

  // I1. The epoch that a process knows never goes back, unless data is lost and the clock is set back as well.
  if (reply.reset) assert.ok(after.left.losses === 0 && after.left.stepsBack === 0)
  else assert.ok(reply.record.epoch >= command.sender.epoch)
  assert.ok(epoch >= known)
  if (state !== (record?.state ?? 'closed')) assert.ok(epoch > known)
  if (adopts && command.sender.state !== record?.state) assert.ok(epoch > command.sender.epoch)

  // I2. No period has more probes than allowed.
  if (record?.state === 'half-open') {
    const { leases, passed, failed } = record
    const { calls, concurrent } = policy
    assert.ok(leases.length <= concurrent && leases.length + passed + failed <= calls)
    const taken = Object.entries(after.probes).filter(
      ([probe, fate]) => probe.startsWith(`${epoch}/`) && fate !== 'cancelled',
    )
    // After a loss of data, one period may occur again within the same millisecond, under the same epoch.
    assert.ok(taken.length <= (after.lost ? 2 * calls : calls))
  }

  checkInput(before, after, command, reply, adopts)
  checkOpening(before, after, command, reply, adopts)
}

/** I3. Late, stale or duplicate messages have no effect, and counts are added once. */
function checkInput(
  before: World,
  { record, lost }: World,
  command: StorageCommand,
  reply: StorageReply,
  adopts: boolean,
): void {
  assert.ok('record' in reply)
  const known = before.record?.epoch ?? 0
  const state = before.record?.state ?? 'closed'
  if (command.type === 'settle' && reply.type === 'settled') {
    assert.equal(before.probes[`${command.epoch}/${command.nonce}`], 'granted')
    assert.deepEqual([state, known], ['half-open', command.epoch])
  }
  if (command.type === 'change' && reply.type === 'changed' && !reply.reset) {
    assert.equal(command.ifEpoch, Math.max(known, command.sender.epoch))
    assert.equal(adopts ? command.sender.state : state, 'closed')
  }
  // A nonce whose lease has been settled gets no second lease, which no process would use. Only a store that has lost
  // its data cannot know that.
  if (command.type === 'acquire' && reply.type === 'granted' && !lost) {
    for (const [probe, fate] of Object.entries(before.probes)) {
      if (probe.endsWith(`/${command.nonce}`)) assert.equal(fate, 'granted')
    }
  }
  if (reply.type === 'late' || reply.type === 'refused' || reply.type === 'denied') {
    const refresh = reduce(before.record, exchange(command.sender, { rings: [] }), serverTime(before))
    assert.deepEqual(record, refresh.record)
  }
  if (record?.state === 'closed') {
    const counted = before.record?.state === 'closed' && known === record.epoch ? before.record.run : 0
    const counts = command.type === 'exchange' && command.epoch === record.epoch
    assert.equal(record.run, counted + (counts ? command.failures : 0))
  }
}

/** I5. An opening has its full length even if the store's clock is set, and no probe is admitted before its end. */
function checkOpening(
  { record, opening, time }: World,
  after: World,
  { sender }: StorageCommand,
  reply: StorageReply,
  adopts: boolean,
): void {
  assert.ok('record' in reply)
  const { state, remaining } = reply.record
  if (reply.type === 'granted' && adopts) assert.equal(sender.remaining, 0)
  if (reply.type === 'granted' && !adopts && record?.state === 'open') {
    assert.ok(opening && (time >= opening.due || opening.stepped === 'on'))
  }
  if (state !== 'open') return
  assert.ok(after.opening && remaining !== null)
  const { due, stepped } = after.opening
  const left = Math.max(0, due - time)
  if (stepped === 'no') assert.equal(remaining, left)
  // If the clock is set back, the opening may last for its length once more.
  else assert.ok(remaining <= OPENING && (stepped === 'on' || remaining >= left))
}

/**
 * I4. While a process asks for leases, a half-open period ends within `left` ms, whether a probe succeeds, fails or
 * never settles.
 */
function mustEnd(stored: unknown, epoch: number, now: number, left: number, asked = 0): void {
  const record = stored as BreakerRecord
  if (record.state !== 'half-open') return
  assert.ok(left >= 0, `it is still half-open: ${JSON.stringify(record)}`)
  const wait = (from: unknown, ms: number): void => mustEnd(from, epoch, now + ms, left - ms, asked + 1)
  const from = sender(`survivor-${asked}`, { state: 'half-open', epoch })
  const nonce = `survivor-${asked}`
  const { record: after, reply } = reduce(record, acquire(from, nonce, { lease: LEASE }), now)
  if (reply.type === 'denied') return wait(after, reply.wait ?? Infinity)
  if (reply.type !== 'granted') return assert.fail(`its question is answered ${reply.type}`)
  for (const outcome of ['success', 'failure'] as const) {
    const { record: decided } = reduce(after, settle(from, nonce, epoch, outcome), now)
    wait(decided, 0)
  }
  wait(after, LEASE)
}

describe('every run of a small fleet', () => {
  const strict = { calls: 2, successes: 2, concurrent: 1 }
  const generous = { calls: 2, successes: 1, concurrent: 2 }

  for (const [policy, name] of [
    [strict, 'one probe at a time'],
    [generous, 'two at once'],
  ] as const) {
    for (const [title, faults, sends, ticks, worlds] of [
      ['a message late or reordered', { delays: 1 }, 4, 3, 9_000],
      ['a message twice', { duplicates: 1 }, 4, 4, 11_000],
      ['a message late and a loss of data', { delays: 1, losses: 1 }, 3, 2, 4_000],
      ['a message twice and a loss of data', { duplicates: 1, losses: 1 }, 4, 2, 9_000],
      ['a crash and a loss of data', { crashes: 1, losses: 1 }, 4, 3, 15_000],
      ['a loss of data and a clock that is set back', { losses: 1, stepsBack: 1 }, 4, 3, 15_000],
      ['a loss of data and a clock that is set forward', { losses: 1, stepsOn: 1 }, 4, 3, 15_000],
      [
        'a process that recovers alone and a clock that is set back',
        { alone: 1, stepsBack: 1 },
        4,
        3,
        15_000,
      ],
    ] as const) {
      it(`I1–I5: ${name}, ${title}`, () => {
        explore(2, policy, { ...NO_FAULTS, ...faults, sends, ticks }, worlds)
      })
    }
  }

  it('I1–I5: three processes', () => {
    explore(3, strict, { ...NO_FAULTS, sends: 5, ticks: 4 }, 15_000)
  })
})
