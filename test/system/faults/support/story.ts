import assert from 'node:assert/strict'
import { Dependency } from './dependency.ts'
import { until } from '../../../helpers/until.ts'
import { Fleet, type FleetSettings, type MemberProcess } from './fleet.ts'
import type { View } from './member-messages.ts'
import type { Fault, Stage } from './stage.ts'

const RATE = 20
const OPEN_FOR = 1_000
/** Milliseconds until a record of which only writes were refused is live again: a minute (F28b), and a few intervals. */
const LONGEST_RETURN = 70_000

/** Three processes in front of one dependency, with one store that faults happen to. */
export class Story<On extends Stage> {
  readonly stage: On
  readonly dependency: Dependency
  readonly fleet: Fleet

  private constructor(stage: On, dependency: Dependency, fleet: Fleet) {
    this.stage = stage
    this.dependency = dependency
    this.fleet = fleet
  }

  static async begin<On extends Stage>(
    client: string,
    stage: On,
    settings: Partial<FleetSettings> = {},
  ): Promise<Story<On>> {
    const dependency = await Dependency.start()
    const fleet = await Fleet.start(3, {
      client,
      store: stage.store,
      dependency: dependency.url,
      breaker: { failMax: 5, timeoutDuration: OPEN_FOR },
      storage: { connectDeadline: 2_000 },
      ...settings,
    })
    const story = new Story(stage, dependency, fleet)
    try {
      await fleet.rate(RATE)
      await fleet.agree('closed')
      return story
    } catch (error) {
      await story.end().catch(() => {})
      throw error
    }
  }

  /** The dependency fails, the fault happens and ends, the dependency recovers; checks what must hold in between. */
  async survivesOpen(fault: Fault<On>): Promise<void> {
    const { fleet, dependency } = this
    await fault.prepare?.(this.stage)
    dependency.manner = 'fails'
    await fleet.see('the fleet has opened', isOpenAs('fleet'))
    await this.#during(fault, async () => {
      if (fault.loses) await fleet.see('each protects itself alone (F26)', isOpenAs('local'))
      else await fleet.calls(2 * RATE)
    })
    await fleet.see('the fleet is open again', isOpenAs('fleet'))
    dependency.manner = 'answers'
    await fleet.agree('closed')
    await this.#appliesManualChanges()
  }

  /** While everything but the store is healthy, no call is rejected. */
  async survivesClosed(fault: Fault<On>): Promise<void> {
    const { fleet } = this
    await fault.prepare?.(this.stage)
    const before = await this.#ends()
    await this.#during(fault, () => fleet.calls(RATE))
    await fleet.calls(RATE)
    const after = await this.#ends()
    const others = (ends: typeof before): unknown => ends.map((each) => ({ ...each, answered: 0 }))
    assert.deepEqual(others(after), others(before), 'I6: every call was answered')
    await fleet.agree('closed')
    await this.#appliesManualChanges()
  }

  /** An isolated breaker stays isolated, whatever happens to the store. */
  async survivesIsolated(fault: Fault<On>): Promise<void> {
    const { fleet } = this
    const [first, second] = fleet.living as [MemberProcess, MemberProcess]
    await fault.prepare?.(this.stage)
    await first.tell({ do: 'isolate', breaker: 0 })
    const epoch = await fleet.agree('isolated')
    // The calls in flight end.
    await fleet.calls(RATE)
    const before = await this.#ends()
    await this.#during(fault, () => fleet.calls(RATE))
    await fleet.calls(RATE)
    assert.equal(await fleet.agree('isolated'), epoch, 'F12: those who know heal the record')
    const others = (ends: typeof before): unknown => ends.map((each) => ({ ...each, isolated: 0 }))
    assert.deepEqual(others(await this.#ends()), others(before), 'I5: every call was rejected')
    await second.tell({ do: 'close', breaker: 0 })
    await fleet.agree('closed')
  }

  /** An isolated fleet only reads. A manual change in the meantime reaches all as soon as it can be written. */
  async survivesManualChange(fault: Fault<On>): Promise<void> {
    const { fleet } = this
    const [first, second] = fleet.living as [MemberProcess, MemberProcess]
    await fault.prepare?.(this.stage)
    await first.tell({ do: 'isolate', breaker: 0 })
    const epoch = await fleet.agree('isolated')
    const before = await this.#losses()
    const endIt = await fault.happen(this.stage)
    try {
      await fleet.calls(RATE)
      assert.deepEqual(await this.#losses(), before, 'nobody misses what nobody needs')
      await second.tell({ do: 'close', breaker: 0 })
      await fleet.see('one is closed and alone, the others are isolated', ({ state, link }, member) =>
        member === second
          ? state === 'closed' && link === 'degraded'
          : state === 'isolated' && link === 'live',
      )
    } finally {
      await endIt()
    }
    assert.ok((await fleet.agree('closed')) > epoch, 'F9: the order is given again')
    await this.#appliesManualChanges()
  }

  /** The store is lost while a probe runs. */
  async survivesHalfOpen(fault: Fault<On>): Promise<void> {
    const { fleet, dependency } = this
    await fault.prepare?.(this.stage)
    dependency.manner = 'fails'
    await fleet.see('the fleet has opened', isOpenAs('fleet'))
    dependency.manner = 'hangs'
    await until(
      () => dependency.hanging > 0,
      () => fleet.describe('a probe'),
    )
    await this.#during(fault, async () => {
      dependency.manner = 'answers'
      dependency.release('answers')
      if (fault.loses) await fleet.see('each recovers alone (F26)', ({ state }) => state === 'closed')
    })
    await fleet.agree('closed')
    await this.#appliesManualChanges()
  }

  /** Runs `check` while the fault lasts. */
  async #during(fault: Fault<On>, check: () => Promise<unknown>): Promise<void> {
    const { fleet } = this
    const before = await this.#losses()
    const endIt = await fault.happen(this.stage)
    try {
      if (fault.loses) {
        // Where only writes fail, the event may come 30 s after the one before, or not at all (F28b).
        await until(
          async () => {
            const losses = await this.#losses()
            return fleet.living.every(
              ({ views }, i) => losses[i]! > before[i]! || views.every(({ link }) => link === 'degraded'),
            )
          },
          () => fleet.describe('all have lost the store'),
        )
      }
      await check()
    } finally {
      await endIt()
    }
    await fleet.see('all have the store back', ({ link }) => link === 'live', LONGEST_RETURN)
  }

  /** The number of times that each member has lost the store. */
  async #losses(): Promise<number[]> {
    const tallies = await Promise.all(this.fleet.living.map((member) => member.tally()))
    return tallies.map(({ links }) => links.filter(({ error }) => error !== undefined).length)
  }

  async #ends(): Promise<Readonly<Record<string, number>>[]> {
    const tallies = await Promise.all(this.fleet.living.map((member) => member.tally()))
    return tallies.map(({ ends }) => ends)
  }

  /** A manual change in one process reaches all, and another process can revert it. */
  async #appliesManualChanges(): Promise<void> {
    const { fleet } = this
    const [first, second] = fleet.living as [MemberProcess, MemberProcess]
    await first.tell({ do: 'isolate', breaker: 0 })
    const isolated = await fleet.agree('isolated')
    await second.tell({ do: 'close', breaker: 0 })
    const closed = await fleet.agree('closed')
    assert.ok(closed > isolated, 'I1: the epoch grows with every transition')
    const answered = async (): Promise<number> => (await first.tally()).ends['answered'] ?? 0
    const before = await answered()
    await until(
      async () => (await answered()) > before,
      () => 'calls are answered again',
    )
  }

  /** Ends everything; rejects if a process has seen what it must not see, or does not end. */
  async end(): Promise<void> {
    try {
      await this.fleet.end()
    } finally {
      await this.dependency.close()
      await this.stage.end()
    }
  }
}

const isOpenAs =
  (scope: 'local' | 'fleet') =>
  (view: View): boolean =>
    view.state !== 'closed' && view.scope === scope
