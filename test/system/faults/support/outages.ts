import assert from 'node:assert/strict'
import type { Fleets } from './fleets.ts'
import type { MortalServer } from './mortal-server.ts'

/** Outages by name. Each resolves to a function that ends it. */
export const OUTAGES: Readonly<
  Record<string, (server: MortalServer) => Promise<() => Promise<void> | void>>
> = {
  'that hangs': (server) => {
    server.freeze()
    return Promise.resolve(() => server.thaw())
  },
  'that has been killed': async (server) => {
    await server.die()
    return () => server.comeBack('empty')
  },
}

/** Ends the processes of a fleet during an outage, and checks that this is quick. */
export function endDuring(fleets: Fleets, outage: string, state: 'closed' | 'half-open'): Promise<void> {
  const { server } = fleets
  const breaker = { failMax: 5, timeoutDuration: 300, callTimeout: 5_000 }
  return fleets.with(4, { breaker }, async (fleet, dependency) => {
    await fleet.rate(20)
    await fleet.agree('closed')
    if (state === 'half-open') {
      dependency.manner = 'fails'
      await fleet.see('open', ({ fleet, scope }) => fleet === 'open' && scope === 'fleet')
      dependency.manner = 'hangs'
      await fleet.see('half-open', ({ state, fleet }) => state === 'half-open' && fleet !== 'closed')
    }
    const recover = await OUTAGES[outage]!(server)
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
  })
}
