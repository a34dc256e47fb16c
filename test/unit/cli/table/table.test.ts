import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import { ago, count, latency, percent, period, rate } from '../../../../src/cli/table/format.ts'
import { painter } from '../../../../src/cli/table/paint.ts'
import { layOut, type Column } from '../../../../src/cli/table/table.ts'
import { fit, truncate, widthOf } from '../../../../src/cli/table/width.ts'
import { printable } from '../../../../src/cli/base/text.ts'
import { parameters } from '../../model/parameters.ts'

const anyText = fc.string({ unit: 'grapheme', maxLength: 30 }).map(printable)

describe('the width of a text', () => {
  for (const [text, width] of [
    ['payments', 8],
    ['支払い', 6],
    ['💳', 2],
    ['é', 1],
    ['e\u0301', 1],
    ['● closed', 8],
    ['…', 1],
  ] as const) {
    it(`of ${text} is ${width}`, () => assert.equal(widthOf(text), width))
  }

  it('is met exactly, whatever the text', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), fc.constantFrom('left', 'right'), (text, width, align) => {
        assert.equal(widthOf(fit(text, width, align)), width)
        assert.ok(widthOf(truncate(text, width)) <= width)
        if (widthOf(text) <= width) assert.equal(truncate(text, width), text)
      }),
      parameters,
    )
  })

  it('is filled on the side that is asked for, and shows where something was cut', () => {
    assert.equal(fit('ab', 4), 'ab  ')
    assert.equal(fit('ab', 4, 'right'), '  ab')
    assert.equal(fit('abcdef', 4), 'abc…')
    assert.equal(fit('支払い', 4), '支… ')
    assert.equal(fit('ab', 0), '')
  })
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

  it('cuts before it colours', () => {
    const [, line] = layOut(columns, rows, Infinity, painter(true))
    assert.equal(line, 'payments  \u001B[31mopen     \u001B[39m  consecutiveFailures')
  })

  it('is never wider than it may be, and has a line for each row', () => {
    const row = fc.tuple(anyText, anyText, anyText)
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 6 }),
        fc.integer({ min: 1, max: 120 }),
        fc.boolean(),
        (rows, width, colour) => {
          const lines = layOut(columns, rows, width, painter(colour))
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
