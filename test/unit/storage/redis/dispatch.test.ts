import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Job } from '../../../../src/storage/redis/dispatch.ts'
import { MisfitsError } from '../../../../src/storage/redis/failure.ts'
import { outcome, replyTo, sentBy, soon, Stage, tokenOf } from '../support/dispatch-stage.ts'

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
