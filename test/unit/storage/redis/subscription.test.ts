import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { install } from '@sinonjs/fake-timers'
import type { StorageHint } from '../../../../src/storage/contract/operations.ts'
import { Names } from '../../../../src/storage/redis/names.ts'
import type { RedisPort } from '../../../../src/storage/redis/ports/port.ts'
import { Subscription } from '../../../../src/storage/redis/subscription.ts'
import { warningsFrom } from '../../../helpers/warnings.ts'

/** A connection of a test. */
interface Connection {
  readonly port: RedisPort
  readonly end: (error: unknown) => void
  channel: string
  publish: (message: unknown) => void
  heartbeats: number
  isOpen: boolean
}

/** A subscription to a server of a test, in virtual time. */
class Stage {
  /** How the server treats heartbeats. */
  heartbeat: () => Promise<unknown> | undefined = () => Promise.resolve()
  isReachable = true
  readonly connections: Connection[] = []
  readonly lost: string[] = []
  opened = 0
  readonly subscription: Subscription
  readonly #timers = install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })

  constructor() {
    this.subscription = new Subscription(new Names('mine'), {
      connectDeadline: 5_000,
      open: (end) => this.#open(end),
      onOpen: () => void this.opened++,
      onLost: (error) => void this.lost.push(error.message),
    })
  }

  static async play(body: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage()
    try {
      await body(stage)
      stage.subscription.close()
      await stage.pass(60_000)
      assert.equal(stage.#timers.countTimers(), 0)
    } finally {
      stage.#timers.uninstall()
    }
  }

  /** Subscribes and waits until hints arrive. Returns what arrives, and the function that ends it. */
  async listen(
    listener: (hint: StorageHint) => void = () => {},
  ): Promise<{ readonly hints: StorageHint[]; readonly end: () => void }> {
    const hints: StorageHint[] = []
    const end = this.subscription.add((hint) => {
      hints.push(hint)
      listener(hint)
    })
    await Promise.all([this.subscription.ready(), this.pass(10)])
    return { hints, end }
  }

  async pass(duration: number): Promise<void> {
    for (let left = duration; left > 0; left -= 10) {
      this.#timers.tick(10)
      await new Promise((resolve) => void setImmediate(resolve))
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }

  get open(): Connection[] {
    return this.connections.filter(({ isOpen }) => isOpen)
  }

  #open(end: (error: unknown) => void): RedisPort {
    const connection: Connection = {
      end,
      channel: '',
      publish: () => {},
      heartbeats: 0,
      isOpen: true,
      port: {
        clustered: false,
        connect: () => (this.isReachable ? Promise.resolve() : Promise.reject(new Error('ECONNREFUSED'))),
        send: () => [],
        subscribe: async (channel, publish) => void Object.assign(connection, { channel, publish }),
        heartbeat: () => {
          connection.heartbeats++
          return this.heartbeat()
        },
        destroy: () => void (connection.isOpen = false),
      },
    }
    this.connections.push(connection)
    return connection.port
  }
}

describe('F23: the connection for hints', () => {
  it('F23: is open only while somebody listens, and a listener may subscribe twice', () =>
    Stage.play(async (stage) => {
      assert.equal(stage.connections.length, 0)
      const heard: StorageHint[] = []
      const listener = (hint: StorageHint): void => void heard.push(hint)
      const ends = [stage.subscription.add(listener), stage.subscription.add(listener)]
      await Promise.all([stage.subscription.ready(), stage.pass(10)])
      stage.open[0]!.publish('payments 7')
      assert.equal(heard.length, 2)
      ends[0]!()
      ends[0]!()
      assert.equal(stage.open.length, 1)
      stage.open[0]!.publish('payments 8')
      assert.equal(heard.length, 3)
      ends[1]!()
      assert.equal(stage.open.length, 0)
      const [first] = stage.connections
      await stage.pass(60_000)
      assert.deepEqual([stage.connections.length, first!.heartbeats, stage.lost], [1, 0, []])
      const { hints } = await stage.listen()
      assert.equal(stage.open.length, 1)
      // Nobody listened to the hints in between, but what is known may be from before them.
      assert.deepEqual(hints, ['resync'])
    }))

  it('F23: stays as it is when a listener that has ended ends again', () =>
    Stage.play(async (stage) => {
      const { end } = await stage.listen()
      await stage.pass(1_000)
      end()
      await stage.listen()
      end()
      assert.equal(stage.open.length, 1)
    }))

  it('F23: passes on the hints of its channel and nothing else', () =>
    Stage.play(async (stage) => {
      const { hints } = await stage.listen()
      const [connection] = stage.connections
      assert.equal(connection!.channel, 'mine:2')
      for (const message of ['payments 7', 'payments', '', 'a b c', undefined]) connection!.publish(message)
      assert.deepEqual(hints, [{ name: 'payments', epoch: 7 }])
      connection!.end(new Error('closed'))
      connection!.publish('payments 8')
      assert.equal(hints.length, 1, 'not those of a connection that is not in use')
    }))

  it('F23: is opened again when it is lost, and then listeners learn that they may have missed hints', () =>
    Stage.play(async (stage) => {
      const { hints } = await stage.listen()
      stage.isReachable = false
      stage.open[0]!.end(new Error('closed'))
      assert.equal(stage.subscription.isLost, false)
      await stage.pass(5_000)
      assert.equal(stage.subscription.isLost, true)
      assert.ok(stage.lost.length > 0)
      assert.deepEqual([stage.opened, hints], [1, []])
      stage.isReachable = true
      await stage.pass(1_000)
      assert.equal(stage.subscription.isLost, false)
      assert.deepEqual([stage.opened, hints], [2, ['resync']])
    }))

  it('F23: tells every listener, even if one throws', () =>
    Stage.play(async (stage) => {
      const warnings = await warningsFrom(async () => {
        const first = await stage.listen(() => {
          throw new Error('no')
        })
        const second = await stage.listen()
        stage.subscription.resync()
        assert.deepEqual([first.hints, second.hints], [['resync'], ['resync']])
      })
      assert.deepEqual(warnings, ['a subscriber of RedisStorage threw: Error: no'])
    }))

  it('F28: closed, it tells nobody anything and opens nothing', () =>
    Stage.play(async (stage) => {
      const { hints } = await stage.listen()
      const [connection] = stage.connections
      stage.subscription.close()
      stage.subscription.resync()
      connection!.publish('payments 7')
      await assert.rejects(stage.subscription.ready(), /disposed of/)
      await stage.pass(60_000)
      assert.deepEqual([hints, stage.open.length, stage.connections.length], [[], 0, 1])
      assert.equal(connection!.heartbeats, 0)
    }))
})

describe('F23: the heartbeat of the connection for hints', () => {
  it('F23: is sent every 20 s while it is answered', () =>
    Stage.play(async (stage) => {
      await stage.listen()
      await stage.pass(19_900)
      assert.equal(stage.connections[0]!.heartbeats, 0)
      await stage.pass(100_200)
      assert.deepEqual([stage.connections[0]!.heartbeats, stage.connections.length], [6, 1])
    }))

  it('F23: is no trouble where the client cannot send one', () =>
    Stage.play(async (stage) => {
      stage.heartbeat = () => undefined
      await stage.listen()
      await stage.pass(100_000)
      assert.deepEqual([stage.connections.length, stage.lost], [1, []])
    }))

  for (const [event, heartbeat, after] of [
    ['is not answered within three seconds', () => new Promise(() => {}), 3_000],
    ['fails', () => Promise.reject(new Error('no')), 0],
  ] as const) {
    it(`F23: replaces the connection when it ${event}`, () =>
      Stage.play(async (stage) => {
        const { hints } = await stage.listen()
        stage.heartbeat = heartbeat
        await stage.pass(19_980 + after)
        assert.equal(stage.connections.length, 1)
        await stage.pass(40)
        stage.heartbeat = () => Promise.resolve()
        await stage.pass(250)
        assert.deepEqual([stage.connections.length, stage.open.length, hints], [2, 1, ['resync']])
        await stage.pass(40_000)
        assert.deepEqual(
          stage.connections.map(({ heartbeats }) => heartbeats),
          [1, 2],
        )
      }))
  }

  it('F23: goes on only on the connection in use, even if a lost one answers late', () =>
    Stage.play(async (stage) => {
      await stage.listen()
      let answer: (value?: unknown) => void = () => {}
      stage.heartbeat = () => new Promise((resolve) => (answer = resolve))
      await stage.pass(20_100)
      stage.open[0]!.end(new Error('closed'))
      stage.heartbeat = () => Promise.resolve()
      await stage.pass(250)
      answer()
      await stage.pass(60_000)
      assert.deepEqual(
        stage.connections.map(({ heartbeats }) => heartbeats),
        [1, 3],
      )
    }))
})
