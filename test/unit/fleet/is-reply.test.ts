import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Exchanged } from '../../../src/storage/contract/replies.ts'
import { isReply } from '../../../src/fleet/is-reply.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { MOST_EPOCH } from '../../../src/storage/contract/limits.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import { exchange, sender } from '../../../src/testing/storage-kit/commands.ts'

const reply = await new MemoryStorage().exchange('payments', exchange(sender('host')))
assert.ok(reply.type === 'exchanged')
const { record } = reply
const withRecord = (changes: object): unknown => ({ ...reply, record: { ...record, ...changes } })

it('F28: a reply whose record lacks a field, or has another type in it, is none', () => {
  assert.ok(isReply('exchange', reply))
  for (const field of Object.keys(record)) {
    for (const value of [undefined, {}, Number.NaN, -1, Number.MAX_SAFE_INTEGER + 1])
      assert.equal(
        isReply('exchange', withRecord({ [field]: value })),
        false,
        `${field}: ${JSON.stringify(value)}`,
      )
  }
  for (const field of Object.keys(record.manual)) {
    const manual = { ...record.manual, [field]: undefined }
    assert.equal(isReply('exchange', withRecord({ manual })), false, `manual.${field}`)
  }
})

it('F12: a reply with an epoch that no record may have is none', () => {
  assert.ok(isReply('exchange', withRecord({ epoch: MOST_EPOCH })))
  assert.equal(isReply('exchange', withRecord({ epoch: MOST_EPOCH + 1 })), false)
})

it("I6: a manual change does not throw when a storage of one's own replies without the last one", async () => {
  class Storage extends MemoryStorage {
    override async exchange(
      ...given: Parameters<MemoryStorage['exchange']>
    ): ReturnType<MemoryStorage['exchange']> {
      const { record, ...rest } = (await super.exchange(...given)) as Exchanged
      return { ...rest, record: { ...record, manual: undefined! } }
    }
  }
  const breaker = new CircuitBreaker({ name: 'payments', storage: new Storage() })
  await breaker.call(() => 1)
  await breaker.flush()
  assert.equal(breaker.snapshot().fleet?.link, 'degraded')
  assert.equal(breaker.isolate('maintenance'), true)
  await breaker[Symbol.asyncDispose]()
})
