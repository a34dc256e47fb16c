import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../helpers/until.ts'
import { withNetworks, type Networked } from './networks.ts'
import type { View } from './member-messages.ts'

/** Milliseconds for which the store does not answer. */
const PAUSE = 2_200
/** Milliseconds after which it counts as lost on a machine that is too busy to pause it for less. */
const TOO_LONG = 2_600
const OPEN_FOR = 3_000
/** Milliseconds of the pause that are over when a probe is due. */
const DUE_AFTER = 1_000
/** Calls per second and breaker. */
const RATE = 10

const isOpen = ({ state, scope }: View): boolean => state === 'open' && scope === 'fleet'

/** Opens all breakers, pauses the store while probes become due, and checks that each fleet sends one probe. */
export async function staysOne(client: string, breakers: number): Promise<void> {
  const names = Array.from({ length: breakers }, (_, i) => `breaker-${i}`)
  await withNetworks(3, { client, names, breaker: { timeoutDuration: 60_000 } }, async (all) => {
    await all.fleet.rate(RATE)
    await all.fleet.see('all take part', (view) => view.link === 'live' && view.fleet === 'closed')
    while (!(await pauses(all, names.length))) await recovers(all)
    await recovers(all)
  })
}

/** Resolves to `false` if the machine was too busy for this story. */
async function pauses({ fleet, server, dependency }: Networked, breakers: number): Promise<boolean> {
  const openedAt = performance.now()
  for (let breaker = 0; breaker < breakers; breaker++)
    await fleet.members[0]!.tell({ do: 'open', breaker, for: OPEN_FOR })
  const freezeAt = openedAt + OPEN_FOR - DUE_AFTER
  while (!fleet.members.every(({ views }) => views.every(isOpen))) {
    if (performance.now() > freezeAt) return false
    await sleep(10)
  }
  dependency.manner = 'hangs'
  await sleep(freezeAt - performance.now())
  const before = performance.now()
  server.freeze()
  await sleep(PAUSE)
  server.thaw()
  if (performance.now() - before > TOO_LONG) return false
  await until(
    () =>
      new Set(dependency.arrivals.slice(-dependency.hanging).map(({ breaker }) => breaker)).size === breakers,
    () => fleet.describe(`a probe of each breaker; there are ${dependency.hanging}`),
  )
  await fleet.calls(breakers * RATE)
  const links = (await Promise.all(fleet.members.map((member) => member.tally()))).flatMap(
    (tally) => tally.links,
  )
  assert.deepEqual(
    { probes: dependency.hanging, losses: links.length },
    { probes: breakers, losses: 0 },
    'F28b: a short pause is no loss, so each fleet sends one probe',
  )
  return true
}

async function recovers({ fleet, dependency }: Networked): Promise<void> {
  dependency.manner = 'answers'
  dependency.release('answers')
  await fleet.see(
    'all are closed',
    ({ state, fleet, link }) => state === 'closed' && fleet === 'closed' && link === 'live',
  )
}
