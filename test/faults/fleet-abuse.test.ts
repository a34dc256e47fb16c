import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Dependency } from './support/dependency.ts'
import { Fleet, type FleetSettings } from './support/fleet.ts'
import { MortalServer } from './support/mortal-server.ts'
import { Proxy } from './support/proxy.ts'

const CHANNEL = 'recloser:1'
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
  // In good order, but a lie.
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

for (const client of ['node-redis 6', 'ioredis 6']) {
  describe(`A fleet with ${client}, in real processes`, () => {
    let server: MortalServer
    let dependency: Dependency

    before(async () => {
      server = await MortalServer.start()
      dependency = await Dependency.start()
    })
    after(async () => {
      await dependency.close()
      await server.end()
    })

    const withFleet = async (
      size: number,
      settings: Partial<FleetSettings>,
      work: (fleet: Fleet) => Promise<void>,
    ): Promise<void> => {
      await server.as((admin) => admin.flushAll())
      const store = { url: server.url }
      const fleet = await Fleet.start(size, { client, store, dependency: dependency.url, ...settings })
      try {
        await work(fleet)
      } finally {
        await fleet.end()
      }
    }

    const scripts = (): Promise<number> =>
      server.as(async (admin) => {
        const calls = [...(await admin.info('commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)]
        return calls.reduce((sum, [, times]) => sum + Number(times), 0)
      })

    it('F23: forged and oversized pushes change nothing, and cost an exchange a second at most', () =>
      withFleet(3, {}, async (fleet) => {
        await fleet.rate(20)
        const epoch = await fleet.agree('closed')
        const before = await scripts()
        const began = performance.now()
        await server.as(async (admin) => {
          while (performance.now() - began < 3_000) {
            for (const message of RUBBISH) await admin.publish(CHANNEL, message)
          }
        })
        await fleet.calls(20)
        const seconds = (performance.now() - began) / 1_000
        const made = (await scripts()) - before
        // One for the interval and one for the hints, each second; and the first of each.
        assert.ok(made <= 3 * (2.3 * seconds + 3), `${made} exchanges of 3 processes in ${seconds} s`)
        assert.ok(made >= 3, 'they take part all the same')
        assert.equal(await fleet.agree('closed'), epoch)
        for (const { history } of fleet.members)
          assert.ok(history[0]!.every(({ state, link }) => state === 'closed' && link !== 'degraded'))
        await fleet.members[1]!.tell({ do: 'isolate', breaker: 0 })
        await fleet.agree('isolated')
      }))

    it('F11: breakers of hostile names have a fleet each, and do not meet', () =>
      withFleet(2, { names: HOSTILE }, async (fleet) => {
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
        const keys = await server.as((admin) => admin.keys('*'))
        assert.equal(keys.length, HOSTILE.length)
      }))

    const OUTAGES = {
      'that hangs': () => {
        server.freeze()
        return () => server.thaw()
      },
      'that has been killed': async () => {
        await server.die()
        return () => server.comeBack('empty')
      },
    }
    for (const [what, happen] of Object.entries(OUTAGES)) {
      for (const state of ['closed', 'half-open'] as const) {
        it(`F28: with a store ${what}, processes end at once and cleanly, ${state} or not`, () =>
          withFleet(
            4,
            { breaker: { failMax: 5, timeoutDuration: 300, callTimeout: 5_000 } },
            async (fleet) => {
              await fleet.rate(20)
              await fleet.agree('closed')
              if (state === 'half-open') {
                dependency.manner = 'fails'
                await fleet.see('open', ({ fleet, scope }) => fleet === 'open' && scope === 'fleet')
                dependency.manner = 'hangs'
                await fleet.see(
                  'half-open',
                  ({ state, fleet }) => state === 'half-open' && fleet !== 'closed',
                )
              }
              const recover = await happen()
              try {
                await fleet.calls(5)
                const began = performance.now()
                dependency.manner = 'answers'
                dependency.release('answers')
                await fleet.end()
                const took = performance.now() - began
                assert.ok(took < 8_000, `it took ${took} ms`)
              } finally {
                await recover()
              }
            },
          ))
      }
    }

    it('F28: with a network that swallows everything they do so too', async () => {
      const proxy = await Proxy.to(server.port)
      try {
        await withFleet(4, { store: { url: proxy.url } }, async (fleet) => {
          await fleet.rate(20)
          await fleet.agree('closed')
          proxy.eatReplies()
          await fleet.calls(10)
          await fleet.end()
        })
      } finally {
        await proxy.close()
      }
    })
  })
}
