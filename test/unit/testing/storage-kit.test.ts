import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import type {
  AcquireCommand,
  ExchangeCommand,
  SettleCommand,
} from '../../../src/storage/contract/commands.ts'
import type { AcquireReply, ExchangeReply, SettleReply } from '../../../src/storage/contract/replies.ts'
import { ManualClock } from '../../../src/testing/clock.ts'
import { storageCases } from '../../../src/testing/storage-kit.ts'

/** Sends each exchange twice, as a client does that resends after a reconnection. */
class CountsTwice extends MemoryStorage {
  override async exchange(name: string, command: ExchangeCommand): Promise<ExchangeReply> {
    await super.exchange(name, command)
    return super.exchange(name, command)
  }
}

/** Uses a new nonce for each request. */
class ForgetsNonces extends MemoryStorage {
  #requests = 0

  override acquire(name: string, command: AcquireCommand): Promise<AcquireReply> {
    return super.acquire(name, { ...command, nonce: `request-${++this.#requests}` })
  }
}

/** Treats every settled probe as settled in time. */
class NeverLate extends MemoryStorage {
  override async settle(name: string, command: SettleCommand): Promise<SettleReply> {
    const reply = await super.settle(name, command)
    return reply.type === 'late' ? { ...reply, type: 'settled' } : reply
  }
}

/** Returns the names of the cases that fail, with their errors. */
async function failures(Storage: typeof MemoryStorage): Promise<Map<string, string>> {
  const clock = new ManualClock()
  const storage = new Storage({ clock })
  const cases = storageCases({
    connect: () => storage,
    clear: () => storage.clear(),
    setTime: (now) => clock.set(now),
  })
  const found = new Map<string, string>()
  for (const { name, run } of cases) await run().catch((error: unknown) => found.set(name, String(error)))
  return found
}

const without = { clear: () => {} }

describe('the conformance kit', () => {
  it('has no cases about time for a store whose clock cannot be set', async () => {
    const storage = new MemoryStorage()
    const cases = storageCases({ connect: () => Promise.resolve(storage), clear: () => storage.clear() })
    const all = storageCases({ connect: () => storage, clear: () => storage.clear(), setTime: () => {} })
    assert.ok(cases.length > 5 && all.length > cases.length + 10)
    for (const { run } of cases) await run()
  })

  for (const [Storage, rule] of [
    [CountsTwice, 'F2'],
    [ForgetsNonces, 'F18'],
    [NeverLate, 'F18'],
  ] as const) {
    it(`detects the storage ${Storage.name} in a scene, in a race and by random commands`, async () => {
      const found = await failures(Storage)
      const names = [...found.keys()]
      assert.ok(
        names.some((name) => name.startsWith(rule) && !name.includes('of many')),
        names.join('\n'),
      )
      assert.ok(
        names.some((name) => /of many|at once/.test(name)),
        names.join('\n'),
      )
      assert.ok(
        names.some((name) => name.startsWith('random commands')),
        names.join('\n'),
      )
      for (const message of found.values()) assert.match(message, /expected .+, got .+/)
    })
  }

  it('closes the connections that it has opened, whatever the result of the case', async () => {
    let open = 0
    class Connection extends CountsTwice {
      [Symbol.asyncDispose](): Promise<void> {
        open--
        return Promise.resolve()
      }
    }
    let connections = 0
    const connect = (): Connection => {
      open++
      connections++
      return new Connection()
    }
    // Each connection has its own store, so most cases fail.
    for (const { run } of storageCases({ ...without, connect }).slice(0, 7)) await run().catch(() => {})
    assert.ok(connections > 10)
    assert.equal(open, 0)
  })

  it('says what is wrong with a target or an option', () => {
    const target = { ...without, connect: () => new MemoryStorage() }
    assert.throws(
      () => storageCases({} as never),
      /Expected `target` to be an object with methods `connect` and `clear`/,
    )
    assert.throws(() => storageCases(target, { seed: 0.5 }), /Expected `seed` to be an integer from 0 up/)
    assert.throws(
      () => storageCases(target, { runs: 5 } as never),
      /only known names \(sequences, seed\), got `runs`/,
    )
  })
})
