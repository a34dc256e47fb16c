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
    'F24b: is tried every 500 to 700 ms while it does not answer, whatever the length of the outage',
    inWorld(async (world) => {
      const member = world.process()
      const breaker = member.breaker()
      const times: number[] = []
      const exchange = member.storage.exchange.bind(member.storage)
      member.storage.exchange = (...args) => {
        times.push(performance.now())
        return exchange(...args)
      }
      for (let turn = 0; turn < 1_200; turn++) {
        if (turn === 20) {
          member.way = 'refusing'
          times.length = 0
        }
        await working(breaker)
        await world.pass(100)
      }
      const pauses = times.slice(1).map((time, i) => time - times[i]!)
      assert.ok(pauses.length > 120, `${pauses.length} tries in two minutes`)
      assert.ok(Math.min(...pauses) >= 500 && Math.max(...pauses) <= 710, String(pauses))
      assert.ok(new Set(pauses.map(Math.round)).size > 10, 'F24b: with jitter')
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

  it(
    'F28b: an order that is never answered neither floods a store that answers all else, nor the listeners',
    inWorld(async (world) => {
      const member = world.process()
      let changes = 0
      member.storage.change = () => {
        changes++
        return Promise.reject(new Error('this storage makes no changes'))
      }
      let links = 0
      const breaker = member.breaker({ listeners: [{ link: () => void links++ }] })
      await working(breaker)
      await world.pass(2_000)
      breaker.isolate('maintenance')
      for (let second = 0; second < 120; second++) {
        await breaker.call(() => 1).catch(() => {})
        await world.pass(1_000)
      }
      assert.ok(changes > 1 && changes <= 30, `F28b: ${changes} changes in two minutes`)
      assert.ok(links <= 60, `${links} events in two minutes`)
    }),
  )
})
