import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gap } from '../../../scripts/simulate/fleet.ts'
import { Dice, seeded } from '../../../src/testing/storage-kit/random.ts'
import { pass, VirtualTime } from '../../../scripts/simulate/virtual-time.ts'

describe('virtual time', () => {
  it('passes without waiting, for timers and for both clocks', async () => {
    const begun = performance.now()
    const time = new VirtualTime(1)
    try {
      const wall = Date.now()
      let passed: number | undefined
      void pass(3_600_000).then(() => (passed = time.now))
      await time.runTo(3_599_999)
      assert.equal(passed, undefined)
      await time.runTo(3_600_001)
      assert.equal(passed, 3_600_000)
      assert.equal(performance.now(), 3_600_001)
      assert.equal(Date.now() - wall, 3_600_001)
    } finally {
      time.end()
    }
    assert.ok(performance.now() - begun < 60_000, 'real time is back')
  })

  it('makes randomness depend on the seed until it ends', () => {
    const random = Math.random
    const draw = (seed: number): number => {
      const time = new VirtualTime(seed)
      const drawn = Math.random()
      time.end()
      return drawn
    }
    assert.equal(draw(1), draw(1))
    assert.notEqual(draw(1), draw(2))
    assert.equal(Math.random, random)
  })
})

describe('the traffic', () => {
  it('has the requested rate, at random times', () => {
    const random = seeded(1)
    const gaps = Array.from({ length: 20_000 }, () => gap(random, 5))
    const mean = gaps.reduce((sum, each) => sum + each, 0) / gaps.length
    assert.ok(Math.abs(mean - 200) < 6, `a call in ${mean} ms`)
    // The intervals of a Poisson process have a standard deviation equal to their mean.
    const square = gaps.reduce((sum, each) => sum + (each - mean) ** 2, 0) / gaps.length
    assert.ok(Math.abs(Math.sqrt(square) - 200) < 10)
  })

  it('draws every integer of a range, and no other', () => {
    const dice = new Dice(seeded(1))
    const drawn = new Set(Array.from({ length: 1_000 }, () => dice.integer(3, 6)))
    assert.deepEqual(
      [...drawn].toSorted((a, b) => a - b),
      [3, 4, 5, 6],
    )
  })
})
