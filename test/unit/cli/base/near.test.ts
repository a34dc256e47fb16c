import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { suggest } from '../../../../src/cli/base/suggestions.ts'

const names = ['payments', 'prices', 'stock', 'payments (2)', 'eu/payments']

describe('a name that is almost right', () => {
  for (const [given, expected] of [
    ['paymnets', 'payments'],
    ['Payments', 'payments'],
    ['stok', 'stock'],
    ['pryces', 'prices'],
  ] as const) {
    it(`${given} finds ${expected}`, () => {
      assert.equal(suggest(given, names)[0], expected)
    })
  }

  it('finds those that contain it', () => {
    assert.deepEqual(suggest('payment', names), ['payments', 'payments (2)', 'eu/payments'])
  })

  it('finds nothing where nothing is similar', () => {
    assert.deepEqual(suggest('billing', names), [])
    assert.deepEqual(suggest('', names), [])
    assert.deepEqual(suggest('x', []), [])
  })

  it('takes no time for endless names', () => {
    const endless = 'x'.repeat(1_000_000)
    assert.deepEqual(suggest('stock', [endless, 'stocks']), ['stocks'])
  })
})
