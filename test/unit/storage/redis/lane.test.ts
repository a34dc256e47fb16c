import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { install } from '@sinonjs/fake-timers'
import { MisfitsError } from '../../../../src/storage/redis/failure.ts'
import { OutageLog } from '../../../../src/storage/redis/log.ts'
import { Stage } from '../support/lane-stage.ts'

describe('F28b: a connection', () => {
  it('F28b: that is closed while nothing is pending rests until it is needed', () =>
    Stage.play(async (stage) => {
      await Promise.all([stage.lane.ready(), stage.pass(10)])
      stage.isNeeded = false
      stage.end()
      await stage.pass(60_000)
      assert.equal(stage.lane.state, 'idle')
      assert.equal(stage.attempts.length, 1)
      await Promise.all([stage.lane.ready(), stage.pass(10)])
      assert.deepEqual([stage.attempts.length, stage.lost], [2, []])
    }))

  it('F28b: that is closed while something is pending is renewed without a word', () =>
    Stage.play(async (stage) => {
      await Promise.all([stage.lane.ready(), stage.pass(10)])
      await stage.pass(600)
      stage.end()
      assert.equal(stage.gone.length, 1)
      await stage.pass(220)
      assert.deepEqual([stage.lane.state, stage.attempts.length, stage.lost], ['open', 2, []])
    }))

  for (const manner of ['refuses', 'hangs'] as const) {
    it(`F24b: that cannot be renewed within a second is lost, and tried twice a second: the server ${manner}`, () =>
      Stage.play(async (stage) => {
        await Promise.all([stage.lane.ready(), stage.pass(10)])
        await stage.pass(1_000)
        stage.manner = manner
        stage.attempts.length = 0
        stage.end()
        await stage.pass(980)
        assert.deepEqual(stage.lost, [])
        await stage.pass(40)
        assert.equal(stage.lane.state, 'lost')
        await assert.rejects(stage.lane.ready(), { name: 'StorageUnavailableError' })
        await stage.pass(60_000)
        const pauses = stage.attempts.slice(1).map((at, i) => at - stage.attempts[i]!)
        assert.ok(Math.min(...pauses) >= 500 && Math.max(...pauses) <= 710, String(pauses))
        assert.ok(new Set(pauses).size > 5, 'with jitter')
        stage.thaw()
        await stage.pass(manner === 'hangs' ? 10 : 710)
        assert.deepEqual([stage.lane.state, stage.opened.length], ['open', 2])
        await stage.pass(10_000)
        assert.equal(stage.opened.length, 2)
        assert.equal(stage.gone.length, new Set(stage.gone).size)
      }))
  }

  it('F24b: that takes long to open is opened all the same', () =>
    Stage.play(async (stage) => {
      stage.manner = 'hangs'
      const ready = stage.lane.ready()
      await stage.pass(3_000)
      assert.equal(stage.lane.state, 'opening')
      stage.thaw()
      await stage.pass(10)
      assert.equal(await ready, stage.lane.port)
    }))

  it('F16: whose credentials are refused is tried again after 30 s', () =>
    Stage.play(async (stage) => {
      stage.manner = 'rejects the login'
      const refused = assert.rejects(stage.lane.ready(), /Redis refused the credentials/)
      await stage.pass(29_000)
      await refused
      assert.deepEqual([stage.attempts.length, stage.lost.length], [1, 1])
      stage.manner = 'accepts'
      await stage.pass(2_000)
      assert.equal(stage.lane.state, 'open')
    }))

  it('F22b: on which the server refuses us is renewed at once, and lost if that is refused too', () =>
    Stage.play(async (stage) => {
      const refuse = async (): Promise<void> => {
        await stage.pass(1_000)
        stage.lane.replace(stage.lane.port!, new Error('NOAUTH no'), false)
        await stage.pass(220)
      }
      await Promise.all([stage.lane.ready(), stage.pass(10)])
      await refuse()
      assert.deepEqual([stage.lane.state, stage.attempts.length, stage.lost], ['open', 2, []])
      stage.manner = 'rejects the login'
      await refuse()
      await stage.pass(28_000)
      assert.deepEqual([stage.lane.state, stage.attempts.length, stage.lost.length], ['lost', 3, 1])
    }))

  it('F22b: whose replies are falsified again and again is tried again after 30 s', () =>
    Stage.play(async (stage) => {
      const port = await Promise.all([stage.lane.ready(), stage.pass(10)]).then(([first]) => first)
      stage.lane.replace(port, new MisfitsError(true))
      assert.equal(stage.lane.state, 'lost')
      await stage.pass(29_000)
      assert.equal(stage.attempts.length, 1)
      await stage.pass(1_100)
      assert.equal(stage.lane.state, 'open')
    }))

  it('F22b: with a reply that does not fit is renewed at once', () =>
    Stage.play(async (stage) => {
      const port = await Promise.all([stage.lane.ready(), stage.pass(10)]).then(([first]) => first)
      await stage.pass(1_000)
      stage.lane.replace(port, new MisfitsError(false))
      await stage.pass(220)
      assert.deepEqual([stage.lane.state, stage.attempts.length, stage.lost], ['open', 2, []])
    }))

  it('F28b: that may lead to the wrong server serves until another one is open', () =>
    Stage.play(async (stage) => {
      const port = await Promise.all([stage.lane.ready(), stage.pass(10)]).then(([first]) => first)
      stage.manner = 'refuses'
      const failed = stage.lane.renew()
      await stage.pass(710)
      assert.equal(await failed, false)
      assert.equal(stage.lane.port, port)
      stage.manner = 'accepts'
      const renewed = stage.lane.renew()
      await stage.pass(710)
      assert.equal(await renewed, true)
      assert.notEqual(stage.lane.port, port)
      assert.deepEqual(stage.gone.includes(port), false, 'it still answers what it was sent')
      await stage.pass(1_000)
      assert.deepEqual([stage.gone.includes(port), stage.lost], [true, []])
    }))

  it('F28: is not opened after the storage has been disposed of', () =>
    Stage.play(async (stage) => {
      stage.manner = 'hangs'
      const closed = assert.rejects(stage.lane.ready(), /disposed of/)
      await stage.pass(100)
      stage.lane.close()
      stage.thaw()
      await stage.pass(5_000)
      await closed
      assert.deepEqual([stage.opened.length, stage.lane.port], [0, undefined])
    }))
})

describe('F28b: the log of outages', () => {
  it('F28b: has a line per change, six a minute, and no end without its beginning', () => {
    const timers = install({ toFake: ['performance'] })
    try {
      const lines: string[] = []
      const log = new OutageLog('RedisStorage', (line) => lines.push(line))
      for (let i = 0; i < 100; i++) {
        log.begin('lost', new Error('\u0007gone'))
        log.begin('lost', new Error('again'))
        log.end('lost', 'back')
      }
      const pair = ['RedisStorage: lost: \\u{7}gone', 'RedisStorage: back']
      assert.deepEqual(lines, [...pair, ...pair, ...pair])
      timers.tick(61_000)
      log.begin('lost', new Error('gone'))
      assert.equal(lines.length, 7)
    } finally {
      timers.uninstall()
    }
  })
})
