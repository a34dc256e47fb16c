import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LinkEvent } from '../../../src/index.ts'
import { inWorld, working, type Process } from './support/world.ts'

/** Makes the store of a process behave as if out of memory: it refuses counts, and answers the rest. */
function fill(member: Process): void {
  const { storage } = member
  const exchange = storage.exchange.bind(storage)
  storage.exchange = (name, command, ...rest) =>
    command.successes > 0
      ? (member.sent.push('refused'), Promise.reject(new Error('OOM command not allowed')))
      : exchange(name, command, ...rest)
}

describe('F27: a store in trouble', () => {
  it(
    'F27: is tried less and less often while it does not answer',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker()
      await working(breaker)
      await world.pass(60_000)
      member.way = 'refusing'
      const tries = async (seconds: number): Promise<number> => {
        const before = member.count('exchange')
        for (let second = 0; second < seconds; second++) {
          await working(breaker)
          await world.pass(1_000)
        }
        return member.count('exchange') - before
      }
      await tries(120)
      const late = await tries(480)
      assert.ok(late >= 8 && late <= 60, `${late} tries in eight minutes`)
    }),
  )

  it(
    'F27: is tried less and less often while it answers only some commands, and its link events become rare',
    inWorld(async (world) => {
      const member = world.process()
      const links: [state: string, at: number][] = []
      const link = ({ state }: LinkEvent): void => void links.push([state, world.clock.now()])
      const breaker = member.breaker({ listeners: [{ link }] })
      await working(breaker)
      await world.pass(2_000)
      fill(member)
      const begun = world.clock.now()
      for (let second = 0; second < 600; second++) {
        await working(breaker)
        await world.pass(1_000)
      }
      assert.ok(links.some(([state]) => state === 'degraded'))
      const late = links.filter(([state, at]) => state === 'degraded' && at - begun > 120_000)
      assert.ok(late.length <= 60, `${late.length} outages in eight minutes`)
    }),
  )
})
