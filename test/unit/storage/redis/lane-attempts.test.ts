import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StorageUnavailableError } from '../../../../src/storage/contract/errors.ts'
import { MisfitsError } from '../../../../src/storage/redis/failure.ts'
import { Stage } from '../support/lane-stage.ts'

const MISSED = new StorageUnavailableError('several deadlines were missed in a row')

describe('F27: a connection', () => {
  it('F27: is opened at once, for all that wait for it, and given to all that need it later', () =>
    Stage.play(async (stage) => {
      const waiting = [stage.lane.ready(), stage.lane.ready()]
      assert.equal(stage.attempts.length, 1)
      await stage.pass(10)
      for (const port of await Promise.all([...waiting, stage.lane.ready()]))
        assert.equal(port, stage.lane.port)
      await stage.pass(60_000)
      assert.deepEqual([stage.attempts.length, stage.alive, stage.missed], [1, [stage.lane.port], [false]])
    }))

  it('F27: is not used before it has been prepared', () =>
    Stage.play(async (stage) => {
      stage.prepare = () => Promise.reject(new Error('ERR no script'))
      const refused = assert.rejects(stage.lane.ready(), /ERR no script/)
      await stage.pass(10)
      await refused
      assert.deepEqual([stage.opened, stage.alive, stage.lane.state], [[], [], 'lost'])
    }))

  it('F27: is not used if its error arrives in the next tick, as from a client that does not wait for the login', () =>
    Stage.play(async (stage) => {
      stage.prepare = async (port) => void setImmediate(() => stage.end(port, new Error('WRONGPASS no')))
      const refused = assert.rejects(stage.lane.ready(), /Redis refused the credentials/)
      await stage.pass(100)
      await refused
      assert.deepEqual([stage.opened, stage.alive], [[], []])
    }))

  it('F27: that rests leaves nothing behind, and a new one is opened when it is needed', () =>
    Stage.play(async (stage) => {
      const first = await stage.start()
      await stage.pass(1_000)
      stage.lane.rest()
      assert.deepEqual([stage.alive, stage.gone, stage.lane.port, stage.timers], [[], [first], undefined, 0])
      const second = await stage.start()
      assert.notEqual(second, first)
      assert.deepEqual([stage.alive, stage.missed], [[second], [false, false]])
    }))

  it('F27: that was asked for before the rest does not count after it', () =>
    Stage.play(async (stage) => {
      stage.manner = 'hangs'
      const before = assert.rejects(stage.lane.ready(), /not needed any more/)
      await stage.pass(200)
      stage.lane.rest()
      await before
      const after = stage.lane.ready()
      await stage.pass(100)
      stage.refuse(new Error('ECONNRESET'))
      await stage.pass(100)
      assert.deepEqual([stage.lane.state, stage.lost], ['opening', []])
      stage.manner = 'accepts'
      await stage.pass(1_000)
      assert.equal(await after, stage.lane.port)
      assert.equal(stage.alive.length, 1)
    }))

  it('F28: may be disposed of, or needed again, while one is being closed', async () => {
    for (const [event, state, attempts] of [
      ['close', 'closed', 1],
      ['ready', 'open', 2],
    ] as const) {
      await Stage.play(async (stage) => {
        await stage.start()
        await stage.pass(1_000)
        stage.whenGone = () => {
          stage.whenGone = () => {}
          void stage.lane[event]()
        }
        stage.end()
        await stage.pass(2_000)
        assert.deepEqual([stage.lane.state, stage.attempts.length, stage.lost], [state, attempts, []])
      })
    }
  })

  it('F28: that is disposed of stays closed, whatever was under way', async () => {
    for (const begin of ['opening', 'open', 'renewed', 'lost', 'renewing'] as const) {
      await Stage.play(async (stage) => {
        if (begin !== 'opening') await stage.start()
        stage.manner = begin === 'lost' ? 'refuses' : 'hangs'
        if (begin === 'opening') stage.lane.ready().catch(() => {})
        if (begin === 'renewing') void stage.lane.renew()
        if (begin === 'renewed' || begin === 'lost') stage.end()
        await stage.pass(begin === 'lost' ? 2_000 : 800)
        const before = [stage.attempts.length, stage.lost.length]
        stage.lane.close()
        assert.equal(stage.lane.port, undefined)
        stage.lane.close()
        stage.lane.rest()
        await assert.rejects(stage.lane.ready(), /disposed of/)
        stage.refuse(new Error('WRONGPASS no'))
        await stage.pass(40_000)
        assert.deepEqual([stage.attempts.length, stage.lost.length], before, begin)
        assert.deepEqual([stage.lane.state, stage.alive, stage.timers], ['closed', [], 0], begin)
      })
    }
  })
})

describe('F24b: the attempts to open a connection', () => {
  const gaps = ({ attempts }: Stage): number[] => attempts.slice(1).map((at, i) => at - attempts[i]!)

  it('F24b: begin 500 to 700 ms after each other, whatever asks for them', () =>
    Stage.play(async (stage) => {
      const { lane } = stage
      await stage.start()
      stage.end()
      await stage.pass(900)
      assert.equal(lane.state, 'open')
      await stage.pass(1_000)
      const [renewed] = await Promise.all([lane.renew(), stage.pass(200)])
      assert.equal(renewed, true)
      const [again, both] = await Promise.all([lane.renew(), lane.renew(), stage.pass(720)])
      assert.deepEqual([again, both], [true, true])
      lane.rest()
      await Promise.all([lane.ready(), stage.pass(720)])
      lane.replace(lane.port!, MISSED, true)
      await stage.pass(720)
      assert.deepEqual([lane.state, stage.attempts.length], ['open', 6])
      assert.ok(Math.min(...gaps(stage)) >= 500, String(gaps(stage)))
    }))

  it('F24b: go on however often the connection is asked for', () =>
    Stage.play(async (stage) => {
      stage.manner = 'hangs'
      for (let i = 0; i < 40; i++) {
        stage.lane.ready().catch(() => {})
        await stage.pass(100)
      }
      assert.ok(stage.attempts.length >= 6 && stage.attempts.length <= 8, String(stage.attempts.length))
    }))

  it('F24b: end after the deadline, or when the server closes the connection', () =>
    Stage.play(async (stage) => {
      stage.manner = 'hangs'
      const refused = assert.rejects(stage.lane.ready(), /no answer within 5000 ms/)
      await stage.pass(4_980)
      assert.equal(stage.lane.state, 'opening')
      await stage.pass(40)
      await refused
      assert.equal(stage.gone.length, 1)
      await stage.pass(60_000)
      assert.ok(stage.alive.length <= 11, String(stage.alive.length))
      const told = stage.lost.length
      const [first] = stage.alive
      stage.end(first, new Error('ECONNRESET'))
      await stage.pass(10)
      assert.deepEqual([stage.alive.includes(first!), stage.lost.length], [false, told + 1])
      assert.match(stage.lost.at(-1)!, /ECONNRESET/)
    }))

  it('F24b: leave one connection, and those that are overtaken have no say', () =>
    Stage.play(async (stage) => {
      stage.manner = 'hangs'
      const ready = stage.lane.ready()
      await stage.pass(400)
      stage.manner = 'accepts'
      await stage.pass(400)
      const port = await ready
      assert.deepEqual([stage.attempts.length, stage.alive, stage.gone.length], [2, [port], 1])
      stage.refuse(new Error('WRONGPASS no'))
      await stage.pass(60_000)
      assert.deepEqual([stage.lane.state, stage.lost, stage.alive], ['open', [], [port]])
    }))

  for (const manner of ['rejects the login', 'denies'] as const) {
    it(`F16: pause for 30 s when the server ${manner}, and then the store is lost at once`, () =>
      Stage.play(async (stage) => {
        await stage.start()
        await stage.pass(1_000)
        stage.manner = manner
        stage.end()
        await stage.pass(230)
        assert.deepEqual([stage.lane.state, stage.lost.length], ['lost', 1])
        await stage.pass(29_000)
        assert.equal(stage.attempts.length, 2)
        stage.manner = 'accepts'
        await stage.pass(1_500)
        assert.deepEqual([stage.lane.state, stage.attempts.length], ['open', 3])
      }))
  }
})

describe('F28b: the store', () => {
  it('F28b: is lost at once if the first attempt fails, and each that fails says why', () =>
    Stage.play(async (stage) => {
      stage.manner = 'refuses'
      const refused = assert.rejects(stage.lane.ready(), /ECONNREFUSED/)
      await stage.pass(10)
      await refused
      assert.deepEqual([stage.lane.state, stage.lost.length, stage.alive], ['lost', 1, []])
      await stage.pass(5_000)
      assert.equal(stage.lost.length, stage.attempts.length)
      stage.manner = 'hangs'
      await stage.pass(710)
      stage.refuse(new Error('ECONNRESET'))
      await stage.pass(10)
      await assert.rejects(stage.lane.ready(), /ECONNRESET/)
      stage.manner = 'accepts'
      await stage.pass(710)
      assert.deepEqual([stage.lane.state, stage.missed], ['open', [true]])
    }))

  it('F28b: is lost for the reason for which its connection was closed, unless an attempt says more', () =>
    Stage.play(async (stage) => {
      await stage.start()
      await stage.pass(1_000)
      stage.manner = 'hangs'
      stage.end()
      await stage.pass(1_020)
      assert.equal(stage.lost.length, 1)
      assert.match(stage.lost[0]!, /the connection was closed/)
      await assert.rejects(stage.lane.ready(), /the connection was closed/)
    }))

  it('F28b: is lost a second after its connection, and then each attempt that fails says so', () =>
    Stage.play(async (stage) => {
      await stage.start()
      await stage.pass(1_000)
      stage.manner = 'refuses'
      stage.end()
      await stage.pass(980)
      assert.deepEqual([stage.attempts.length > 1, stage.lost], [true, []])
      await stage.pass(40)
      const { length } = stage.attempts
      assert.equal(stage.lost.length, 1)
      await stage.pass(5_000)
      assert.equal(stage.lost.length - 1, stage.attempts.length - length)
    }))

  it('F28b: has missed commands only if some were lost or rejected', () =>
    Stage.play(async (stage) => {
      await stage.start()
      await stage.pass(1_000)
      stage.end()
      await stage.pass(1_000)
      stage.isNeeded = false
      stage.end()
      await stage.pass(1_000)
      await stage.start()
      await stage.pass(1_000)
      await Promise.all([stage.lane.renew(), stage.pass(300)])
      assert.deepEqual(stage.missed, [false, true, false, false])
    }))

  it('F27: is lost when deadlines are missed, even if nothing waits for it now, and is soon tried again', () =>
    Stage.play(async (stage) => {
      const port = await stage.start()
      await stage.pass(1_000)
      stage.isNeeded = false
      stage.lane.replace(port, MISSED, true)
      assert.deepEqual([stage.lane.state, stage.lost], ['lost', [MISSED.message]])
      await stage.pass(250)
      assert.deepEqual([stage.lane.state, stage.missed], ['open', [false, true]])
    }))

  it('F22b: is not lost by what happens to a connection that is not in use any more', () =>
    Stage.play(async (stage) => {
      const first = await stage.start()
      await stage.pass(1_000)
      stage.end()
      await stage.pass(1_000)
      const { port } = stage.lane
      stage.lane.replace(first, new MisfitsError(true), true)
      assert.deepEqual([stage.lane.port, stage.lane.state, stage.lost], [port, 'open', []])
    }))
})

describe('F28b: a connection that is renewed', () => {
  it('F28b: is discarded a second later, or when it ends', () =>
    Stage.play(async (stage) => {
      const first = await stage.start()
      await stage.pass(1_000)
      await Promise.all([stage.lane.renew(), stage.pass(300)])
      const second = stage.lane.port!
      assert.deepEqual(
        [stage.opened, stage.alive],
        [
          [first, second],
          [first, second],
        ],
      )
      stage.end(first)
      assert.deepEqual([stage.alive, stage.gone, stage.lane.port], [[second], [first], second])
      await stage.pass(1_000)
      assert.deepEqual([stage.gone, stage.lane.state, stage.lost], [[first], 'open', []])
    }))

  it('F28b: needs no renewal if it has been replaced meanwhile, or is not open at all', () =>
    Stage.play(async (stage) => {
      const renewed = await Promise.all([stage.lane.renew(), stage.pass(710)])
      assert.deepEqual([renewed[0], stage.attempts.length], [true, 0])
      await stage.start()
      const renewal = stage.lane.renew()
      stage.lane.rest()
      await stage.pass(1_000)
      assert.deepEqual([await renewal, stage.attempts.length, stage.alive], [true, 1, []])
    }))

  it('F28b: is renewed once for all that ask for it', () =>
    Stage.play(async (stage) => {
      await stage.start()
      await stage.pass(1_000)
      stage.manner = 'hangs'
      const renewals = [stage.lane.renew(), stage.lane.renew()]
      await stage.pass(300)
      renewals.push(stage.lane.renew())
      await stage.pass(100)
      assert.equal(stage.attempts.length, 2)
      stage.thaw()
      await stage.pass(10)
      assert.deepEqual(await Promise.all(renewals), [true, true, true])
      assert.equal(stage.opened.length, 2)
    }))

  it('F28b: is given up if it was closed meanwhile', () =>
    Stage.play(async (stage) => {
      await stage.start()
      await stage.pass(1_000)
      stage.manner = 'hangs'
      const renewal = stage.lane.renew()
      await stage.pass(300)
      stage.isNeeded = false
      stage.end()
      assert.equal(stage.alive.length, 1)
      stage.thaw()
      await stage.pass(10)
      await renewal
      assert.deepEqual([stage.lane.state, stage.lane.port, stage.alive], ['idle', undefined, []])
    }))
})
