import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { slowCallRate } from '../../../src/index.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'
import { begin } from './begin.ts'

const down = new Error('down')
const SLOW = slowCallRate({ threshold: 1, slowerThan: 50, lastCalls: 1, minCalls: 1 })

describe('a supervised call whose answer is watched', () => {
  let time: ReturnType<typeof fakeTime>
  beforeEach(() => {
    time = fakeTime()
  })
  afterEach(() => {
    assert.equal(time.countTimers(), 0, 'a timer is left')
    time.uninstall()
  })

  interface Situation {
    readonly probe: boolean
    readonly isRead: boolean
    readonly sign?: 'alive' | 'renew'
    readonly waits: boolean
  }
  const situations: readonly Situation[] = [
    { probe: false, isRead: false, waits: false },
    { probe: false, isRead: true, waits: true },
    { probe: false, isRead: false, sign: 'alive', waits: true },
    { probe: false, isRead: false, sign: 'renew', waits: true },
    { probe: true, isRead: false, waits: false },
    { probe: true, isRead: true, waits: true },
    { probe: true, isRead: true, sign: 'alive', waits: false },
    { probe: true, isRead: false, sign: 'alive', waits: false },
    { probe: true, isRead: true, sign: 'renew', waits: true },
    { probe: true, isRead: false, sign: 'renew', waits: true },
  ]
  for (const { probe, isRead, sign, waits } of situations) {
    const subject = `${probe ? 'a probe' : 'a call'} that ${isRead ? 'is' : 'is not'} read`
    it(`${waits ? 'waits for' : 'releases'} ${subject}, after ${sign ? `${sign}()` : 'no sign of life'}`, () => {
      const { call } = begin({}, undefined, probe)
      assert.equal(call.isProbe, probe)
      call.watch({ every: 100, isRead: () => isRead, release: () => call.succeed() })
      time.tick(99)
      if (sign) call[sign]()
      time.tick(1)
      assert.equal(call.settled, !waits)
      call.succeed()
    })
  }

  it('is released after a time without signs of life, and is never slow then', () => {
    const { breaker, call } = begin({ failMax: undefined, trip: SLOW }, undefined)
    call.alive()
    call.watch({ every: 100, isRead: () => false, release: () => call.succeed() })
    for (const _ of [1, 2, 3]) {
      time.tick(99)
      call.alive()
      time.tick(1)
      assert.equal(call.settled, false)
    }
    time.tick(100)
    assert.deepEqual([call.settled, breaker.state], [true, 'closed'])
  })

  it('is checked twice within a lease, however long an interval it asks for', () => {
    const { breaker, call } = begin({ probeTimeout: 1_000 }, undefined, true)
    call.watch({ every: 1e9, isRead: () => false, release: () => call.succeed() })
    time.tick(500)
    assert.deepEqual([call.settled, breaker.state], [true, 'closed'])
  })

  it('keeps the permit of a probe by renewals', () => {
    const { breaker, call } = begin({ probeTimeout: 1_000 }, undefined, true)
    for (const _ of [1, 2, 3]) {
      time.tick(900)
      call.renew()
    }
    assert.equal(breaker.state, 'half-open')
    call.succeed()
    assert.equal(breaker.state, 'closed')
    call.renew()
  })

  it('is checked at once on request, and then at the same interval as before', () => {
    const { call } = begin()
    let checks = 0
    const check = call.watch({ every: 100, isRead: () => ++checks < 3, release: () => call.ignore() })
    time.tick(50)
    check()
    time.tick(99)
    assert.equal(checks, 1)
    time.tick(1)
    assert.equal(checks, 2)
    check()
    assert.deepEqual([checks, call.settled], [3, true])
    check()
    assert.equal(checks, 3)
  })

  it('is checked by the timer if an earlier check threw', () => {
    const { call } = begin()
    let fails = true
    const isRead = (): boolean => {
      if (fails) throw down
      return false
    }
    const check = call.watch({ every: 100, isRead, release: () => call.ignore() })
    assert.throws(check, down)
    fails = false
    time.tick(100)
    assert.equal(call.settled, true)
  })

  it('is ignored if the check by the timer throws, which is reported', () => {
    const reported: unknown[] = []
    const { call, ends } = begin({ onListenerError: (error) => void reported.push(error) })
    const isRead = (): boolean => {
      throw down
    }
    call.watch({ every: 100, isRead, release: assert.fail })
    time.tick(100)
    assert.deepEqual(reported, [down])
    assert.deepEqual(
      ends.map(([event]) => event),
      ['ignored'],
    )
  })

  it('is watched once: a new watch replaces the last', () => {
    const { call } = begin()
    call.watch({ every: 100, isRead: assert.fail, release: assert.fail })
    call.watch({ every: 300, isRead: () => false, release: () => call.succeed() })
    time.tick(299)
    assert.equal(call.settled, false)
    time.tick(1)
    assert.equal(call.settled, true)
  })

  it('is released if it is a probe without a deadline whose answer never ends', () => {
    const { call } = begin({ probeTimeout: Infinity }, undefined, true)
    assert.equal(call.isProbe, true)
    call.watch({ every: 100, isRead: () => true, release: () => call.succeed() })
    call.alive()
    time.tick(100)
    assert.equal(call.settled, true)
  })

  for (const [title, options] of Object.entries({
    'every of 0': { every: 0 },
    'every below 0': { every: -1 },
    'every that is not a number': { every: '100' },
    'every left out': { every: undefined },
    'isRead left out': { isRead: undefined },
    'release that is not a function': { release: 1 },
    'a misspelled name': { onRelease: () => {} },
  })) {
    it(`refuses ${title}, and watches nothing`, () => {
      const { call } = begin()
      const given = { every: 100, isRead: assert.fail, release: assert.fail, ...options }
      assert.throws(() => call.watch(given as never), /^(TypeError|RangeError): Expected /)
      time.tick(1_000)
      assert.equal(call.settled, false)
      call.ignore()
    })
  }

  it('is not watched if the call has been settled', () => {
    const { call } = begin()
    call.succeed()
    call.watch({ every: 100, isRead: assert.fail, release: assert.fail })
    time.tick(100)
  })
})
