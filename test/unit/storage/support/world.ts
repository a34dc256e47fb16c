import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type {
  LastManualChange,
  ManualChangeCommand,
  ProbePolicy,
  Sender,
  StorageCommand,
} from '../../../../src/storage/contract/commands.ts'
import { NO_MANUAL, SHORTEST_TTL } from '../../../../src/storage/contract/limits.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import {
  acquire,
  exchange,
  manualChange,
  sender,
  settle,
  trip,
} from '../../../../src/testing/storage-kit/commands.ts'

/** The unit of time in milliseconds: an opening lasts one, a lease two. */
export const TICK = 1_000
export const LEASE = 2 * TICK
export const OPENING = TICK
export const RAMP = 400 * TICK
const BEGIN = 1_000_000
/** Longer than a closed record is kept that neither ramps nor has an escalation. */
const NAP = SHORTEST_TTL + TICK

/** What a world is explored with. */
export interface Play {
  readonly policy: ProbePolicy
  /** The budget for the first world. */
  readonly budget: Budget
  /** Whether processes trip, and send probes. */
  readonly probes: boolean
  /** Whether processes have had a first reply, from a store without a record. */
  readonly known: boolean
  /** The states that processes order by hand. */
  readonly orders: readonly Sender['state'][]
  /** The length of the ramp of each process, from the first on; the others do not ramp. */
  readonly ramps: readonly number[]
  /** Milliseconds by which the store's clock is set. */
  readonly step: number
}

/** An order by hand that the record has not received yet, as `src/fleet/changes.ts` keeps it. */
interface Pending {
  /** Its index in `World.orders`. */
  readonly order: number
  /** `undefined` before the first reply. */
  readonly ifManual: number | undefined
  readonly givenAt: number
  /** Whether it must wait until the record has been read. */
  readonly waits: boolean
  /** Whether the store was away since. */
  readonly offered: boolean
  /** When the record was read; `undefined` before. */
  readonly readAt: number | undefined
  /** When it may be sent. */
  readonly dueAt: number
}

/** An order by hand, and the truth about it. */
export interface Order {
  readonly process: string
  readonly number: number
  readonly to: Sender['state']
  readonly reason: string
  /** How many orders had been made when it was given. */
  readonly givenAfter: number
  /** How many of the orders that had been made its giver had seen. */
  readonly seen: number
  /** In true time. */
  readonly givenAt: number
  /** Whether it was given before the first reply. Then what was made in the same millisecond may count as newer. */
  readonly isBlind: boolean
}

/** A process: what it knows of the record, and the leases that it has or wants. */
interface Client {
  /** Names the process. One that has crashed is followed by another. */
  readonly process: string
  readonly state: Sender['state']
  readonly epoch: number
  /** When the opening that it knows ends, by its own clock. */
  readonly due: number
  readonly attempt: number
  readonly reason: string
  readonly manual: LastManualChange
  /** When the ramp that it knows began, by its own clock. */
  readonly rampedSince: number | null
  /** Whether it has had a reply. */
  readonly known: boolean
  /** Whether its link is cut. */
  readonly cut: boolean
  /** How many intervals, two at most, it has been connected since its link returned. */
  readonly connectedFor: number
  /** Whether it has exchanged since the last tick: a process in use does, in every interval. */
  readonly fresh: boolean
  readonly pending: Pending | undefined
  /** Whether an order has been sent whose reply has not arrived. */
  readonly mayHaveChanged: boolean
  /** The number of orders that it has given. */
  readonly given: number
  /** The truth: how many of the orders that have been made it has seen. It never forgets one. */
  readonly seen: number
  /** The leases that it holds, each with its epoch. */
  readonly leases: readonly { readonly nonce: string; readonly epoch: number }[]
  /** The nonce of its next lease. A repeated request uses the same one. */
  readonly next: number
}

interface Message {
  readonly client: number
  readonly command: StorageCommand
  /** Absent while the request is in transit. */
  readonly reply?: StorageReply
}

/** The number of faults and of other steps that are left. */
export interface Budget {
  readonly sends: number
  readonly ticks: number
  /** Requests and replies that are delayed: anything may happen before they arrive. */
  readonly delays: number
  /** Requests that arrive twice. */
  readonly duplicates: number
  readonly crashes: number
  readonly losses: number
  /** How often the store restarts with the data of the last tick. */
  readonly restores: number
  /** How often the store's clock may be set back, and forward. */
  readonly stepsBack: number
  readonly stepsOn: number
  /** Processes that lose the store, probe by themselves and close (F26). */
  readonly alone: number
  /** Orders by hand. */
  readonly orders: number
  /** Links that are cut. They may return at any time. */
  readonly cuts: number
  /** Times in which nobody does anything, and the record may expire. */
  readonly naps: number
}

/** The intended end of the opening in the record. */
export interface Opening {
  /** In true time. */
  readonly due: number
  /** Whether the store's clock has been set since the opening began. */
  readonly stepped: 'no' | 'back' | 'on'
}

/** A close by probes that ramps (F14b). */
export interface Ramp {
  readonly epoch: number
  /** In true time. */
  readonly since: number
  /** How often the store's clock has been set back, and forward, since. */
  readonly back: number
  readonly on: number
}

/** A fleet at one moment: the store, the processes, and the messages in transit, which arrive in any order. */
export interface World {
  readonly record: BreakerRecord | undefined
  /** The record as it was at the last tick, if the store may restart with it. */
  readonly saved: Pick<World, 'record' | 'opening' | 'ramp'>
  /** Computed independently of the record, while that is open. */
  readonly opening: Opening | undefined
  /** When the record expires, in true time. */
  readonly expiresAt: number
  /** The last close by probes that ramps, computed independently of the record. */
  readonly ramp: Ramp | undefined
  /** The orders by hand, in the order in which they were given. */
  readonly orders: readonly Order[]
  /** The orders that have been made, in the order in which they were. */
  readonly made: readonly number[]
  /** When the last of them was made, in true time. */
  readonly madeAt: number
  /** True time. */
  readonly time: number
  /** The store's clock minus true time. */
  readonly skew: number
  readonly clients: readonly Client[]
  readonly inTransit: readonly Message[]
  readonly left: Budget
  /** When data was lost, in true time. */
  readonly lostAt: number | undefined
  /** Whether the record has expired. */
  readonly expired: boolean
  /** The fate of each nonce, by `epoch/nonce`. */
  readonly probes: Readonly<Record<string, 'granted' | 'cancelled' | 'settled'>>
}

/** What happened in a step, for the checks. */
export interface Event {
  readonly what: string
  readonly served?: { readonly command: StorageCommand; readonly reply: StorageReply }
}

const newcomer = (process: string): Client => ({
  process,
  state: 'closed',
  epoch: 0,
  due: 0,
  attempt: 0,
  reason: '',
  manual: NO_MANUAL,
  rampedSince: null,
  known: false,
  cut: false,
  connectedFor: 2,
  fresh: false,
  pending: undefined,
  mayHaveChanged: false,
  given: 0,
  seen: 0,
  leases: [],
  next: 0,
})

const NOTHING = { record: undefined, opening: undefined, ramp: undefined }

export function firstWorld(clients: number, { budget: left, known }: Play): World {
  return {
    record: undefined,
    saved: NOTHING,
    opening: undefined,
    expiresAt: Infinity,
    ramp: undefined,
    orders: [],
    made: [],
    madeAt: 0,
    time: BEGIN,
    skew: 0,
    clients: Array.from({ length: clients }, (_, i) => ({ ...newcomer(`p${i}`), known })),
    inTransit: [],
    left,
    lostAt: undefined,
    expired: false,
    probes: {},
  }
}

export const serverTime = ({ time, skew }: World): number => time + skew

/** Yields every possible next step of a world. */
export function* futures(world: World, play: Play): Generator<Step> {
  const { clients, inTransit, left } = world
  if (left.sends > 0) {
    const sent = { ...world, left: spend(left, 'sends') }
    for (const [index, client] of clients.entries()) {
      if (client.cut) continue
      for (const command of commandsOf(client, index, world.time, play)) {
        yield* transmitted(sent, { client: index, command })
      }
    }
  }
  yield* ordersOf(world, play)
  for (const [at, message] of inTransit.entries()) {
    const landed = { ...world, inTransit: inTransit.toSpliced(at, 1) }
    if (!message.reply) yield* served(landed, message)
    else if (!clients[message.client]!.cut) {
      yield [apply(landed, message, message.reply), { what: 'a reply arrives late' }]
    }
  }
  yield* passing(world, play)
  yield* faults(world, play)
}

/** Yields the steps in which time passes. Processes that take part in orders exchange once in every interval. */
function* passing(world: World, { orders }: Play): Generator<Step> {
  const { clients, left } = world
  if (clients.some((client) => mayOrder(client, world))) return
  if (
    left.ticks > 0 &&
    (orders.length === 0 || clients.every(({ known, cut, fresh }) => !known || cut || fresh))
  ) {
    yield [pass(world, TICK, 'ticks'), { what: 'a tick' }]
  }
  if (left.naps > 0) yield [pass(world, NAP, 'naps'), { what: 'nothing happens for minutes' }]
}

function pass(world: World, ms: number, cost: 'ticks' | 'naps'): World {
  const time = world.time + ms
  const clients = world.clients.map((client) => {
    const connectedFor = client.cut ? 0 : Math.min(2, client.connectedFor + 1)
    return { ...client, fresh: false, connectedFor }
  })
  const { record, opening, ramp } = world
  const saved = world.left.restores > 0 ? { record, opening, ramp } : NOTHING
  const passed = { ...world, time, clients, saved, left: spend(world.left, cost) }
  return time < world.expiresAt
    ? passed
    : { ...passed, record: undefined, expiresAt: Infinity, expired: true }
}

function lose(world: World, saved: World['saved'], cost: 'losses' | 'restores', takesTime: boolean): World {
  return {
    ...world,
    ...saved,
    expiresAt: Infinity,
    time: takesTime ? world.time + TICK : world.time,
    // A request does not outlive the store that it was sent to, and no link outlives it.
    clients: world.clients.map((each) => ({
      ...each,
      pending: each.pending && { ...each.pending, offered: true },
    })),
    inTransit: world.inTransit.filter(({ reply, command }) => reply || command.type !== 'change'),
    lostAt: world.time,
    left: spend(world.left, cost),
  }
}

function* faults(world: World, { step: ms, orders }: Play): Generator<Step> {
  const { clients, left } = world
  if (left.losses > 0 && world.record) {
    yield [lose(world, NOTHING, 'losses', orders.length > 0), { what: 'the store loses its data' }]
  }
  if (left.restores > 0 && world.saved.record && world.saved.record !== world.record) {
    yield [lose(world, world.saved, 'restores', true), { what: 'the store restarts with old data' }]
  }
  if (left.stepsBack > 0) yield [step(world, -ms, 'stepsBack'), { what: "the store's clock is set back" }]
  if (left.stepsOn > 0) yield [step(world, ms, 'stepsOn'), { what: "the store's clock is set forward" }]
  for (const [index, client] of clients.entries()) {
    const replace = (by: Partial<Client>): World => ({
      ...world,
      clients: clients.with(index, { ...client, ...by }),
    })
    if (client.cut)
      yield [replace({ cut: false, connectedFor: 0 }), { what: `the link of process ${index} returns` }]
    else if (left.cuts > 0) {
      const pending = client.pending && { ...client.pending, ...OFFERED }
      const cut = { ...replace({ cut: true, pending }), left: spend(left, 'cuts') }
      yield [cut, { what: `the link of process ${index} is cut` }]
    }
    const isDue = client.state === 'half-open' || (client.state === 'open' && client.due <= world.time)
    if (left.alone > 0 && isDue) {
      const closed = { state: 'closed', epoch: client.epoch + 1, attempt: 0, due: 0 } as const
      const recovered = { ...replace(closed), left: spend(left, 'alone') }
      yield [recovered, { what: `process ${index} recovers alone` }]
    }
    if (left.crashes > 0) {
      // A new process uses nonces of its own.
      const restarted = { ...newcomer(`${client.process}x`), next: 100 }
      const crashed = { ...world, clients: clients.with(index, restarted), left: spend(left, 'crashes') }
      yield [crashed, { what: `process ${index} crashes` }]
    }
  }
}

const OFFERED = { waits: true, offered: true, readAt: undefined, dueAt: Infinity }

/** Whether a process may send the order that it has given. */
const mayOrder = ({ pending, cut, known }: Client, { time }: World): boolean =>
  pending !== undefined && known && !cut && time >= pending.dueAt

/** Yields the orders by hand that processes give, send, or send again. */
function* ordersOf(world: World, { orders: targets }: Play): Generator<Step> {
  const { clients, left } = world
  for (const [index, client] of clients.entries()) {
    const { pending, manual } = client
    if (mayOrder(client, world)) yield* sentOrder(world, index)
    if (left.orders === 0) continue
    for (const to of targets) {
      const state = pending ? world.orders[pending.order]!.to : client.state
      if (state === to && hasNoRepeat(to)) continue
      for (const reason of state === to ? ['', 'by hand'] : ['by hand']) {
        const live = client.known && !client.cut
        const order = {
          process: client.process,
          number: client.given + 1,
          to,
          reason,
          givenAfter: world.made.length,
          // Before the first reply a process knows nothing, and undoes whatever it finds.
          seen: client.known ? client.seen : world.made.length,
          givenAt: world.time,
          isBlind: !client.known,
        }
        const next: Pending = {
          order: world.orders.length,
          ifManual: client.known ? manual.epoch : undefined,
          givenAt: world.time,
          waits: !live,
          offered: client.cut,
          readAt: undefined,
          dueAt: live ? world.time : Infinity,
        }
        const given = {
          ...world,
          left: spend(left, 'orders'),
          orders: [...world.orders, order],
          clients: clients.with(index, { ...client, given: order.number, pending: next }),
        }
        if (live) yield* sentOrder(given, index)
        else yield [given, { what: `process ${index} orders ${to}, and cannot send it` }]
      }
    }
  }
}

/** A repeated `close` or `halfOpen` has no effect anywhere, and is not sent. */
const hasNoRepeat = (to: Sender['state']): boolean => to === 'closed' || to === 'half-open'

/** A process sends its order. If the reply is late it reads the record, and then sends the order again. */
function* sentOrder(world: World, index: number): Generator<Step> {
  const client = world.clients[index]!
  const pending = client.pending!
  const { to, reason, process, number } = world.orders[pending.order]!
  const replace = (by: Partial<Client>): World => ({
    ...world,
    clients: world.clients.with(index, { ...client, ...by }),
  })
  if (!client.mayHaveChanged && client.state === to && hasNoRepeat(to)) {
    yield [replace({ pending: undefined }), { what: `process ${index} drops an order without an effect` }]
    return
  }
  const { ifManual = 0 } = pending
  const given = { openFor: OPENING, policy: { calls: 1, successes: 1, concurrent: 1 }, reason, ifManual }
  const from = senderOf(client, index, world.time, 0)
  const command: ManualChangeCommand = manualChange(from, `${process}-${number}`, { to, ...given })
  const unanswered = { ...pending, waits: true, readAt: undefined, dueAt: Infinity }
  yield* transmitted(replace({ pending: unanswered, mayHaveChanged: true }), { client: index, command })
}

export type Step = readonly [World, Event]

function step(world: World, by: number, cost: 'stepsBack' | 'stepsOn'): World {
  const { skew, left, opening, ramp } = world
  const stepped = by > 0 || opening?.stepped === 'on' ? 'on' : 'back'
  return {
    ...world,
    skew: skew + by,
    left: spend(left, cost),
    opening: opening && { ...opening, stepped },
    ramp: ramp && { ...ramp, back: ramp.back + Number(by < 0), on: ramp.on + Number(by > 0) },
  }
}

const transmit = (world: World, message: Message, cost: 'delays' | 'duplicates'): World => ({
  ...world,
  inTransit: [...world.inTransit, message],
  left: spend(world.left, cost),
})

/** A request is served at once, or is on its way. */
function* transmitted(world: World, message: Message): Generator<Step> {
  yield* served(world, message)
  if (world.left.delays > 0) {
    yield [transmit(world, message, 'delays'), { what: `${message.command.type} is on its way` }]
  }
}

/** The store serves a request. Its reply arrives at once or late, and the request may arrive again. */
function* served(world: World, message: Message): Generator<Step> {
  const { command } = message
  const { record, reply, ttl } = reduce(world.record, command, serverTime(world))
  const served = {
    ...world,
    record: record as BreakerRecord | undefined,
    expiresAt: ttl === undefined ? world.expiresAt : world.time + ttl,
    probes: noteProbe(world.probes, command, reply),
    ...(isOrder(command) &&
      reply.type === 'changed' && {
        made: [...world.made, orderOf(world, command.nonce)],
        madeAt: world.time,
      }),
  }
  const ramp = rampOf(served, command, reply)
  const after = { ...served, opening: openingOf(world, served, command, reply), ramp }
  const event = { what: `the store serves ${command.type}`, served: { command, reply } }
  yield [apply(after, message, reply), event]
  if (world.left.delays > 0) yield [transmit(after, { ...message, reply }, 'delays'), event]
  // Counts are only safe because they are sent once; any other request may arrive twice.
  if (world.left.duplicates > 0 && command.type !== 'exchange') {
    yield [transmit(apply(after, message, reply), message, 'duplicates'), event]
  }
}

/** Returns the intended end of an opening, computed from the commands and not from the record. */
function openingOf(
  before: World,
  after: World,
  { type, sender }: StorageCommand,
  reply: StorageReply,
): Opening | undefined {
  if (after.record?.state !== 'open' || !('record' in reply)) return undefined
  const known = before.record?.epoch ?? 0
  if (before.record?.state === 'open' && known === after.record.epoch) return before.opening
  const begun = (due: number): Opening => ({ due, stepped: 'no' })
  if (reply.type === 'changed' || reply.type === 'settled') return begun(before.time + OPENING)
  // A half-open state that is offered becomes an opening that is due.
  if (sender.epoch > known && !reply.reset) return begun(before.time + sender.remaining)
  // The end of a lease has decided.
  if (before.record?.state !== 'half-open') throw new Error(`it was opened by a mere ${type}`)
  const { leases, calls, successes, failed } = before.record
  const now = serverTime(before)
  const ends = leases.map(({ until }) => Math.min(until, now + LEASE)).toSorted((a, b) => a - b)
  return begun(ends[calls - successes - failed]! - before.skew + OPENING)
}

/** Returns the close by probes after which the record ramps, computed from the commands and not from the record. */
function rampOf(
  { record, ramp, time }: World,
  command: StorageCommand,
  reply: StorageReply,
): Ramp | undefined {
  const epoch = record?.epoch ?? 0
  if (command.type === 'settle' && reply.type === 'settled' && record?.state === 'closed') {
    return command.sender.ramp > 0 ? { epoch, since: time, back: 0, on: 0 } : undefined
  }
  if (ramp?.epoch === epoch) return ramp
  // A record that was lost is healed with what is left of its ramp.
  const { sender } = command
  if (record?.state !== 'closed' || sender.epoch !== epoch || sender.ramped === null) return undefined
  return { epoch, since: time - sender.ramped, back: 0, on: 0 }
}

export const isOrder = (command: StorageCommand): command is ManualChangeCommand =>
  command.type === 'change' && command.ifEpoch === null

/** Returns the index of an order in `World.orders`, or -1. */
export const orderOf = ({ orders }: World, nonce: string): number =>
  orders.findIndex(({ process, number }) => `${process}-${number}` === nonce)

/** Returns how many of the orders that have been made are known to who knows `manual` as the last one. */
export const seenWith = (world: World, manual: LastManualChange): number =>
  world.made.lastIndexOf(orderOf(world, manual.nonce)) + 1

const spend = (budget: Budget, what: keyof Budget): Budget => ({ ...budget, [what]: budget[what] - 1 })

function senderOf(client: Client, index: number, time: number, ramp: number): Sender {
  const { state, epoch, attempt, reason, manual, due, rampedSince } = client
  const remaining = state === 'open' ? Math.max(0, due - time) : 0
  const ramped = rampedSince === null ? null : time - rampedSince
  return sender(`host-${index}`, { state, epoch, attempt, remaining, reason, manual, ramped, ramp })
}

/** Yields every command that a process may send, but for orders by hand. */
function* commandsOf(client: Client, index: number, time: number, play: Play): Generator<StorageCommand> {
  const { state, epoch } = client
  const from = senderOf(client, index, time, play.ramps[index] ?? 0)
  if (play.probes) {
    for (const { nonce, epoch } of client.leases) {
      yield settle(from, nonce, epoch, 'success')
      yield settle(from, nonce, epoch, 'failure', OPENING)
      yield settle(from, nonce, epoch, 'cancel')
    }
    if (state === 'closed') yield trip(from, epoch, OPENING)
    // Even before the opening ends: the record decides.
    else {
      const { policy } = play
      yield acquire(from, `${index}-${client.next}`, { lease: LEASE, reopenFor: OPENING, policy })
    }
  }
  // Orders depend on what their givers have read.
  if (epoch > 0 || (play.orders.length > 0 && !client.fresh)) {
    yield exchange(from, { failures: state === 'closed' && play.probes ? 1 : 0, rings: [] })
  }
}

function noteProbe(probes: World['probes'], command: StorageCommand, reply: StorageReply): World['probes'] {
  if (reply.type === 'granted' && command.type === 'acquire') {
    return { ...probes, [`${reply.record.epoch}/${command.nonce}`]: 'granted' }
  }
  if (reply.type === 'settled' && command.type === 'settle') {
    const outcome = command.outcome === 'cancel' ? 'cancelled' : 'settled'
    return { ...probes, [`${command.epoch}/${command.nonce}`]: outcome }
  }
  return probes
}

/** A process applies a reply, as F12 says. It accepts a lease only if it waits for it. */
function apply(world: World, { client: index, command }: Message, reply: StorageReply): World {
  const client = world.clients[index]!
  if (!('record' in reply) || client.cut) return world
  const { time } = world
  const { state, epoch, remaining, attempt, reason, manual, ramped } = reply.record
  let after = client
  if (epoch >= client.epoch || reply.reset) {
    const due = state === 'open' ? time + (remaining ?? 0) : 0
    const rampedSince = ramped === null ? null : time - ramped
    const seen = Math.max(client.seen, seenWith(world, manual))
    after = { ...after, state, epoch, attempt, reason, manual, due, rampedSince, seen, known: true }
  }
  if (command.type === 'acquire' && reply.type === 'granted' && command.nonce === `${index}-${client.next}`) {
    const lease = { nonce: command.nonce, epoch }
    after = { ...after, next: client.next + 1, leases: [...client.leases, lease] }
  }
  // The lease was granted, but ended before the process got the reply.
  if (reply.type === 'denied' && reply.why === 'ended') after = { ...after, next: client.next + 1 }
  if (command.type === 'settle') {
    after = { ...after, leases: after.leases.filter(({ nonce }) => nonce !== command.nonce) }
  }
  if (command.type === 'exchange') after = { ...after, fresh: true }
  const { pending } = after
  if (pending && isOrder(command) && pending.order === orderOf(world, command.nonce)) {
    after = { ...after, pending: undefined, mayHaveChanged: false }
  } else if (pending?.waits && pending.readAt === undefined && command.type === 'exchange') {
    const { age } = reply.record
    const dueAt = pending.offered ? time + 2 * TICK : time
    // What was made after the order was given is newer.
    const isOlder = age + epoch - manual.epoch > time - pending.givenAt
    const ifManual = pending.ifManual ?? (isOlder ? manual.epoch : 0)
    after = { ...after, pending: { ...pending, readAt: time, dueAt, ifManual } }
  }
  return { ...world, clients: world.clients.with(index, after) }
}
