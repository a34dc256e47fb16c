import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runProgram } from './program.ts'

async function leftOf(way: string): Promise<{ made: number; left: number }> {
  const { made, left } = JSON.parse(await runProgram('monitor', [way])) as { made: number; left: number }
  return { made, left }
}

describe('a monitor retains nothing that is gone', () => {
  for (const way of [
    'unwatched',
    'evicted',
    'monitors that stopped',
    'consumers that never began',
    'consumers that stopped reading',
    'consumers that left the loop',
  ]) {
    it(way, async () => assert.deepEqual(await leftOf(way), { made: 1_000, left: 0 }))
  }

  it('is itself collected with what it watches', async () => {
    assert.deepEqual(await leftOf('with their monitor'), { made: 3_000, left: 0 })
  })

  it('needs no more memory after five hours of calls than after two minutes', async () => {
    const growth = Number(await runProgram('monitor', ['growth']))
    // One number for each of the 18,000 seconds would be 144,000 bytes.
    assert.ok(growth < 100_000, `grew by ${growth} bytes`)
  })

  it('forgets the names of 20,000 breakers', async () => {
    const growth = Number(await runProgram('monitor', ['names']))
    // The names take 20 megabytes.
    assert.ok(growth < 500_000, `grew by ${growth} bytes`)
  })
})
