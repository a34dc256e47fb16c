import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { breakerTable, tally, type View } from '../../../../src/cli/watch/breakers.ts'
import { painter } from '../../../../src/cli/base/io.ts'
import { widthOf } from '../../../../src/cli/table/width.ts'
import { board, fleet, report, transition } from '../reports.ts'

const view = (given: Partial<View> = {}): View => ({
  columns: Infinity,
  rows: Infinity,
  paint: painter(false),
  now: 0,
  ...given,
})

const payments = report('payments', {
  state: 'open',
  health: 'down',
  retryAfter: 12_500,
  reason: 'failureRate',
  lastFailure: { name: 'Error', message: 'HTTP 503' },
  transitions: [transition('payments', { at: 7_000 })],
  recent: {
    callsPerSecond: 42.04,
    failureRate: 0.512,
    latency: { p50: 12, p90: 40, p99: 1_250, p999: 2_000 },
  },
})
const stock = report('stock', {
  state: 'isolated',
  health: 'down',
  retryAfter: null,
  reason: 'maintenance until 14:00',
  lastFailure: { name: 'Error', message: 'not shown: somebody has said why' },
})
const prices = report('prices', { state: 'half-open', health: 'degraded', reason: 'slowCallRate' })
const search = report('search', { recent: { callsPerSecond: 3, failureRate: 0.25 } })
const reviews = report('reviews', { mode: 'observe', recent: { callsPerSecond: 3, failureRate: 0 } })

/** The first word of each line but the header. */
const names = (lines: readonly string[]): (string | undefined)[] =>
  lines.slice(1).map((line) => line.split(' ')[0])

describe('the table of breakers', () => {
  it('shows state, time left, errors, load, latency, reason and the last transition', () => {
    assert.deepEqual(breakerTable(board(payments, stock, prices, reviews), view()), [
      'breaker   state                  left  errors  calls/s    p50     p99  reason                   last transition',
      'payments  ✖ open                 13 s    51 %     42.0  12 ms  1.25 s  failureRate: HTTP 503    closed → open, 3 s ago',
      'stock     ■ isolated             held       –        0      –       –  maintenance until 14:00',
      'prices    ◐ half-open         probing       –        0      –       –  slowCallRate',
      'reviews   ● closed (observe)              0 %      3.0      –       –',
    ])
  })

  it('says beside the state whether it is the fleet’s, and which breakers are cut off from their fleet', () => {
    const member = (id: string, given: Parameters<typeof report>[1] = {}): ReturnType<typeof report> =>
      report(id, { fleet: fleet(), ...given })
    const open = { state: 'open', scope: 'fleet', retryAfter: 1_000 } as const
    const lines = breakerTable(
      board(
        member('a', open),
        member('b', { ...open, fleet: fleet({ link: 'degraded' }) }),
        member('c', { ...open, scope: 'local' }),
        member('d', { fleet: fleet({ link: 'degraded' }) }),
        member('e', { fleet: fleet({ link: 'connecting', state: null }) }),
        member('f', { mode: 'observe', scope: 'fleet' }),
        member('g'),
      ),
      view(),
    )
    assert.deepEqual(
      lines.slice(1).map((line) => line.slice(9, 34).trim()),
      [
        '✖ open (fleet)',
        '✖ open (fleet, cut off)',
        '✖ open',
        '● closed (cut off)',
        '● closed',
        '● closed (observe, fleet)',
        '● closed',
      ],
    )
  })

  it('accepts a report of an earlier version, which has nothing about a fleet', () => {
    const { scope: _, fleet: __, ...earlier } = report('payments')
    assert.match(breakerTable(board(earlier as ReturnType<typeof report>), view())[1]!, /● closed +–/)
  })

  it('counts times down and up between two reports', () => {
    const [, line] = breakerTable(board(payments), view({ now: 4_000 }))
    assert.match(line!, / 9 s /)
    assert.match(line!, /closed → open, 7 s ago$/)
    assert.match(breakerTable(board(payments), view({ now: 60_000 }))[1]!, / 0 s /)
  })

  it('sorts the worst first: by state, then by errors, then by name', () => {
    const lines = breakerTable(
      board(
        report('b10'),
        report('b9'),
        search,
        prices,
        stock,
        payments,
        report('worse', { ...payments, id: 'worse', recent: { failureRate: 0.9 } }),
      ),
      view(),
    )
    assert.deepEqual(names(lines), ['worse', 'payments', 'stock', 'prices', 'search', 'b9', 'b10'])
  })

  it('says how many do not fit', () => {
    const all = board(search, prices, stock, payments)
    assert.equal(breakerTable(all, view({ rows: 5 })).length, 5)
    const lines = breakerTable(all, view({ rows: 4 }))
    assert.deepEqual(names(lines), ['payments', 'stock', 'and'])
    assert.equal(lines[3], 'and 2 more breakers, none worse')
    assert.equal(breakerTable(all, view({ rows: 1 })).length, 3)
  })

  it('fits any width, also with colors', () => {
    const all = board(payments, stock, prices, search, reviews, report('支払い'.repeat(20)))
    for (let columns = 1; columns <= 160; columns++) {
      for (const line of breakerTable(all, view({ columns, paint: painter(true) }))) {
        assert.ok(widthOf(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`)
      }
    }
  })

  it('has a sign and a word for each state, so that nobody depends on the color', () => {
    const paint = painter(true)
    const text = breakerTable(board(payments, stock, prices, search), view({ paint })).join('\n')
    for (const part of [
      '\u001B[31m✖ open',
      '\u001B[35m■ isolated',
      '\u001B[33m◐ half-open',
      '\u001B[32m● closed',
    ]) {
      assert.ok(text.includes(part), part)
    }
  })

  it('lets no name, reason or error write control characters to the terminal', () => {
    const evil = 'a\u001B[2J\r\nb'
    const lines = breakerTable(
      board(
        report(evil, {
          state: 'open',
          reason: evil,
          lastFailure: { name: 'Error', message: evil },
          mode: evil as 'observe',
        }),
      ),
      view(),
    )
    assert.equal(lines.length, 2)
    assert.doesNotMatch(lines.join(''), /\p{Cc}/u)
  })

  it('says that there are no breakers where there are none', () => {
    assert.deepEqual(breakerTable(board(), view()), ['No breaker is watched there yet.'])
    assert.equal(tally(board()), 'no breakers')
  })

  it('has a summary', () => {
    assert.equal(tally(board(search, payments, stock, reviews)), '4 breakers: 1 open, 1 isolated, 2 closed')
    assert.equal(tally(board(search)), '1 breaker: 1 closed')
  })
})
