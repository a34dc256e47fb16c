import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DashboardEvent } from '../../../../src/cli/client/check.ts'
import { Failure } from '../../../../src/cli/base/command.ts'
import { follow, type EventSource, type WatchUpdate } from '../../../../src/cli/watch/follow.ts'
import { TransitionLog } from '../../../../src/cli/watch/lines.ts'
import { FakeOutput } from '../fake-io.ts'
import { snapshot, transition } from '../reports.ts'

const down = new Failure('It is down.')

function greeting(...transitions: readonly ReturnType<typeof transition>[]): DashboardEvent {
  return { type: 'snapshot', data: { snapshot: snapshot(), transitions, control: true } }
}

const update: DashboardEvent = {
  type: 'update',
  data: { takenAt: 0, health: 'up', seconds: 1, removed: [], breakers: [] },
}

/** Follows a source whose connections yield these events, then fail; after the last one the signal aborts. */
function play(
  connections: readonly (readonly DashboardEvent[])[],
  error: Error = down,
): {
  readonly news: AsyncIterable<WatchUpdate>
  readonly waits: readonly number[]
} {
  const abort = new AbortController()
  const waits: number[] = []
  let connected = 0
  const source: EventSource = {
    async *events() {
      yield* connections[connected++] ?? []
      throw error
    },
  }
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms)
    if (connected === connections.length) abort.abort()
  }
  return { news: follow(source, abort.signal, sleep), waits }
}

async function collect(news: AsyncIterable<WatchUpdate>): Promise<WatchUpdate[]> {
  const all: WatchUpdate[] = []
  for await (const each of news) all.push(each)
  return all
}

describe('following a dashboard', () => {
  it('reconnects when the stream ends, and reports it', async () => {
    const { news, waits } = play([[greeting(), update], [greeting()]])
    const all = await collect(news)
    assert.deepEqual(
      all.map(({ type }) => type),
      ['snapshot', 'update', 'disconnected', 'snapshot', 'disconnected'],
    )
    const cut = all[2]!
    assert.ok(cut.type === 'disconnected')
    assert.equal(cut.error, down)
    assert.equal(cut.retryIn, waits[0])
  })

  it('waits longer before each retry, with jitter, up to fifteen seconds', async () => {
    const { news, waits } = play([[greeting(), update], ...Array.from({ length: 9 }, () => [])])
    await collect(news)
    assert.equal(waits.length, 10)
    for (const [index, wait] of waits.entries()) {
      const most = Math.min(15_000, 1_000 * 2 ** index)
      assert.ok(wait >= most / 2 && wait <= most, `wait ${index}: ${wait}`)
    }
  })

  it('resets the delay once the server has recovered', async () => {
    const { news, waits } = play([[greeting()], [], [], [], [greeting(), update]])
    await collect(news)
    assert.ok(waits[3]! >= 4_000)
    assert.ok(waits[4]! <= 1_000)
  })

  it('does not take a first snapshot alone for a recovery', async () => {
    const { news, waits } = play([[greeting(), update], [greeting()], [greeting()], [greeting()]])
    await collect(news)
    assert.ok(waits[3]! >= 4_000)
  })

  it('fails if it never gets a connection', async () => {
    await assert.rejects(collect(play([[], [greeting()]]).news), down)
  })

  it('rethrows an unexpected error', async () => {
    const bug = new TypeError('bug')
    await assert.rejects(collect(play([[greeting()], []], bug).news), bug)
  })

  it('ends silently when it is interrupted, also while it waits', async () => {
    const abort = new AbortController()
    const source: EventSource = {
      async *events() {
        yield greeting()
        throw down
      },
    }
    const seen: string[] = []
    for await (const { type } of follow(source, abort.signal)) {
      seen.push(type)
      // It is about to wait for at least half a second.
      if (type === 'disconnected') setTimeout(() => abort.abort(), 1)
    }
    assert.deepEqual(seen, ['snapshot', 'disconnected'])
  })
})

describe('the log of transitions', () => {
  const at = (seconds: number): ReturnType<typeof transition> =>
    transition('payments', { at: seconds * 1_000 })

  async function print(...news: readonly WatchUpdate[]): Promise<string[]> {
    const out = new FakeOutput()
    const log = new TransitionLog(out)
    for (const each of news) await log.take(each)
    return out.text.split('\n').slice(0, -1)
  }

  it('has a line for each', async () => {
    assert.deepEqual(await print(greeting(), { type: 'transition', data: at(1) }, update), [
      '1970-01-01T00:00:01.000Z payments: closed → ✖ open (failureRate)',
    ])
  })

  it('marks those of a fleet', async () => {
    const data = transition('payments', { scope: 'fleet' })
    assert.deepEqual(await print(greeting(), { type: 'transition', data }), [
      '1970-01-01T00:00:01.000Z payments: closed → ✖ open (failureRate, fleet)',
    ])
  })

  it('leaves out what happened before it started', async () => {
    assert.deepEqual(await print(greeting(at(1), at(2))), [])
  })

  it('catches up on what it missed while disconnected, once', async () => {
    const lines = await print(
      greeting(at(1)),
      { type: 'transition', data: at(2) },
      { type: 'disconnected', error: down, retryIn: 1 },
      greeting(at(1), at(2), at(3)),
      { type: 'transition', data: at(4) },
      { type: 'disconnected', error: down, retryIn: 1 },
      greeting(at(3), at(4)),
    )
    assert.deepEqual(
      lines.map((line) => line.slice(17, 19)),
      ['02', '03', '04'],
    )
  })

  it('keeps a name with control characters on one line', async () => {
    const data = transition('a\n1970 b: closed', { reason: '\u001B[2J' })
    assert.deepEqual(await print(greeting(), { type: 'transition', data }), [
      '1970-01-01T00:00:01.000Z a\\n1970 b: closed: closed → ✖ open (\\u001b[2J)',
    ])
  })
})
