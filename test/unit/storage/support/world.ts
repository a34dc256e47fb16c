import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type { ProbePolicy, Sender, StorageCommand } from '../../../../src/storage/contract/commands.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { acquire, exchange, sender, settle, trip } from '../../../../src/testing/storage-kit/commands.ts'

/** The unit of time in milliseconds: an opening lasts one, a lease two. */
export const TICK = 1_000
export const LEASE = 2 * TICK
export const OPENING = TICK
const BEGIN = 1_000_000
const STEP = 100 * TICK

/** A process: what it knows of the record, and the leases that it has or wants. */
interface Client {
  readonly state: Sender['state']
  readonly epoch: number
  /** When the opening that it knows ends, by its own clock. */
  readonly due: number
  readonly attempt: number
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
  /** How often the store's clock may be set back, and forward. */
  readonly stepsBack: number
  readonly stepsOn: number
  /** Processes that lose the store, probe by themselves and close (F26). */
  readonly alone: number
}

/** The intended end of the opening in the record. */
export interface Opening {
  /** In true time. */
  readonly due: number
  /** Whether the store's clock has been set since the opening began. */
  readonly stepped: 'no' | 'back' | 'on'
}

/** A fleet at one moment: the store, the processes, and the messages in transit, which arrive in any order. */
export interface World {
  readonly record: BreakerRecord | undefined
  /** Computed independently of the record, while that is open. */
  readonly opening: Opening | undefined
  /** True time. */
  readonly time: number
  /** The store's clock minus true time. */
  readonly skew: number
  readonly clients: readonly Client[]
  readonly inTransit: readonly Message[]
  readonly left: Budget
  /** Whether data was lost. */
  readonly lost: boolean
  /** The fate of each nonce, by `epoch/nonce`. */
  readonly probes: Readonly<Record<string, 'granted' | 'cancelled' | 'settled'>>
}

/** What happened in a step, for the checks. */
export interface Event {
  readonly what: string
  readonly served?: { readonly command: StorageCommand; readonly reply: StorageReply }
}

const NEWCOMER: Client = { state: 'closed', epoch: 0, due: 0, attempt: 0, leases: [], next: 0 }

export function firstWorld(clients: number, left: Budget): World {
  const all = Array.from({ length: clients }, () => NEWCOMER)
  const nothing = { record: undefined, opening: undefined, inTransit: [], lost: false, probes: {} }
  return { ...nothing, time: BEGIN, skew: 0, clients: all, left }
}

export const serverTime = ({ time, skew }: World): number => time + skew

/** Yields every possible next step of a world. */
export function* futures(world: World, policy: ProbePolicy): Generator<Step> {
  const { clients, inTransit, left } = world
  if (left.sends > 0) {
    const sent = { ...world, left: spend(left, 'sends') }
    for (const [index, client] of clients.entries()) {
      for (const command of commandsOf(client, index, world.time, policy)) {
        const message = { client: index, command }
        yield* served(sent, message)
        if (left.delays > 0)
          yield [transmit(sent, message, 'delays'), { what: `${command.type} is on its way` }]
      }
    }
  }
  for (const [at, message] of inTransit.entries()) {
    const landed = { ...world, inTransit: inTransit.toSpliced(at, 1) }
    if (message.reply) yield [apply(landed, message, message.reply), { what: 'a reply arrives late' }]
    else yield* served(landed, message)
  }
  if (left.ticks > 0) {
    yield [{ ...world, time: world.time + TICK, left: spend(left, 'ticks') }, { what: 'a tick' }]
  }
  if (left.losses > 0 && world.record) {
    yield [
      { ...world, record: undefined, opening: undefined, lost: true, left: spend(left, 'losses') },
      { what: 'the store loses its data' },
    ]
  }
  if (left.stepsBack > 0) yield [step(world, -STEP, 'stepsBack'), { what: "the store's clock is set back" }]
  if (left.stepsOn > 0) yield [step(world, STEP, 'stepsOn'), { what: "the store's clock is set forward" }]
  if (left.alone > 0) {
    for (const [index, client] of clients.entries()) {
      if (client.state !== 'half-open' && !(client.state === 'open' && client.due <= world.time)) continue
      const closed = { ...client, state: 'closed' as const, epoch: client.epoch + 1, attempt: 0, due: 0 }
      const recovered = { ...world, clients: clients.with(index, closed), left: spend(left, 'alone') }
      yield [recovered, { what: `process ${index} recovers alone` }]
    }
  }
  if (left.crashes > 0) {
    for (const index of clients.keys()) {
      // A new process uses nonces of its own.
      const restarted = { ...NEWCOMER, next: 100 }
      const crashed = { ...world, clients: clients.with(index, restarted), left: spend(left, 'crashes') }
      yield [crashed, { what: `process ${index} crashes` }]
    }
  }
}

type Step = readonly [World, Event]

function step(world: World, by: number, cost: 'stepsBack' | 'stepsOn'): World {
  const { skew, left, opening } = world
  const stepped = by > 0 || opening?.stepped === 'on' ? 'on' : 'back'
  return {
    ...world,
    skew: skew + by,
    left: spend(left, cost),
    opening: opening && { ...opening, stepped },
  }
}

const transmit = (world: World, message: Message, cost: 'delays' | 'duplicates'): World => ({
  ...world,
  inTransit: [...world.inTransit, message],
  left: spend(world.left, cost),
})

/** The store serves a request. Its reply arrives at once or late, and the request may arrive again. */
function* served(world: World, message: Message): Generator<Step> {
  const { command } = message
  const { record, reply } = reduce(world.record, command, serverTime(world))
  const probes = noteProbe(world.probes, command, reply)
  const served = { ...world, record: record as BreakerRecord | undefined, probes }
  const after = { ...served, opening: openingOf(world, served, command, reply) }
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

const spend = (budget: Budget, what: keyof Budget): Budget => ({ ...budget, [what]: budget[what] - 1 })

/** Yields every command that a process may send. */
function* commandsOf(
  client: Client,
  index: number,
  time: number,
  policy: ProbePolicy,
): Generator<StorageCommand> {
  const remaining = client.state === 'open' ? Math.max(0, client.due - time) : 0
  const { state, epoch, attempt } = client
  const from = sender(`host-${index}`, { state, epoch, attempt, remaining })
  for (const { nonce, epoch } of client.leases) {
    yield settle(from, nonce, epoch, 'success')
    yield settle(from, nonce, epoch, 'failure', OPENING)
    yield settle(from, nonce, epoch, 'cancel')
  }
  if (state === 'closed') yield trip(from, epoch, OPENING)
  // Even before the opening ends: the record decides.
  else {
    yield acquire(from, `${index}-${client.next}`, { lease: LEASE, reopenFor: OPENING, policy })
  }
  if (epoch > 0) yield exchange(from, { failures: state === 'closed' ? 1 : 0, rings: [] })
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
  if (!('record' in reply)) return world
  const { state, epoch, remaining, attempt } = reply.record
  let after = client
  if (epoch >= client.epoch || reply.reset) {
    after = { ...after, state, epoch, attempt, due: state === 'open' ? world.time + (remaining ?? 0) : 0 }
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
  return { ...world, clients: world.clients.with(index, after) }
}
