import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readView, writeView } from '../../../src/dashboard/page/view.ts'
import { reasonWords } from '../../../src/dashboard/page/words.ts'

describe('a reason', () => {
  it('is put into words if it is the breaker’s own', () => {
    assert.equal(reasonWords('probeTimeout'), 'probe timed out')
    assert.equal(reasonWords('consecutiveFailures+slowCallRate'), 'consecutive failures and slow call rate')
  })

  it('is left alone if somebody has written it', () => {
    for (const reason of ['', 'maintenance', 'manual+override', '__proto__', 'constructor', 'a + b'])
      assert.equal(reasonWords(reason), reason)
  })
})

describe('a view', () => {
  it('is nothing in the address while it is the first one', () => {
    assert.equal(writeView(readView('')), '')
  })

  it('comes back from the address as it was', () => {
    const fragment = '#search=pay+%26+go&state=open%2Cisolated&sort=traffic'
    const view = readView(fragment)
    assert.deepEqual(view, { query: 'pay & go', states: new Set(['open', 'isolated']), sorting: 'traffic' })
    assert.equal(writeView(view), fragment)
  })

  it('takes no nonsense from the address', () => {
    const view = readView('#state=broken,closed,&sort=__proto__&search')
    assert.deepEqual(view, { query: '', states: new Set(['closed']), sorting: 'worst' })
  })
})
