import assert from 'node:assert/strict'
import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type { StorageCommand } from '../../../../src/storage/contract/commands.ts'
import { NO_MANUAL } from '../../../../src/storage/contract/limits.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { acquire, exchange, sender, settle } from '../../../../src/testing/storage-kit/commands.ts'
import {
  isOrder,
  LEASE,
  OPENING,
  orderOf,
  RAMP,
  seenWith,
  serverTime,
  type Event,
  type Play,
  type World,
} from './world.ts'

/** Checks a step against the invariants I1 to I3 and I5, and the rules F9b and F14b. */
export function check(before: World, after: World, { served }: Event, play: Play): void {
  if (!served) return
  const { command, reply } = served
  assert.ok('record' in reply)
  const known = before.record?.epoch ?? 0
  const state = before.record?.state ?? 'closed'
  const { record } = after
  const epoch = record?.epoch ?? 0
  const adopts = command.sender.epoch > known && !reply.reset

  // I1. The epoch that a process knows never goes back, unless data is lost and the clock is set back as well.
  if (reply.reset) assert.ok(after.lostAt !== undefined || after.expired)
  else assert.ok(reply.record.epoch >= command.sender.epoch)
  assert.ok(epoch >= known)
  if (state !== (record?.state ?? 'closed')) assert.ok(epoch > known)
  if (adopts && command.sender.state !== record?.state) assert.ok(epoch > command.sender.epoch)

  // I2. No period has more probes than allowed.
  if (record?.state === 'half-open') {
    const { leases, passed, failed } = record
    // A period that was begun by hand has limits of its own.
    const { calls, concurrent } = play.orders.length > 0 ? record : play.policy
    assert.ok(leases.length <= concurrent && leases.length + passed + failed <= calls)
    const taken = Object.entries(after.probes).filter(
      ([probe, fate]) => probe.startsWith(`${epoch}/`) && fate !== 'cancelled',
    )
    // After a loss of data, one period may occur again within the same millisecond, under the same epoch.
    assert.ok(taken.length <= (after.lostAt !== undefined ? 2 * calls : calls))
  }

  checkInput(before, after, command, reply, adopts)
  checkOpening(before, after, command, reply, adopts)
  if (play.orders.length > 0) checkOrders(before, after, command, reply, play)
  checkRamp(before, after, reply)
}

/** Returns the record as a mere refresh by the sender leaves it. */
const refreshed = (world: World, { sender }: StorageCommand): unknown =>
  reduce(world.record, exchange(sender, { rings: [] }), serverTime(world)).record

/** I3. Late, stale or duplicate messages have no effect, and counts are added once. */
function checkInput(
  before: World,
  { record, lostAt }: World,
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
  if (command.type === 'change' && !isOrder(command) && reply.type === 'changed' && !reply.reset) {
    assert.equal(command.ifEpoch, Math.max(known, command.sender.epoch))
    assert.equal(adopts ? command.sender.state : state, 'closed')
  }
  // A nonce whose lease has been settled gets no second lease, which no process would use. Only a store that has lost
  // its data cannot know that.
  if (command.type === 'acquire' && reply.type === 'granted' && lostAt === undefined) {
    for (const [probe, fate] of Object.entries(before.probes)) {
      if (probe.endsWith(`/${command.nonce}`)) assert.equal(fate, 'granted')
    }
  }
  if (reply.type === 'late' || reply.type === 'refused' || reply.type === 'denied') {
    assert.deepEqual(record, refreshed(before, command))
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

/** F9b. A manual change is never undone by an older one. */
function checkOrders(
  before: World,
  after: World,
  command: StorageCommand,
  reply: StorageReply,
  play: Play,
): void {
  assert.ok('record' in reply)
  const { record } = after
  // Of two manual changes of which one was lost, the greater epoch tells the newer one, unless the clock was set back.
  const isConfused = before.lostAt !== undefined && before.skew < 0
  const seenBySender = seenWith(before, command.sender.manual)
  const seenBefore = seenWith(before, before.record?.manual ?? NO_MANUAL)
  const found = refreshed(before, command) as BreakerRecord | undefined
  const seenFound = seenWith(before, found?.manual ?? NO_MANUAL)
  const seenAfter = seenWith(after, record?.manual ?? NO_MANUAL)
  const known = before.record?.epoch ?? 0
  if (command.sender.epoch > known && !reply.reset) {
    const { epoch = 0 } = before.record?.manual ?? {}
    assert.ok(command.sender.manual.epoch >= epoch, 'a manual change is undone by who does not know of it')
  }
  if (!isOrder(command) || reply.type !== 'changed') {
    // A record never takes over an older manual change, and who knows a newer one has healed it.
    assert.ok(seenAfter >= seenBefore || isConfused, 'an older manual change is back')
    if (after.lostAt === undefined) assert.equal(seenAfter, after.made.length, 'a manual change is forgotten')
    if (!reply.reset) assert.ok(seenAfter >= seenBySender || isConfused, 'the manual change is not healed')
  }
  if (!isOrder(command)) return
  // It may have been given in this very step.
  const order = after.orders[orderOf(after, command.nonce)]!
  const standing = before.made.at(-1)
  if (reply.type === 'changed') {
    assert.deepEqual([record?.state, record?.manual.nonce], [order.to, command.nonce])
    assert.equal(record?.manual.epoch, record?.epoch)
    const isRepeat = (found?.state ?? 'closed') === order.to
    if (order.reason !== '') assert.equal(record?.reason, order.reason)
    else if (!isRepeat) assert.equal(record?.reason, 'manual')
    if (standing === undefined) return
    const last = before.orders[standing]!
    // How old a manual change is can only be told from the age of the state and from epochs.
    const isGuess =
      order.isBlind && (order.givenAt === before.madeAt || before.skew > 0 || before.expired || play.probes)
    if (last.process === order.process) assert.ok(last.number <= order.number, 'an own order is undone')
    else if (order.seen < before.made.length && !isGuess) {
      // Only a store that has lost its data may make it, if the order was given later than the last one; or if nobody
      // who knows that one has had the chance to heal it since the giver has read the record.
      const sent = before.clients.find(({ process }) => process === order.process)?.pending
      const isUnsure = (sent?.readAt ?? Infinity) <= (before.lostAt ?? -1)
      const canHeal = before.clients.some(
        ({ cut, seen, connectedFor }) => !cut && seen >= before.made.length && connectedFor >= 2,
      )
      // If the clock was set back too, the giver may know a lost one of a greater epoch.
      const isHealed =
        seenFound >= before.made.length && !(isConfused && found!.manual.epoch <= command.ifManual)
      const isOlder = order.givenAfter < before.made.length && canHeal && !isUnsure && !isConfused
      assert.ok(before.lostAt !== undefined && !isHealed && !isOlder, 'its giver did not know what it undoes')
    }
  } else if (reply.type === 'refused' && reply.why === 'overtaken') {
    const last = before.orders[orderOf(before, reply.record.manual.nonce)]!
    assert.notEqual(last.process, order.process)
    assert.ok(order.isBlind || order.seen < seenFound || isConfused, 'it was overtaken by nothing')
  } else {
    assert.ok(reply.type === 'refused' && reply.why === 'repeated')
    const numbers = before.made.map((each) => before.orders[each]!)
    assert.ok(numbers.some(({ process, number }) => process === order.process && number >= order.number))
  }
}

/** F14b. A close by probes ramps for the length of the ramp, whatever is lost, expires or is set back. */
function checkRamp({ time }: World, { ramp, record }: World, reply: StorageReply): void {
  assert.ok('record' in reply)
  const { ramped } = reply.record
  if (!ramp || record?.state !== 'closed') return assert.equal(ramped, null)
  const passed = time - ramp.since
  if (ramp.back + ramp.on === 0) return assert.equal(ramped, passed < RAMP ? passed : null)
  if (ramped === null) assert.ok(ramp.on > 0 || passed >= RAMP)
  else {
    assert.ok(ramped >= 0 && (ramped <= passed || ramp.on > 0))
    assert.ok(passed < RAMP * (1 + ramp.back), 'it ramps again and again')
  }
}

/**
 * I4. While a process asks for leases, a half-open period ends within `left` ms, whether a probe succeeds, fails or
 * never settles.
 */
export function mustEnd(stored: unknown, epoch: number, now: number, left: number, asked = 0): void {
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
