import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Board } from '../../../../src/cli/watch/board.ts'
import { Failure } from '../../../../src/cli/base/command.ts'
import { board, report, snapshot, transition } from '../reports.ts'

const ids = (of: Board): string[] => Array.from(of.breakers, ({ report }) => report.id)
const only = (of: Board): ReturnType<typeof report> => Array.from(of.breakers, ({ report }) => report)[0]!

describe('the board', () => {
  it('replaces everything by a snapshot', () => {
    const both = board(report('gone'), report('stays'))
    const news = { snapshot: snapshot(report('stays'), report('new')), transitions: [], control: false }
    both.apply({ type: 'snapshot', data: news }, 0)
    assert.deepEqual(ids(both), ['stays', 'new'])
    assert.equal(both.control, false)
  })

  it('applies an update to what has changed; a removed id may return', () => {
    const three = board(report('a'), report('b'), report('c'))
    const breakers = [report('b', { state: 'open' }), report('c', { failCounter: 7 })]
    const update = { takenAt: 11_000, health: 'up', seconds: 1, removed: ['a', 'c'], breakers } as const
    three.apply({ type: 'update', data: update }, 1_000)
    assert.deepEqual(ids(three), ['b', 'c'])
    assert.deepEqual(
      Array.from(three.breakers, ({ report, receivedAt }) => [report.state, report.failCounter, receivedAt]),
      [
        ['open', 0, 1_000],
        ['closed', 7, 1_000],
      ],
    )
  })

  it('shows a transition at once', () => {
    const one = board(report('payments'))
    one.apply({ type: 'transition', data: transition('payments', { reason: 'failureRate' }) }, 500)
    const { state, health, reason, retryAfter, transitions } = only(one)
    assert.deepEqual([state, health, reason, retryAfter], ['open', 'down', 'failureRate', null])
    assert.equal(transitions.length, 1)
    one.apply(
      {
        type: 'transition',
        data: transition('payments', { from: 'open', to: 'half-open', reason: 'timeoutElapsed' }),
      },
      600,
    )
    assert.deepEqual([only(one).state, only(one).reason], ['half-open', 'failureRate'])
    one.apply(
      { type: 'transition', data: transition('payments', { from: 'half-open', to: 'closed', reason: 'x' }) },
      700,
    )
    assert.deepEqual([only(one).state, only(one).reason, only(one).health], ['closed', null, 'up'])
  })

  it('shows the scope of a transition at once', () => {
    const one = board(report('payments'))
    one.apply({ type: 'transition', data: transition('payments', { scope: 'fleet' }) }, 500)
    assert.equal(only(one).scope, 'fleet')
    one.apply({ type: 'transition', data: transition('payments', { from: 'open', to: 'closed' }) }, 600)
    assert.equal(only(one).scope, 'local')
  })

  it('keeps five transitions, and ignores those of unknown breakers', () => {
    const one = board(report('payments'))
    for (let at = 0; at < 9; at++) one.apply({ type: 'transition', data: transition('payments', { at }) }, at)
    one.apply({ type: 'transition', data: transition('other') }, 0)
    assert.deepEqual(ids(one), ['payments'])
    assert.deepEqual(
      only(one).transitions.map(({ at }) => at),
      [8, 7, 6, 5, 4],
    )
  })

  it('keeps what it knows while the connection is cut', () => {
    const one = board(report('payments'))
    const error = new Failure('It is gone.')
    one.apply({ type: 'disconnected', error, retryIn: 2_000 }, 1_000)
    assert.deepEqual(one.trouble, { error, retryAt: 3_000 })
    assert.deepEqual(ids(one), ['payments'])
    one.apply({ type: 'snapshot', data: { snapshot: snapshot(), transitions: [], control: true } }, 3_000)
    assert.equal(one.trouble, undefined)
  })
})
