import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failing, inWorld, settled, working } from './support/world.ts'

describe('I3: a reply that another one has overtaken', () => {
  it(
    'F2, I3: sums of a state that has ended open nothing',
    inWorld(async (world) => {
      const [a] = world.fleet(1)
      const slow = world.process()
      const b = slow.breaker({ reporter: 'slow' })
      await working(a!)
      await working(b)
      await world.pass(50)
      await failing(a!, 2)
      await world.pass(100)
      slow.answerTime = 500
      await failing(b)
      await world.pass(60)
      const met = world.record()
      assert.equal(met.state === 'closed' && met.run, 3)
      slow.answerTime = 0
      a!.open()
      await settled()
      a!.close()
      await world.pass(50)
      const { state, epoch } = world.record()
      assert.equal(state, 'closed')
      assert.equal(b.snapshot().fleet?.epoch, epoch)
      await world.pass(500)
      assert.deepEqual([world.record().state, world.record().epoch], ['closed', epoch])
      assert.equal(b.state, 'closed')
    }),
  )

  it(
    'F17, I2: a lease of a period that has ended admits no probe in the next one',
    inWorld(async (world) => {
      const [a] = world.fleet(1)
      const slow = world.process()
      const b = slow.breaker({ reporter: 'slow' })
      await working(a!)
      await working(b)
      await world.pass(50)
      a!.open({ for: 60_000 })
      await world.pass(100)
      a!.halfOpen()
      await world.pass(1_200)
      // The reply with its lease takes nearly a second, in which the period ends.
      slow.answerTime = 900
      assert.equal(b.tryAcquire(), undefined)
      await world.pass(20)
      const first = world.record()
      assert.equal(first.state === 'half-open' && first.leases.length, 1)
      slow.answerTime = 0
      a!.open({ for: 60_000 })
      await settled()
      a!.halfOpen()
      await world.pass(100)
      await b.flush()
      assert.equal(b.snapshot().fleet?.epoch, world.record().epoch)
      assert.equal(a!.tryAcquire(), undefined)
      await world.pass(20)
      const probe = a!.acquire()
      await world.pass(900)
      assert.equal(b.tryAcquire(), undefined)
      probe.success()
      await world.pass(50)
      assert.equal(a!.state, 'closed')
    }),
  )
})
