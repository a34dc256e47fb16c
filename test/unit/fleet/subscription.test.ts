import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inWorld, working } from './support/world.ts'

describe('F23: the subscription to hints', () => {
  it(
    'F23: is requested again when the store is back, also by a breaker that is always busy',
    inWorld(async (world) => {
      const busy = world.process()
      busy.way = 'refusing'
      const breaker = busy.breaker({ reporter: 'busy' })
      const work = async (duration: number): Promise<void> => {
        for (let left = duration; left > 0; left -= 100) {
          await working(breaker)
          await world.pass(100)
        }
      }
      await work(5_000)
      busy.way = 'up'
      await work(35_000) // the next try must come sooner than after a minute
      assert.equal(breaker.snapshot().fleet?.link, 'live')
      const [other] = world.fleet(1)
      await working(other!)
      // Start right after an exchange, so that only the one for the hint is due.
      const regular = busy.count('exchange')
      while (busy.count('exchange') === regular) await work(100)
      const before = busy.count('exchange')
      other!.isolate('maintenance')
      await world.pass(50)
      assert.equal(busy.count('exchange'), before + 1)
      assert.equal(breaker.state, 'isolated')
    }),
  )

  it(
    'F23: is requested once, even if the first replies of the store arrive before it is made',
    inWorld(async (world) => {
      const member = world.process()
      member.storage.subscribe = (...args) => {
        member.sent.push('subscribe')
        return new Promise((resolve) => {
          setTimeout(() => resolve(world.store.subscribe(...args)), 900)
        })
      }
      const breaker = member.breaker()
      for (let i = 0; i < 20; i++) {
        await working(breaker)
        await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
        await world.pass(60)
      }
      assert.ok(member.count('exchange') > 2)
      assert.equal(member.count('subscribe'), 1)
    }),
  )
})
