import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Health } from '../../../../src/storage/contract/health.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { Dispatch, Job } from '../../../../src/storage/redis/dispatch.ts'
import { MisfitsError } from '../../../../src/storage/redis/failure.ts'
import type { Lane } from '../../../../src/storage/redis/lane.ts'
import type { RedisCommand, RedisPort } from '../../../../src/storage/redis/ports/port.ts'

/** A command that has been sent, whose reply a test gives. */
interface Sent {
  readonly command: RedisCommand
  readonly answer: (reply: unknown) => void
  readonly fail: (message: string) => void
}

const soon = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** A dispatch whose connections a test answers by hand. */
class Stage {
  sent: Sent[] = []
  readonly replaced: unknown[] = []
  readonly losses: (boolean | undefined)[] = []
  readonlyReplies = 0
  readonly dispatch: Dispatch
  readonly #lane: { port: RedisPort; ready: () => Promise<RedisPort>; replace: Lane['replace'] }

  constructor() {
    this.#lane = {
      port: this.#port(),
      ready: () => Promise.resolve(this.#lane.port),
      replace: (port, why, isLost) => {
        if (port !== this.#lane.port) return
        this.replaced.push(why)
        this.losses.push(isLost)
        this.#lane.port = this.#port()
        this.dispatch.lost(port, why)
      },
    }
    const lane = this.#lane as unknown as Lane
    this.dispatch = new Dispatch(lane, new Health(true), () => this.readonlyReplies++)
  }

  run(count: number): Job[] {
    return Array.from({ length: count }, (_, i) => {
      const token = this.dispatch.token()
      const job = new Job(`key-${i}`, token, [token])
      job.reply.catch(() => {})
      void this.dispatch.start(job)
      return job
    })
  }

  #port(): RedisPort {
    return {
      clustered: false,
      connect: () => Promise.resolve(),
      send: (commands) =>
        commands.map(
          (command) =>
            new Promise((answer, reject) => {
              this.sent.push({ command, answer, fail: (message) => reject(new Error(message)) })
            }),
        ),
      subscribe: () => Promise.resolve(),
      heartbeat: () => undefined,
      destroy: () => {},
    }
  }
}

const replyTo = (job: Job): unknown => [job.token, 'unusable', 'corrupt']
const tokenOf = ({ command }: Sent): string => command.args[4]!
const outcome = (job: Job): Promise<StorageReply | string> => job.reply.catch(() => 'lost')

/** Waits for the digest of the script, which comes first. */
async function sentBy(stage: Stage, count: number): Promise<Job[]> {
  const jobs = stage.run(count)
  while (stage.sent.length < count) await soon()
  return jobs
}

describe('F22b: a reply that does not fit its command', () => {
  it('F22b: each command has a token of its own', async () => {
    const stage = new Stage()
    await sentBy(stage, 3)
    const tokens = [
      ...stage.sent.map(tokenOf),
      ...Array.from({ length: 1_000 }, () => new Stage().dispatch.token()),
    ]
    assert.equal(new Set(tokens).size, tokens.length)
    for (const token of tokens) assert.match(token, /^[\w.-]{1,32}$/)
  })

  it('F22b: is believed by nobody: what was in flight is lost, and the connection is replaced', async () => {
    const stage = new Stage()
    const [first, second, third] = (await sentBy(stage, 3)) as [Job, Job, Job]
    // The reply to the first was swallowed.
    stage.sent[0]!.answer(replyTo(second))
    stage.sent[1]!.answer(replyTo(third))
    assert.deepEqual(await Promise.all([first, second, third].map(outcome)), ['lost', 'lost', 'lost'])
    assert.equal(stage.replaced.length, 1)
  })

  it('F22b: is noticed even if its command is no longer waited for', async () => {
    const stage = new Stage()
    const [first, second] = (await sentBy(stage, 2)) as [Job, Job]
    stage.dispatch.abandon(first, true)
    stage.sent[0]!.answer(replyTo(second))
    assert.equal(await outcome(second), 'lost')
    assert.equal(stage.replaced.length, 1)
  })

  it('F22b: an error belongs to its command once the next reply is in its place', async () => {
    const stage = new Stage()
    const [first, second] = (await sentBy(stage, 2)) as [Job, Job]
    stage.sent[0]!.fail('OOM command not allowed')
    while (stage.sent.length < 3) await soon()
    assert.equal(first.done, false)
    stage.sent[1]!.answer(replyTo(second))
    stage.sent[2]!.answer(stage.sent[2]!.command.args.at(-1))
    assert.deepEqual(await outcome(first), { type: 'unusable', why: 'full', text: 'OOM command not allowed' })
    assert.deepEqual(await outcome(second), { type: 'unusable', why: 'corrupt' })
    assert.deepEqual(stage.replaced, [])
  })

  it('F22b: an error is not believed if the next reply is out of place', async () => {
    const stage = new Stage()
    const [first, second] = (await sentBy(stage, 2)) as [Job, Job]
    stage.sent[0]!.fail('NOPERM of the second command')
    while (stage.sent.length < 3) await soon()
    stage.sent[1]!.answer(stage.sent[2]!.command.args.at(-1))
    assert.deepEqual(await Promise.all([first, second].map(outcome)), ['lost', 'lost'])
    assert.equal(stage.replaced.length, 1)
  })

  it('F22b: an error that says that we are refused is not believed before a new connection confirms it', async () => {
    const stage = new Stage()
    const [first] = (await sentBy(stage, 1)) as [Job]
    stage.sent[0]!.fail('NOAUTH Authentication required.')
    assert.equal(await outcome(first), 'lost')
    assert.deepEqual(stage.losses, [false])
  })

  it('F25, F22b: a command is not sent again for an error that may belong to another one', async () => {
    const stage = new Stage()
    const [first] = (await sentBy(stage, 1)) as [Job]
    stage.sent[0]!.fail('NOSCRIPT No matching script')
    while (stage.sent.length < 2) await soon()
    stage.sent[1]!.answer('another token')
    assert.equal(await outcome(first), 'lost')
    await soon()
    assert.equal(stage.sent.length, 2)
  })

  it('F22: a command whose script the server does not have is sent again with it', async () => {
    const stage = new Stage()
    const [first] = (await sentBy(stage, 1)) as [Job]
    stage.sent[0]!.fail('NOSCRIPT No matching script')
    while (stage.sent.length < 2) await soon()
    stage.sent[1]!.answer(stage.sent[1]!.command.args.at(-1))
    while (stage.sent.length < 3) await soon()
    assert.equal(stage.sent[2]!.command.args[0], 'eval')
    stage.sent[2]!.answer(replyTo(first))
    assert.deepEqual(await outcome(first), { type: 'unusable', why: 'corrupt' })
  })

  it('F22b: twice in a row on fresh connections is a lasting trouble; on used ones it is not', async () => {
    const stage = new Stage()
    const round = async (fits: boolean): Promise<void> => {
      stage.sent = []
      const [first, second] = (await sentBy(stage, 2)) as [Job, Job]
      stage.sent[0]!.answer(fits ? replyTo(first) : 'garbage')
      await soon()
      stage.sent[1]!.answer('garbage')
      await outcome(second)
    }
    for (let i = 0; i < 5; i++) await round(true)
    await round(false)
    await round(true)
    await round(false)
    await round(false)
    assert.deepEqual(
      stage.replaced.map((why) => why instanceof MisfitsError && why.isLasting),
      [...Array.from({ length: 8 }, () => false), true],
    )
  })

  it('F28b: a server that accepts no writes is looked for elsewhere', async () => {
    const stage = new Stage()
    const [first] = (await sentBy(stage, 1)) as [Job]
    stage.sent[0]!.fail("READONLY You can't write against a read only replica.")
    while (stage.sent.length < 2) await soon()
    stage.sent[1]!.answer(stage.sent[1]!.command.args.at(-1))
    const reply = await outcome(first)
    assert.ok(typeof reply === 'object' && reply.type === 'unusable' && reply.why === 'readonly')
    assert.deepEqual([stage.readonlyReplies, stage.replaced], [1, []])
  })
})
