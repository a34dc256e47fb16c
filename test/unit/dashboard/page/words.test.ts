import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readView, writeView } from '../../../../src/dashboard/page/view.ts'
import { fleetWords, reachWords, reasonWords } from '../../../../src/dashboard/page/words.ts'
import type { FleetReport } from '../../../../src/monitor/report.ts'
import { fleet } from '../../cli/reports.ts'

describe('a reason', () => {
  it('is put into words if the breaker itself set it', () => {
    assert.equal(reasonWords('probeTimeout'), 'probe timed out')
    assert.equal(reasonWords('consecutiveFailures+slowCallRate'), 'consecutive failures and slow call rate')
  })

  it('is shown verbatim if an operator wrote it', () => {
    for (const reason of ['', 'maintenance', 'manual+override', '__proto__', 'constructor', 'a + b'])
      assert.equal(reasonWords(reason), reason)
  })
})

describe('the description of a fleet', () => {
  it('is empty while a breaker has no fleet, or all is well', () => {
    assert.equal(fleetWords({ scope: 'local', fleet: null }), undefined)
    assert.equal(fleetWords({ scope: 'local', fleet: fleet() }), undefined)
    assert.equal(fleetWords({ scope: 'local', fleet: fleet({ link: 'connecting', state: null }) }), undefined)
  })

  it('says that its state is in force or, which takes precedence, that it is unreachable', () => {
    const words = (...[scope, link]: readonly ['local' | 'fleet', FleetReport['link']]): string | undefined =>
      fleetWords({ scope, fleet: fleet({ link }) })?.[0]
    assert.equal(words('fleet', 'live'), 'Fleet')
    assert.equal(words('fleet', 'degraded'), 'Fleet unreachable')
    assert.equal(words('local', 'degraded'), 'Fleet unreachable')
  })

  it('says which processes a command reaches', () => {
    assert.equal(reachWords(null), '')
    assert.equal(reachWords(fleet()), 'On all processes of its fleet.')
    assert.equal(
      reachWords(fleet({ link: 'connecting' })),
      'On all processes of its fleet, as soon as it can be reached.',
    )
    assert.match(
      reachWords(fleet({ link: 'degraded' })),
      /^Now in this process only: .* receives the change later/,
    )
    for (const link of ['live', 'degraded'] as const)
      assert.match(
        reachWords(fleet({ share: 'observe', link })),
        /^In this process only: .* does not change it/,
      )
  })
})

describe('a view', () => {
  it('is not in the address while it is the default one', () => {
    assert.equal(writeView(readView('')), '')
  })

  it('survives a round trip through the address', () => {
    const fragment = '#search=pay+%26+go&state=open%2Cisolated&sort=traffic'
    const view = readView(fragment)
    assert.deepEqual(view, { query: 'pay & go', states: new Set(['open', 'isolated']), sorting: 'traffic' })
    assert.equal(writeView(view), fragment)
  })

  it('ignores invalid values in the address', () => {
    const view = readView('#state=broken,closed,&sort=__proto__&search')
    assert.deepEqual(view, { query: '', states: new Set(['closed']), sorting: 'worst' })
  })
})
