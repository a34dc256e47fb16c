import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runProgram } from './program.ts'

describe('memory', () => {
  it('of 10,000 breakers is freed once they are dropped, whatever they were used for', async () => {
    assert.deepEqual(JSON.parse(await runProgram('dropped')), { made: 10_000, left: 0 })
  })

  it('does not grow over a million calls', async () => {
    const { calls, growth } = JSON.parse(await runProgram('growth')) as { calls: number; growth: number }
    assert.equal(calls, 1_000_000)
    // One number kept for every eighth call would be a megabyte.
    assert.ok(growth < 300_000, `grew by ${growth} bytes`)
  })
})

describe('the process', () => {
  const ways = ['idle', 'used', 'open', 'isolated', 'half-open', 'with a call under way', 'with a permit']
  for (const way of ways) {
    it(`S12: ends although a breaker is left ${way}`, async () => {
      assert.equal(await runProgram('exit', [way], 20_000), '')
    })
  }

  for (const way of [
    'used in a fleet',
    'open in a fleet',
    'open by itself in a fleet',
    'with a lease that nobody uses',
    'with a store that does not answer',
  ]) {
    it(`F28: ends although a breaker is left ${way}`, async () => {
      assert.equal(await runProgram('exit', [way], 20_000), '')
    })
  }

  it('S12: stays alive for a pending `ready()`', async () => {
    assert.equal(await runProgram('exit', ['waiting for ready'], 20_000), 'half-open')
  })

  it('S6: stays alive for calls until they time out', async () => {
    assert.equal(
      await runProgram('exit', ['waiting for a timeout'], 20_000),
      'run,CALL_TIMEOUT,wrap,CALL_TIMEOUT,its own',
    )
  })
})
