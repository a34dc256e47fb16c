import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'

describe('S7: listeners that change the arguments in an event', () => {
  const meddlings: Record<string, (args: unknown[]) => unknown> = {
    replaces: (args) => (args[0] = 'forged'),
    empties: (args) => (args.length = 0),
    'adds to': (args) => args.push('more'),
  }
  for (const [title, meddle] of Object.entries(meddlings)) {
    it(`S7: the function gets its own when a \`beforeCall\` listener ${title} them`, async () => {
      const reported: unknown[] = []
      const breaker = new CircuitBreaker({
        onListenerError: (error) => reported.push(error),
        listeners: [{ beforeCall: ({ args }) => meddle(args as unknown[]) }],
      })
      const given = [{ its: 'own' }, 'second'] as const
      const list = (...got: unknown[]): unknown[] => got
      for (const got of [
        await breaker.call(list, ...given),
        await breaker.wrap(list)(...given),
        await breaker.wrap(list, { fallback: (_error, ..._args) => [] })(...given),
        breaker.callSync(list, ...given),
        breaker.wrapSync(list)(...given),
      ]) {
        assert.deepEqual(got, given)
        assert.equal(got[0], given[0])
      }
      assert.deepEqual(reported, [])
    })

    it(`S7: a fallback gets its own when a \`beforeCall\` listener ${title} them`, async () => {
      const breaker = new CircuitBreaker({
        listeners: [{ beforeCall: ({ args }) => meddle(args as unknown[]) }],
      })
      const guarded = breaker.wrap((..._args: unknown[]) => Promise.reject(new Error('down')), {
        fallback: (_error, ...args) => args,
      })
      assert.deepEqual(await guarded('first', 2), ['first', 2])
    })
  }
})
