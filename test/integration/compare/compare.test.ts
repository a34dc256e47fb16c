import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compare } from './compare.ts'
import type { Result } from './compare.ts'
import { scenarios } from './scenarios/index.ts'
import { markdownTable } from './table.ts'

/** The verdicts that the README documents for the peers, by scenario; they handle all other scenarios correctly. */
const documented: Record<'opossum' | 'cockatiel', Partial<Record<Result['verdict'], readonly string[]>>> = {
  opossum: {
    wrong: [
      'late-success',
      'late-failure',
      'late-failures-after-recovery',
      'late-success-resets',
      'stuck-probe',
      'ignored-probe',
      'rejected-in-rate',
      'in-flight-in-rate',
      'excluded-as-success',
      'first-failure',
      'undefined-result',
      'capacity',
      'infinite-timeout',
      'shared-abort-controller',
      'shared-options',
      'throwing-success-listener',
      'throwing-failure-listener',
      'throwing-open-listener',
      'throwing-half-open-listener',
      'frozen-process',
      'failure-after-20000-calls',
      'idle-timers',
      'idle-memory',
    ],
    'n/a': ['aborted-waiter', 'cancelled-probe', 'user-aborts', 'reopen-time'],
  },
  cockatiel: {
    wrong: [
      'late-failure',
      'late-failures-after-recovery',
      'late-success-resets',
      'stuck-probe',
      'answered-at-once',
      'aborted-waiter',
      're-entrant-probe',
      'ignored-probe',
      'cancelled-probe',
      'stale-window',
      'user-aborts',
      'infinite-timeout',
      'shared-options',
      'throwing-success-listener',
      'throwing-failure-listener',
      'throwing-open-listener',
      'throwing-half-open-listener',
      'clock-set-back',
      'idle-memory',
    ],
    'n/a': ['first-failure', 'reopen-time'],
  },
}

function documentedVerdict(peer: 'opossum' | 'cockatiel', id: string): Result['verdict'] {
  if (documented[peer].wrong?.includes(id)) return 'wrong'
  return documented[peer]['n/a']?.includes(id) ? 'n/a' : 'right'
}

const comparison = await compare()

describe('recloser has none of the defects of its peers', () => {
  for (const { id, title, rules } of scenarios) {
    it(`${rules}: ${title}`, () => {
      const result = comparison.recloser.get(id)
      assert.equal(result?.verdict, 'right', result?.seen)
    })
  }
})

for (const peer of ['opossum', 'cockatiel'] as const) {
  describe(`the README describes ${peer} as ${peer} behaves`, () => {
    for (const { id, title } of scenarios) {
      const verdict = documentedVerdict(peer, id)
      it(`${verdict}: ${title}`, () => {
        const result = comparison[peer].get(id)
        assert.equal(result?.verdict, verdict, result?.seen)
      })
    }
  })
}

describe('the comparison table', () => {
  it('has a row for each scenario and no empty cell', () => {
    const table = markdownTable(comparison)
    for (const { title } of scenarios) assert.ok(table.includes(`| ${title.replaceAll('|', '\\|')} |`), title)
    assert.doesNotMatch(table, /\| \? \|/)
  })

  it('documents only scenarios that exist, each of them once', () => {
    const ids = scenarios.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    for (const { wrong = [], 'n/a': none = [] } of Object.values(documented)) {
      for (const id of [...wrong, ...none]) assert.ok(ids.includes(id), id)
    }
  })
})
