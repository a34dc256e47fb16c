import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { FailureRun, Health } from '../../../src/storage/contract/health.ts'

describe('F28b: failures in a row', () => {
  it('F28b: are counted once per batch, however many commands it has', () => {
    const run = new FailureRun()
    const now = systemClock.now()
    assert.equal(run.add(now), 1)
    // These were sent before that failure was counted.
    assert.equal(run.add(now), 1)
    assert.equal(run.add(now - 500), 1)
    assert.equal(run.add(now + 1_000), 2)
  })

  it('F28b: do not include a batch of which something was answered, nor one that was sent before it', () => {
    const run = new FailureRun()
    const now = systemClock.now()
    run.add(now)
    run.end(now + 1_000)
    assert.equal(run.length, 0)
    assert.equal(run.add(now + 1_000), 0)
    assert.equal(run.add(now + 900), 0)
    assert.equal(run.add(now + 2_000), 1)
  })
})

it('F24b: the replies that an outage has delayed do not make the interval longer', () => {
  const health = new Health(true)
  const outage = systemClock.now() - 5_000
  for (let i = 0; i < 10; i++) health.answered(outage)
  assert.equal(health.replyTime, 0)
})
