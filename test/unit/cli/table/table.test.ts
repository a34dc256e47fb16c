import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import { ago, count, latency, percent, period, rate } from '../../../../src/cli/table/format.ts'
import { painter } from '../../../../src/cli/base/io.ts'
import { layOut, type Column } from '../../../../src/cli/table/table.ts'
import { fit, truncate, widthOf } from '../../../../src/cli/table/width.ts'
import { printable } from '../../../../src/cli/base/text.ts'
import { parameters } from '../../model/parameters.ts'

const anyText = fc.string({ unit: 'grapheme', maxLength: 30 }).map(printable)

/** Single characters to a reader, and their width in cells; each but the first has several code points. */
const CHARACTERS: readonly (readonly [what: string, text: string, width: number])[] = [
  ['a letter', 'a', 1],
  ['a letter with a combining mark', 'e\u0301', 1],
  ['a letter with several combining marks', 'o\u0302\u0301\u0323', 1],
  ['a syllable of Hangul from jamo', '\u1112\u1161\u11AB', 2],
  ['kana with a combining voiced mark', 'か\u3099', 2],
  ['a symbol that is shown as an emoji', '\u2764\uFE0F', 2],
  ['a keycap', '1\uFE0F\u20E3', 2],
  ['a flag', '\u{1F1E9}\u{1F1EA}', 2],
  ['the flag of a region', '\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}', 2],
  ['an emoji with a skin tone', '\u{1F44D}\u{1F3FD}', 2],
  ['a family', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}', 2],
  ['a couple with skin tones', '\u{1F9D1}\u{1F3FB}\u200D\u{1F91D}\u200D\u{1F9D1}\u{1F3FF}', 2],
  ['the rainbow flag', '\u{1F3F3}\uFE0F\u200D\u{1F308}', 2],
]

describe('the width of a text', () => {
  for (const [text, width] of [
    ['payments', 8],
    ['支払い', 6],
    ['💳', 2],
    ['é', 1],
    ['e\u0301', 1],
    ['● closed', 8],
    ['…', 1],
    ['', 0],
    ['한국', 4],
    ['Ａｶﾞ', 4],
    ['❤', 1],
    ['☎ ☎\uFE0F', 4],
    ['a\u200Bb\u2060c', 3],
    ['a\u200Db', 2],
    ...CHARACTERS.map(([, text, width]) => [text, width] as const),
  ] as const) {
    it(`of ${printable(text)} is ${width}`, () => assert.equal(widthOf(text), width))
  }

  it('is the sum of the widths of its characters', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 12 }), (characters) => {
        const text = characters.map(([, text]) => text).join(' ')
        const spaces = Math.max(0, characters.length - 1)
        assert.equal(
          widthOf(text),
          characters.reduce((sum, [, , width]) => sum + width, spaces),
        )
      }),
      parameters,
    )
  })

  it('is exact after fitting, whatever the text', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), fc.constantFrom('left', 'right'), (text, width, align) => {
        assert.equal(widthOf(fit(text, width, align)), width)
        assert.ok(widthOf(truncate(text, width)) <= width)
        if (widthOf(text) <= width) assert.equal(truncate(text, width), text)
      }),
      parameters,
    )
  })

  it('is padded on the given side, and a cut is marked', () => {
    assert.equal(fit('ab', 4), 'ab  ')
    assert.equal(fit('ab', 4, 'right'), '  ab')
    assert.equal(fit('abcdef', 4), 'abc…')
    assert.equal(fit('支払い', 4), '支… ')
    assert.equal(fit('ab', 0), '')
  })

  for (const [what, text, width] of CHARACTERS) {
    it(`keeps or drops ${what} as a whole`, () => {
      const name = `x${text}y${text}z`
      assert.equal(truncate(name, 2 * width + 3), name)
      assert.equal(truncate(name, 2 * width + 2), `x${text}y…`)
      assert.equal(truncate(name, width + 2), `x${text}…`)
      assert.equal(truncate(name, width + 1), 'x…')
      assert.equal(fit(name, width + 1), `x…${' '.repeat(width - 1)}`)
    })
  }
})

describe('a table', () => {
  type Row = readonly [name: string, state: string, reason: string]
  const columns: readonly Column<Row>[] = [
    { title: 'name', min: 6, text: ([name]) => name },
    { title: 'state', keep: 2, text: ([, state]) => state, paint: (_row, text, paint) => paint('red', text) },
    { title: 'reason', keep: 1, min: 8, align: 'right', text: ([, , reason]) => reason },
  ]
  const rows: readonly Row[] = [
    ['payments', 'open', 'consecutiveFailures'],
    ['stock', 'half-open', ''],
  ]

  it('is as wide as it needs to be', () => {
    assert.deepEqual(layOut(columns, rows, Infinity), [
      'name      state                   reason',
      'payments  open       consecutiveFailures',
      'stock     half-open',
    ])
  })

  it('shrinks the widest columns first', () => {
    assert.deepEqual(layOut(columns, rows, 30)[1], 'payments  open       consecut…')
  })

  it('leaves out the least important column where shrinking is not enough', () => {
    assert.deepEqual(layOut(columns, rows, 20), ['name      state', 'payments  open', 'stock     half-open'])
  })

  it('keeps the first column, however narrow', () => {
    assert.deepEqual(layOut(columns, rows, 5), ['name', 'paym…', 'stock'])
  })

  it('aligns, whatever is in the names', () => {
    const rows = CHARACTERS.map(([what, text]): Row => [`${text}${text}`, 'open', what])
    const lines = layOut(columns.slice(0, 2), rows, Infinity)
    assert.deepEqual(lines, [
      'name  state',
      ...CHARACTERS.map(([, text, width]) => `${text}${text}${' '.repeat(4 - 2 * width)}  open`),
    ])
  })

  it('truncates before it colors', () => {
    const [, line] = layOut(columns, rows, Infinity, painter(true))
    assert.equal(line, 'payments  \u001B[31mopen     \u001B[39m  consecutiveFailures')
  })

  it('is never wider than allowed, and has a line for each row', () => {
    const row = fc.tuple(anyText, anyText, anyText)
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 6 }),
        fc.integer({ min: 1, max: 120 }),
        fc.boolean(),
        (rows, width, color) => {
          const lines = layOut(columns, rows, width, painter(color))
          assert.equal(lines.length, rows.length + 1)
          for (const line of lines) assert.ok(widthOf(stripVTControlCharacters(line)) <= width, line)
        },
      ),
      parameters,
    )
  })
})

describe('numbers', () => {
  const cases: readonly (readonly [string, string])[] = [
    [latency(0), '0.0 ms'],
    [latency(3.21), '3.2 ms'],
    [latency(9.96), '10 ms'],
    [latency(999.6), '1.00 s'],
    [latency(12_340), '12.3 s'],
    [latency(123_400), '123 s'],
    [period(0), '0 s'],
    [period(-5), '0 s'],
    [period(1), '1 s'],
    [period(59_001), '1 min 00 s'],
    [period(245_000), '4 min 05 s'],
    [period(7_800_000), '2 h 10 min'],
    [period(273_600_000), '3 d 4 h'],
    [ago(0), 'just now'],
    [ago(1_999), '1 s ago'],
    [percent(0), '0 %'],
    [percent(0.0004), '<0.1 %'],
    [percent(0.034), '3.4 %'],
    [percent(0.999), '99 %'],
    [percent(1), '100 %'],
    [rate(0), '0'],
    [rate(0.31), '0.3'],
    [rate(99.96), '100'],
    [count(1, 'breaker'), '1 breaker'],
    [count(1_234, 'breaker'), '1,234 breakers'],
  ]
  for (const [written, expected] of cases) {
    it(`are written as ${expected}`, () => assert.equal(written, expected))
  }
})
