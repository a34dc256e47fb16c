import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { install, type Clock } from '@sinonjs/fake-timers'
import { isStorageUnavailableError } from '../../../../src/storage/contract/errors.ts'
import type { Job } from '../../../../src/storage/redis/dispatch.ts'
import { MisfitsError } from '../../../../src/storage/redis/failure.ts'
import { outcome, replyTo, soon, Stage, type Sent } from '../support/dispatch-stage.ts'

let clock: Clock
beforeEach(() => (clock = install({ toFake: ['performance'] })))
afterEach(() => clock.uninstall())

/** Commands that were sent together. */
interface Batch {
  readonly jobs: readonly Job[]
  readonly sent: readonly Sent[]
}

async function send(stage: Stage, count = 1): Promise<Batch> {
  const { length } = stage.sent
  const jobs = stage.run(count)
  while (stage.sent.length < length + count) await soon()
  return { jobs, sent: stage.sent.slice(length) }
}

/** The callers of a batch stop waiting, a second after it was sent. */
function miss(stage: Stage, { jobs }: Batch): void {
  clock.tick(1_000)
  for (const job of jobs) stage.dispatch.abandon(job, true)
}

async function answer({ jobs, sent }: Batch): Promise<void> {
  for (const [i, job] of jobs.entries()) sent[i]!.answer(replyTo(job))
  await soon()
}

/** Gives an error to a command and confirms that it belongs to it. */
async function refuse(stage: Stage, { sent }: Batch, message: string): Promise<void> {
  const { length } = stage.sent
  sent[0]!.fail(message)
  while (stage.sent.length === length) await soon()
  const echo = stage.sent[length]!
  echo.answer(echo.command.args.at(-1))
  await soon()
  await soon()
}

const NOSCRIPT = 'NOSCRIPT No matching script'
const BUSY = 'BUSY Redis is busy running a script.'
const OOM = 'OOM command not allowed'
const scripts = (sent: readonly Sent[]): string[] => sent.map(({ command }) => command.args[0]!)

describe('F27: deadlines that are missed', () => {
  it('F27: three in a row bring a connection down, and three more the next one', async () => {
    const stage = new Stage()
    for (let i = 1; i <= 6; i++) {
      miss(stage, await send(stage))
      assert.equal(stage.replaced.length, Math.floor(i / 3))
    }
    assert.deepEqual(stage.losses, [true, true])
    assert.ok(stage.replaced.every(isStorageUnavailableError))
  })

  it('F27: are in a row whatever the records that they concern', async () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      const { jobs, sent } = await send(stage, 3)
      miss(stage, { jobs: jobs.slice(i, i + 1), sent })
    }
    assert.deepEqual(stage.losses, [true])
  })

  it('F27: count once for all that was sent before the last of them was missed', async () => {
    const stage = new Stage()
    const batches = [await send(stage, 9)]
    clock.tick(500)
    batches.push(await send(stage))
    for (const batch of batches) miss(stage, batch)
    miss(stage, await send(stage, 9))
    assert.deepEqual(stage.replaced, [])
    miss(stage, await send(stage))
    assert.equal(stage.replaced.length, 1)
  })

  const ends: Record<string, (stage: Stage) => unknown> = {
    'an answer': async (stage) => answer(await send(stage)),
    'a refusal': async (stage) => refuse(stage, await send(stage), OOM),
  }
  for (const [event, happen] of Object.entries(ends)) {
    it(`F27: are not in a row if there is ${event} in between`, async () => {
      const stage = new Stage()
      for (let i = 0; i < 4; i++) {
        miss(stage, await send(stage))
        miss(stage, await send(stage))
        clock.tick(1)
        await happen(stage)
      }
      assert.deepEqual(stage.replaced, [])
    })
  }

  it('F27: are in a row even if an answer comes too late', async () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      const batch = await send(stage)
      miss(stage, batch)
      await answer(batch)
    }
    assert.equal(stage.replaced.length, 1)
    assert.equal(stage.health.replyTime, 0)
  })

  it('F27: do not include what was answered, or given up by its caller', async () => {
    const stage = new Stage()
    for (let i = 0; i < 4; i++) {
      const batch = await send(stage)
      clock.tick(1_000)
      stage.dispatch.abandon(batch.jobs[0]!, false)
      assert.equal(stage.dispatch.isPending, false)
    }
    for (let i = 0; i < 4; i++) {
      const batch = await send(stage)
      await answer(batch)
      miss(stage, batch)
    }
    assert.deepEqual(stage.replaced, [])
  })

  it('F28b: count alike if the server says that it is busy; what is wrong with it else replaces the connection', async () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(stage.replaced, [])
      const { jobs, sent } = await send(stage)
      clock.tick(1)
      sent[0]!.fail(BUSY)
      assert.equal(await outcome(jobs[0]!), 'lost')
    }
    assert.deepEqual(stage.losses, [true])
    const { jobs, sent } = await send(stage)
    sent[0]!.fail('LOADING Redis is loading the dataset in memory')
    await assert.rejects(jobs[0]!.reply, {
      name: 'StorageUnavailableError',
      message: /not yet, the right server/,
    })
    assert.deepEqual(stage.losses, [true, false])
  })
})

describe('F28b: in a Cluster, one node may fail alone', () => {
  const misses = async (stage: Stage, count: number, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const { jobs, sent } = await send(stage, count)
      for (const [n, { answer: reply }] of [...sent.entries()].slice(1)) reply(replyTo(jobs[n]!))
      await soon()
      miss(stage, { jobs: jobs.slice(0, 1), sent })
    }
  }

  it('F28b: failures count per record: those of one renew the connection, though others are answered', async () => {
    const stage = new Stage(true)
    await misses(stage, 2, 2)
    assert.equal(stage.renewals.length, 0)
    await misses(stage, 2, 1)
    assert.deepEqual([stage.renewals.length, stage.replaced], [1, []])
    stage.renewals[0]!(true)
    await soon()
    assert.deepEqual(stage.replaced, [])
    await misses(stage, 2, 1)
    assert.deepEqual([stage.renewals.length, stage.replaced], [2, []], 'one more failure will do')
  })

  it('F28b: failures of different records are not in a row', async () => {
    const stage = new Stage(true)
    const batch = await send(stage, 4)
    for (const job of batch.jobs) {
      clock.tick(1)
      stage.dispatch.abandon(job, true)
    }
    await misses(stage, 1, 1)
    assert.deepEqual([stage.renewals.length, stage.replaced], [0, []])
  })

  for (const [event, elsewhere, lost] of [
    ['all is lost if no other node answers', false, [true]],
    ['nothing else is lost if another node answers', true, []],
  ] as const) {
    it(`F28b: when it cannot be renewed, ${event}`, async () => {
      const stage = new Stage(true)
      await misses(stage, 1, 3)
      if (elsewhere) await answer(await send(stage, 2))
      stage.renewals[0]!(false)
      await soon()
      assert.deepEqual(stage.losses, lost)
    })
  }

  it('F28b: a lost connection to a node counts at once, a busy one like a missed deadline', async () => {
    for (const [message, renewals] of [
      ['Socket closed unexpectedly', [1, 1, 1]],
      [BUSY, [0, 0, 1]],
    ] as const) {
      const stage = new Stage(true)
      for (const count of renewals) {
        const { jobs, sent } = await send(stage)
        sent[0]!.fail(message)
        assert.equal(await outcome(jobs[0]!), 'lost')
        clock.tick(1)
        assert.deepEqual([Math.min(1, stage.renewals.length), stage.replaced], [count, []])
      }
    }
  })

  it('F28b: what was sent before a renewal is still answered, but its failures do not count', async () => {
    const stage = new Stage(true)
    const old = await send(stage, 4)
    const { port } = old.sent[0]!
    await misses(stage, 1, 3)
    stage.renewals[0]!(true)
    await soon()
    const fresh = await send(stage)
    assert.notEqual(fresh.sent[0]!.port, port)
    clock.tick(1)
    miss(stage, { jobs: old.jobs.slice(0, 1), sent: [] })
    assert.equal(stage.renewals.length, 1)
    old.sent[1]!.answer(replyTo(old.jobs[1]!))
    assert.deepEqual(await outcome(old.jobs[1]!), { type: 'unusable', why: 'corrupt' })
    stage.dispatch.lost(port, new Error('replaced'))
    assert.equal(await outcome(old.jobs[3]!), 'lost')
    assert.equal(fresh.jobs[0]!.done, false)
    miss(stage, fresh)
    assert.equal(stage.renewals.length, 2, 'one more failure still does')
  })

  it('F28b: a failure renews the connection once, and not the new one if it was sent before', async () => {
    const stage = new Stage(true)
    for (let i = 0; i < 2; i++) miss(stage, await send(stage, 2))
    const [both, again] = [await send(stage, 2), await send(stage)]
    miss(stage, { jobs: [both.jobs[0]!, again.jobs[0]!], sent: [] })
    assert.equal(stage.renewals.length, 1)
    stage.renewals[0]!(true)
    await soon()
    stage.dispatch.abandon(both.jobs[1]!, true)
    assert.equal(stage.renewals.length, 1)
  })

  it('F22b: a misfit on a connection from before a renewal says nothing of the next one', async () => {
    const stage = new Stage(true)
    const old = await send(stage)
    await misses(stage, 1, 3)
    stage.renewals[0]!(true)
    await soon()
    old.sent[0]!.answer('garbage')
    await soon()
    assert.equal(stage.replaced.length, 0)
    const fresh = await send(stage)
    fresh.sent[0]!.answer('garbage')
    await soon()
    assert.deepEqual(
      stage.replaced.map((why) => why instanceof MisfitsError && why.isLasting),
      [false],
    )
  })
})

describe('F27: the connection of a command', () => {
  it('F27: carries what one tick has started together', async () => {
    const stage = new Stage()
    await answer(await send(stage))
    const { batches } = stage
    stage.run(2)
    void Promise.resolve().then(() => stage.run(1))
    while (stage.sent.length < 4) await soon()
    assert.equal(stage.batches, batches + 1)
  })

  it('F27: is waited for, and a command that no caller waits for any more is not sent', async () => {
    const stage = new Stage()
    await answer(await send(stage))
    let open = (): void => {}
    const { ready } = stage.lane
    stage.lane.ready = () => new Promise((resolve) => (open = () => resolve(ready())))
    stage.lane.port = undefined
    const { length } = stage.sent
    const [given] = stage.run(1)
    stage.dispatch.abandon(given!, true)
    await soon()
    open()
    await soon()
    assert.deepEqual([stage.sent.length, stage.batches], [length, 1])
    stage.lane.port = undefined
    const [waiting] = stage.run(1)
    await soon()
    assert.equal(stage.sent.length, length)
    open()
    await soon()
    await answer({ jobs: [waiting!], sent: stage.sent.slice(length) })
    assert.equal(typeof (await outcome(waiting!)), 'object')
    stage.lane.port = undefined
    stage.lane.ready = () => Promise.reject(new Error('out of reach'))
    await assert.rejects(stage.run(1)[0]!.reply, /out of reach/)
  })

  it('F27: may be lost just before they are sent: then they go on the next one', async () => {
    const stage = new Stage()
    await answer(await send(stage))
    const [fresh] = stage.run(1)
    await Promise.resolve()
    stage.lane.port = undefined
    await soon()
    assert.equal(stage.sent.length, 2)
    await answer({ jobs: [fresh!], sent: stage.sent.slice(1) })
    assert.equal(typeof (await outcome(fresh!)), 'object')
  })

  it('F27: is pending while a caller waits for its reply', async () => {
    const stage = new Stage()
    assert.equal(stage.dispatch.isPending, false)
    const first = await send(stage, 2)
    assert.equal(stage.dispatch.isPending, true)
    stage.dispatch.abandon(first.jobs[0]!, false)
    assert.equal(stage.dispatch.isPending, true)
    stage.dispatch.abandon(first.jobs[1]!, true)
    assert.equal(stage.dispatch.isPending, false)
    const second = await send(stage)
    await answer(second)
    assert.equal(stage.dispatch.isPending, false)
  })

  it('F24: shows how long the store takes to reply', async () => {
    const stage = new Stage()
    for (let i = 0; i < 2; i++) {
      const batch = await send(stage)
      clock.tick(40)
      await answer(batch)
    }
    assert.equal(stage.health.replyTime, 40)
  })

  it('F27: once it is replaced, is not heard any more', async () => {
    const stage = new Stage()
    const { jobs, sent } = await send(stage, 4)
    sent[0]!.answer('garbage')
    assert.equal(await outcome(jobs[1]!), 'lost')
    sent[1]!.answer(replyTo(jobs[1]!))
    sent[2]!.fail(OOM)
    await soon()
    assert.equal(stage.sent.length, 4, 'its errors are not examined')
    const next = await send(stage)
    next.sent[0]!.answer('garbage')
    await soon()
    assert.deepEqual(
      stage.replaced.map((why) => why instanceof MisfitsError && why.isLasting),
      [false, true],
    )
  })
})

describe('F22: the script', () => {
  it('F22: travels once for all commands that did not find it', async () => {
    const stage = new Stage()
    const { jobs, sent } = await send(stage, 3)
    assert.deepEqual(scripts(sent), ['evalsha', 'evalsha', 'evalsha'])
    for (const { fail } of sent) fail(NOSCRIPT)
    while (stage.sent.length < 6) await soon()
    for (const { answer: reply, command } of stage.sent.slice(3)) reply(command.args.at(-1))
    while (stage.sent.length < 9) await soon()
    assert.deepEqual(scripts(stage.sent.slice(6)), ['eval', 'evalsha', 'evalsha'])
    // Those that do not find it there either bring it themselves.
    for (const { fail } of stage.sent.slice(7)) fail(NOSCRIPT)
    while (stage.sent.length < 11) await soon()
    for (const { answer: reply, command } of stage.sent.slice(9)) reply(command.args.at(-1))
    while (stage.sent.length < 13) await soon()
    assert.deepEqual(scripts(stage.sent.slice(11)), ['eval', 'eval'])
    assert.ok(jobs.every(({ done }) => !done))
  })

  it('F22: that the server loses again and again is a refusal at the third time', async () => {
    const stage = new Stage()
    const batch = await send(stage)
    for (let attempt = 1; attempt <= 3; attempt++) {
      assert.equal(batch.jobs[0]!.done, false)
      await refuse(stage, { ...batch, sent: stage.sent.slice(-1) }, NOSCRIPT)
    }
    assert.deepEqual(await outcome(batch.jobs[0]!), { type: 'unusable', why: 'failed', text: NOSCRIPT })
    await soon()
    assert.equal(stage.sent.length, 6)
  })

  it('F25: is not sent for a command that no caller waits for, or that was lost with its connection', async () => {
    for (const end of [
      (stage: Stage, job: Job) => stage.dispatch.abandon(job, false),
      (stage: Stage) => stage.lane.replace(stage.lane.port!, new Error('closed'), false),
    ]) {
      const stage = new Stage()
      const { jobs, sent } = await send(stage)
      sent[0]!.fail(NOSCRIPT)
      while (stage.sent.length < 2) await soon()
      end(stage, jobs[0]!)
      stage.sent[1]!.answer(stage.sent[1]!.command.args.at(-1))
      await soon()
      await soon()
      assert.equal(stage.sent.length, 2)
    }
  })
})

describe('F22b: an error of the server', () => {
  it('F28b: of any other kind does not make it look for the master', async () => {
    const stage = new Stage()
    await refuse(stage, await send(stage), OOM)
    assert.equal(stage.readonlyReplies, 0)
  })

  it('F22b: belongs to its command if the server gives the same to the next one', async () => {
    const stage = new Stage()
    const { jobs, sent } = await send(stage)
    sent[0]!.fail('NOPERM this user has no permissions')
    while (stage.sent.length < 2) await soon()
    stage.sent[1]!.fail('NOPERM this user has no permissions')
    assert.deepEqual(await outcome(jobs[0]!), { type: 'unusable', why: 'denied' })
    assert.deepEqual(stage.replaced, [])
  })

  it('F22b: is not believed if the connection is lost before the next reply', async () => {
    const stage = new Stage()
    const { jobs, sent } = await send(stage)
    sent[0]!.fail(OOM)
    while (stage.sent.length < 2) await soon()
    stage.sent[1]!.fail('Socket closed unexpectedly')
    assert.equal(await outcome(jobs[0]!), 'lost')
    assert.deepEqual(stage.losses, [false])
  })

  it('F22b: shows that the replies fit', async () => {
    const stage = new Stage()
    const misfit = async ({ sent }: Batch): Promise<void> => {
      sent.at(-1)!.answer('garbage')
      await soon()
    }
    await misfit(await send(stage))
    const batch = await send(stage, 2)
    await refuse(stage, batch, OOM)
    await misfit(batch)
    assert.deepEqual(
      stage.replaced.map((why) => why instanceof MisfitsError && why.isLasting),
      [false, false],
    )
  })
})
