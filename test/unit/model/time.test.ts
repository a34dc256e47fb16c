import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { holds, playAndRead } from './property.ts'
import { monotoneImage, Rig } from './rig.ts'
import { anything, configure, enforced, steady } from './schedule.ts'

/** With many changes of options, which must not be applied before what a read would have noticed. */
const reconfigured = fc.oneof({ weight: 8, arbitrary: steady }, { weight: 1, arbitrary: configure })

describe('time, for random schedules', () => {
  it('S13: any sequence of clock readings gives the result of its monotone image', () =>
    holds(anything, async (settings, commands, path) => {
      const jumping = new Rig(settings, path)
      const seen = await playAndRead(jumping, commands)
      const image = monotoneImage(jumping.clock.readings)
      let next = 0
      const now = (): number => image[next++] ?? Number.NaN
      const steady = new Rig(settings, path, { clock: { now } })
      assert.deepEqual(await playAndRead(steady, commands), seen)
      assert.deepEqual(steady.transitions, jumping.transitions)
      assert.equal(next, image.length)
    }))

  it('S14: `retryAfter` = r while open means rejected at t + r - 1 and admitted at t + r', () =>
    holds(enforced, async (settings, commands) => {
      const rig = new Rig(settings)
      await rig.play(commands)
      if (rig.read().state !== 'open') rig.breaker.open()
      const { state, retryAfter } = rig.read()
      if (state !== 'open') return assert.equal(retryAfter, 0)
      assert.ok(Number.isInteger(retryAfter) && retryAfter > 0)
      rig.wait(retryAfter - 1)
      assert.equal(rig.breaker.tryAcquire(), undefined)
      rig.wait(1)
      assert.equal(rig.breaker.retryAfter, 0)
      assert.notEqual(rig.breaker.tryAcquire(), undefined)
    }))

  it('S15: any number of reads changes nothing, with a clock that never steps back', () =>
    holds(reconfigured, async (settings, commands, path) => {
      const quiet = new Rig(settings, path)
      const watched = new Rig(settings, path)
      for (const command of commands) {
        assert.deepEqual(watched.read(), watched.read())
        const happening = await watched.perform(command)
        watched.read()
        assert.deepEqual(happening, await quiet.perform(command))
        watched.read()
      }
      assert.deepEqual(quiet.read(), watched.read())
      assert.deepEqual(quiet.transitions, watched.transitions)
    }))
})
