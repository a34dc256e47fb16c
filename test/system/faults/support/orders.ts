import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../helpers/until.ts'
import type { MemberProcess } from './fleet.ts'
import type { LinkReport } from './member-messages.ts'
import { type Networked, withNetworks } from './networks.ts'

/** Calls per second. */
const RATE = 20
/** More than two intervals, for which an order may wait (F9b). */
const LONG_ENOUGH = 4_000

type Scene = Networked & { readonly members: readonly [MemberProcess, MemberProcess, MemberProcess] }

/** Cuts the first process off, and waits until it knows. */
async function cutOff({ fleet, networks, members: [first] }: Scene): Promise<void> {
  networks[0]!.block()
  await until(
    () => first.views[0]?.link === 'degraded',
    () => fleet.describe('the first process is cut off'),
  )
}

/** Checks that the isolation stays for all, in the same epoch and for this reason. */
async function standsFor(scene: Scene, reason: string): Promise<void> {
  const { fleet } = scene
  const epoch = await fleet.agree('isolated')
  await sleep(LONG_ENOUGH)
  assert.equal(await fleet.agree('isolated'), epoch)
  await fleet.see(reason, (view) => view.reason === reason)
}

/** The manual changes of the first process that were overtaken. */
async function overtaken({ members: [first] }: Scene): Promise<readonly LinkReport['overtaken'][]> {
  const { links } = await first.tally()
  return links.filter((report) => report.overtaken).map((report) => report.overtaken)
}

const isolationOf = (member: MemberProcess, reason: string): LinkReport['overtaken'] => ({
  to: 'isolated',
  by: `host-${member.index}`,
  actor: 'code',
  reason,
})

/** Defines the tests with each of these clients. */
export function ordersOfSeveralProcesses(clients: readonly string[]): void {
  // They wait most of the time, so they can run concurrently.
  describe('F9b: manual changes of several processes', { concurrency: 6 }, () => {
    for (const client of clients) {
      const story = (what: string, tell: (scene: Scene) => Promise<void>): void =>
        void it(`${what}, with ${client}`, () =>
          withNetworks(3, { client }, async (all) => {
            const members = all.fleet.members as unknown as Scene['members']
            const [first, second] = members
            await first.tell({ do: 'rate', perSecond: RATE })
            await second.tell({ do: 'rate', perSecond: RATE })
            await tell({ ...all, members })
          }))

      /** With three processes at work. */
      const storyOfThree = (what: string, tell: (scene: Scene) => Promise<void>): void =>
        story(what, async (scene) => {
          await scene.fleet.rate(RATE)
          await scene.fleet.agree('closed')
          await tell(scene)
        })

      storyOfThree(
        'a close that changed nothing where it was given, during an outage, does not end a later isolation',
        async (scene) => {
          const {
            fleet,
            networks,
            members: [first, second],
          } = scene
          await cutOff(scene)
          assert.equal(await first.tell({ do: 'close', breaker: 0 }), false)
          assert.equal(await second.tell({ do: 'isolate', breaker: 0, reason: 'maintenance' }), true)
          await fleet.calls(RATE)
          networks[0]!.heal()
          await standsFor(scene, 'maintenance')
          assert.deepEqual(await overtaken(scene), [], 'nothing was sent')
        },
      )

      story(
        'a close that changed nothing in a process without a reply yet does not end an isolation',
        async (scene) => {
          const {
            fleet,
            members: [first, second, third],
          } = scene
          assert.equal(await first.tell({ do: 'isolate', breaker: 0, reason: 'maintenance' }), true)
          await until(
            () => second.views[0]?.state === 'isolated',
            () => fleet.describe('the other process is isolated'),
          )
          assert.equal(await third.tell({ do: 'close', breaker: 0 }), false)
          await fleet.rate(RATE)
          await standsFor(scene, 'maintenance')
          assert.ok(
            second.history[0]!.filter(({ state }) => state !== 'closed').every(
              ({ state }) => state === 'isolated',
            ),
          )
        },
      )

      storyOfThree(
        'a close that changes nothing makes no epoch',
        async ({ fleet, members: [first, second] }) => {
          await first.tell({ do: 'isolate', breaker: 0 })
          await fleet.agree('isolated')
          await second.tell({ do: 'close', breaker: 0 })
          const epoch = await fleet.agree('closed')
          assert.equal(await first.tell({ do: 'close', breaker: 0 }), false)
          await fleet.calls(2 * RATE)
          assert.equal(await fleet.agree('closed'), epoch)
        },
      )

      for (const order of ['open', 'isolate'] as const) {
        storyOfThree(
          `an order to ${order} that was overtaken during an outage is refused and reported`,
          async (scene) => {
            const {
              fleet,
              networks,
              members: [first, second],
            } = scene
            await cutOff(scene)
            const older = order === 'open' ? { do: order, for: 600_000 } : { do: order, reason: 'older' }
            assert.equal(await first.tell({ ...older, breaker: 0 }), true)
            assert.equal(await second.tell({ do: 'isolate', breaker: 0, reason: 'newer' }), true)
            await fleet.calls(RATE)
            networks[0]!.heal()
            await standsFor(scene, 'newer')
            assert.deepEqual(await overtaken(scene), [isolationOf(second, 'newer')])
          },
        )
      }

      storyOfThree(
        'an order that was overtaken by two does not end the isolation that stands',
        async (scene) => {
          const {
            fleet,
            networks,
            members: [first, second, third],
          } = scene
          await third.tell({ do: 'isolate', breaker: 0, reason: 'before' })
          await fleet.agree('isolated')
          await cutOff(scene)
          assert.equal(await first.tell({ do: 'close', breaker: 0 }), true)
          assert.equal(await third.tell({ do: 'close', breaker: 0 }), true)
          await until(
            () => second.views[0]?.state === 'closed',
            () => fleet.describe('it is closed'),
          )
          assert.equal(await second.tell({ do: 'isolate', breaker: 0, reason: 'again' }), true)
          await third.calls(RATE)
          networks[0]!.heal()
          await standsFor(scene, 'again')
          assert.deepEqual(await overtaken(scene), [isolationOf(second, 'again')])
        },
      )

      storyOfThree(
        'an isolation survives a store that comes back empty while an older order is pending',
        async (scene) => {
          const {
            fleet,
            server,
            networks,
            members: [first, second, third],
          } = scene
          await cutOff(scene)
          assert.equal(await first.tell({ do: 'open', breaker: 0, for: 600_000 }), true)
          assert.equal(await second.tell({ do: 'isolate', breaker: 0, reason: 'maintenance' }), true)
          await until(
            () => third.views[0]?.state === 'isolated',
            () => fleet.describe('the third process is isolated'),
          )
          for (const network of networks) network.block()
          await server.die()
          await server.comeBack('empty')
          // The giver of the older order is the first to be back.
          networks[0]!.heal()
          await sleep(300)
          for (const network of networks) network.heal()
          await standsFor(scene, 'maintenance')
          assert.deepEqual(await overtaken(scene), [isolationOf(second, 'maintenance')])
        },
      )

      storyOfThree('an order that nothing has overtaken is carried out after the outage', async (scene) => {
        const {
          networks,
          members: [first, second],
        } = scene
        await cutOff(scene)
        assert.equal(await first.tell({ do: 'isolate', breaker: 0, reason: 'for good reason' }), true)
        const { links } = await first.tally()
        assert.equal(links.at(-1)?.unsent, 'isolated')
        await second.calls(RATE)
        networks[0]!.heal()
        await standsFor(scene, 'for good reason')
      })
    }
  })
}
