import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withBoth } from './support/fleets.ts'
import { endDuring } from './support/outages.ts'

const CHANNEL = 'recloser:2'
const RUBBISH = [
  '',
  ' ',
  'payments',
  'payments x',
  'payments -1',
  'payments 1 2',
  'payments 99999999999999999999',
  '\0 1',
  '%zz 1',
  '__proto__ 1',
  `${'x'.repeat(1_000_000)} 1`,
  // Well-formed, but false.
  'payments 1',
  'payments 999999999999999',
]
const HOSTILE = [
  'a{b}c',
  '{}',
  '}{',
  'new\nline',
  'nul\0',
  '🔌',
  '\ud800',
  '',
  '__proto__',
  'constructor',
  'payments 1',
  'x'.repeat(10_000),
]

withBoth((fleets) => {
  const scripts = (): Promise<number> =>
    fleets.server.as(async (admin) => {
      const calls = [...(await admin.info('commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)]
      return calls.reduce((sum, [, times]) => sum + Number(times), 0)
    })

  it('F23: forged and oversized pushes change nothing, and cost an exchange a second at most', () =>
    fleets.with(3, {}, async (fleet) => {
      await fleet.rate(20)
      const epoch = await fleet.agree('closed')
      const before = await scripts()
      const began = performance.now()
      await fleets.server.as(async (admin) => {
        while (performance.now() - began < 3_000) {
          for (const message of RUBBISH) await admin.publish(CHANNEL, message)
        }
      })
      await fleet.calls(20)
      const seconds = (performance.now() - began) / 1_000
      const made = (await scripts()) - before
      // Per second, one exchange for the interval and one for the hints; plus the first of each.
      assert.ok(made <= 3 * (2.3 * seconds + 3), `${made} exchanges of 3 processes in ${seconds} s`)
      assert.ok(made >= 3, 'they take part all the same')
      assert.equal(await fleet.agree('closed'), epoch)
      for (const { history } of fleet.members)
        assert.ok(history[0]!.every(({ state, link }) => state === 'closed' && link !== 'degraded'))
      await fleet.members[1]!.tell({ do: 'isolate', breaker: 0 })
      await fleet.agree('isolated')
    }))

  it('F11: breakers with hostile names each have a fleet of their own', () =>
    fleets.with(2, { names: HOSTILE }, async (fleet) => {
      const [first, second] = fleet.members
      await fleet.rate(5)
      await fleet.see('all take part', ({ fleet, link }) => fleet === 'closed' && link === 'live')
      for (const turn of [0, 1]) {
        const isTheirTurn = (at: number): boolean => at % 2 === turn
        const chosen = [...HOSTILE.keys()].filter(isTheirTurn)
        for (const at of chosen) await first!.tell({ do: 'isolate', breaker: at })
        for (const at of HOSTILE.keys()) await fleet.agree(isTheirTurn(at) ? 'isolated' : 'closed', at)
        for (const at of chosen) await second!.tell({ do: 'close', breaker: at })
        for (const at of HOSTILE.keys()) await fleet.agree('closed', at)
      }
      const keys = await fleets.server.as((admin) => admin.keys('*'))
      assert.equal(keys.length, HOSTILE.length)
    }))

  it('F28: with a store that hangs, processes end at once and cleanly while it is half-open', () =>
    endDuring(fleets, 'that hangs', 'half-open'))
})
