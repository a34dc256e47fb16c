import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitBreaker, CircuitBreakerState } from '../../../src/index.ts'
import type { Link } from '../../../src/events/events.ts'
import type { ChangeReply } from '../../../src/storage/contract/replies.ts'
import { Dice, seeded } from '../../../src/testing/storage-kit/random.ts'
import { parameters } from '../model/parameters.ts'
import { inWorld, working, type Process, type World } from './support/world.ts'

const NAMES = ['payments', 'search'] as const
const HOUR = 3_600_000

/** A breaker, and what it has told about its orders. */
interface Member {
  readonly process: Process
  readonly name: string
  readonly breaker: CircuitBreaker
  readonly events: Link[]
}

/** An order by hand. Its index is its actor, by which the record and the events name it. */
interface Order {
  readonly member: Member
  readonly to: CircuitBreakerState
  /** How many orders had been made for that name when it was given. */
  readonly givenAfter: number
}

/** What the store has answered to an order. */
interface Answer {
  readonly index: number
  readonly name: string
  readonly reply: Extract<ChangeReply, { record: object }>
}

/** Several processes with several breakers each, that give orders while links and data are lost and replies are late. */
class Story {
  readonly orders: Order[] = []
  readonly answers: Answer[] = []
  readonly members: Member[] = []
  readonly #world: World
  readonly #dice: Dice

  constructor(world: World, dice: Dice) {
    this.#world = world
    this.#dice = dice
    const change = world.store.change.bind(world.store)
    world.store.change = async (name, command, limits) => {
      const reply = await change(name, command, limits)
      if ('record' in reply && command.ifEpoch === null) {
        this.answers.push({ name, reply, index: Number(command.actor) })
      }
      return reply
    }
    for (let i = 0; i < 3; i++) {
      const process = world.process()
      for (const name of NAMES) {
        const breaker = process.breaker({ name, reporter: `host-${i}`, timeoutDuration: HOUR })
        const events: Link[] = []
        breaker.addListener({ link: (event) => events.push(event) })
        this.members.push({ process, name, breaker, events })
      }
    }
  }

  /** The orders that have been made for a name, in the order in which they were. */
  made(name: string): number[] {
    return this.answers.flatMap((each) =>
      each.name === name && each.reply.type === 'changed' ? each.index : [],
    )
  }

  async pass(ms: number): Promise<void> {
    // Breakers in use exchange.
    for (const { breaker } of this.members) void breaker.call(() => Promise.resolve(1)).catch(() => {})
    await this.#world.pass(ms)
  }

  async step(losses: boolean): Promise<void> {
    const dice = this.#dice
    const member = this.#dice.pick(this.members[0]!, ...this.members)
    const { process } = member
    switch (dice.integer(0, losses ? 6 : 5)) {
      case 0:
      case 1:
        this.#give(member)
        return
      case 2:
        process.way = dice.pick('refusing', 'hanging', 'up', 'up')
        if (process.way === 'up') process.resync()
        return
      case 3:
        process.answerTime = dice.pick(0, 0, 40)
        return
      case 6:
        this.#world.store.clear()
        return
      default:
        await this.pass(dice.pick(10, 20, 200, 1_100, 3_000))
    }
  }

  #give(member: Member): void {
    const { process, breaker, events, name } = member
    const to = this.#dice.pick('isolated', 'closed', 'open', 'half-open')
    const actor = String(this.orders.length)
    const sent = process.count('change')
    const told = events.length
    const isDegraded = breaker.snapshot().fleet?.link === 'degraded'
    const given = { actor, reason: `order ${actor}` }
    const changes =
      to === 'isolated'
        ? breaker.isolate(given)
        : to === 'closed'
          ? breaker.close(given)
          : to === 'open'
            ? breaker.open({ ...given, for: HOUR })
            : breaker.halfOpen(given)
    if (!changes && (to === 'closed' || to === 'half-open')) {
      assert.equal(process.count('change'), sent, 'it was sent, though it has no effect')
      assert.equal(events.length, told)
      return
    }
    if (isDegraded) {
      assert.equal(events.length, told + 1, 'nothing tells that it is unsent')
      assert.equal(events.at(-1)?.unsent, to)
    }
    this.orders.push({ member, to, givenAfter: this.made(name).length })
  }

  /** All links are back, and time passes: a retry, two intervals until a late order, and an interval until all know. */
  async end(): Promise<void> {
    for (const { process } of this.members) Object.assign(process, { way: 'up', answerTime: 0 })
    for (const { process } of this.members) process.resync()
    for (let i = 0; i < 16; i++) await this.pass(500)
  }

  /** Checks that all agree with the record, and that each giver knows what became of its last order. */
  checkEnd(): void {
    for (const name of NAMES) {
      const record = this.#world.record(name) as ReturnType<World['record']> | undefined
      for (const { breaker, events, ...member } of this.members) {
        if (member.name !== name) continue
        assert.equal(breaker.state, record?.state ?? 'closed')
        const isUnsent = events.at(-1)?.unsent !== undefined && events.at(-1)?.state === 'degraded'
        assert.ok(!isUnsent, 'an order is still unsent')
      }
    }
    for (const member of this.members) {
      const own = this.orders.findLastIndex((order) => order.member === member)
      const refused = this.answers.filter(
        ({ index, reply }) =>
          this.orders[index]?.member === member && reply.type === 'refused' && reply.why === 'overtaken',
      )
      const told = member.events.flatMap(({ overtaken }) => overtaken ?? [])
      assert.ok(told.length <= new Set(refused.map(({ index }) => index)).size, 'told twice')
      for (const each of told) {
        const { reason } = each
        assert.ok(
          refused.some(
            ({ reply: { record } }) => record.manual.actor === each.actor && record.reason === reason,
          ),
          `it was told ${JSON.stringify(each)}`,
        )
      }
      const answers = this.answers.filter(({ index }) => index === own)
      if (answers.length > 0 && answers.every((each) => refused.includes(each))) {
        // A reply may have been lost before the one that it was told.
        const actors = answers.map(({ reply }) => reply.record.manual.actor)
        assert.ok(actors.includes(told.at(-1)?.actor ?? ''), `the giver of order ${own} was not told`)
      }
      const { to } = this.orders[own] ?? {}
      if (to === 'open' || to === 'isolated') assert.ok(answers.length > 0, `order ${own} was forgotten`)
    }
  }

  /** Checks that each order that was made knew the one before it, or that both are by one process. */
  checkOrder(): void {
    for (const name of NAMES) {
      const made = this.made(name)
      const standing = made.at(-1)
      if (standing !== undefined) assert.equal(this.#world.record(name).manual.actor, String(standing))
      for (const [at, index] of made.entries()) {
        const { member, givenAfter } = this.orders[index]!
        const before = this.orders[made[at - 1] ?? index]!
        if (member.process === before.member.process) assert.ok(index >= made[at - 1]! || at === 0)
        else
          assert.ok(
            givenAfter >= at,
            `order ${index} undid order ${made[at - 1]}, which was made after it was given`,
          )
      }
    }
  }
}

const RUNS = Math.ceil(parameters.numRuns / 40)

function play(title: string, losses: boolean): void {
  it(`F9b: ${title} (${RUNS} random runs)`, async () => {
    const seen = { made: 0, overtaken: 0, unsent: 0 }
    for (let run = 0; run < RUNS; run++) {
      const seed = (parameters.seed ?? 1) + run
      const tell = async (world: World): Promise<void> => {
        const story = new Story(world, new Dice(seeded(seed)))
        for (const { breaker } of story.members) await working(breaker)
        await world.pass(50)
        for (let i = 0; i < 40; i++) await story.step(losses)
        await story.end()
        story.checkEnd()
        if (!losses) story.checkOrder()
        for (const name of NAMES) seen.made += story.made(name).length
        const events = story.members.flatMap((each) => each.events)
        seen.overtaken += events.filter(({ overtaken }) => overtaken).length
        seen.unsent += events.filter(({ unsent }) => unsent).length
      }
      await inWorld(tell)().catch((cause: unknown) => {
        throw new Error(`seed ${seed}`, { cause })
      })
    }
    for (const times of Object.values(seen)) assert.ok(times >= RUNS / 5, JSON.stringify(seen))
  })
}

describe('F9b: random orders by hand of whole members', () => {
  play(
    'with links that are cut and replies that are late, none undoes one that its giver did not know',
    false,
  )
  play('if data is lost too, all agree in the end, and givers know what became of their orders', true)
})
