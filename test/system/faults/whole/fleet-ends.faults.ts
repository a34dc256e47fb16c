import { it } from 'node:test'
import { withBoth } from '../support/fleets.ts'
import { endDuring, OUTAGES } from '../support/outages.ts'
import { Proxy } from '../support/proxy.ts'

withBoth((fleets) => {
  for (const outage of Object.keys(OUTAGES)) {
    for (const state of ['closed', 'half-open'] as const) {
      it(`F28: with a store ${outage}, processes end at once and cleanly while it is ${state}`, () =>
        endDuring(fleets, outage, state))
    }
  }

  it('F28: with a network that swallows all replies, processes also end at once and cleanly', async () => {
    const proxy = await Proxy.to(fleets.server.port)
    try {
      await fleets.with(4, { store: { url: proxy.url } }, async (fleet) => {
        await fleet.rate(20)
        await fleet.agree('closed')
        proxy.withholdReplies()
        await fleet.calls(10)
        await fleet.end()
      })
    } finally {
      await proxy.close()
    }
  })
})
