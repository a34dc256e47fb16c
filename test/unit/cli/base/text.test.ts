import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { jsonLine, printable, quote, wrapText } from '../../../../src/cli/base/text.ts'
import { parameters } from '../../model/parameters.ts'

const anyText = fc.string({ unit: 'binary' })

describe('untrusted text', () => {
  it('cannot move the cursor, forge a line or reverse the direction', () => {
    assert.equal(
      printable('pay\u001B[2Jments\r\nok\u009B31m\u202E!\u2028\u{E0001}\uD800'),
      String.raw`pay\u001b[2Jments\r\nok\u009b31m\u202e!\u2028\udb40\udc01\ud800`,
    )
  })

  it('is unchanged where it is harmless', () => {
    assert.equal(printable('<img onerror> Zahlungen 支払い 💳 –'), '<img onerror> Zahlungen 支払い 💳 –')
  })

  it('F29: is cut, and never within a character', () => {
    assert.equal(printable('x'.repeat(300)), 'x'.repeat(300))
    assert.equal(printable(`${'x'.repeat(299)}💳💳`), `${'x'.repeat(299)}…`)
    assert.equal(quote('x'.repeat(200)), `'${'x'.repeat(80)}…'`)
    assert.equal(quote(`${'x'.repeat(79)}💳💳`), `'${'x'.repeat(79)}…'`)
  })
})

describe('a line of JSON', () => {
  it('is one line, has no control characters, and means the same', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = jsonLine({ text })
        assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        assert.ok(line.endsWith('}\n'))
        assert.deepEqual(JSON.parse(line), { text })
      }),
      parameters,
    )
  })
})

describe('wrapped text', () => {
  it('keeps its words and breaks before the width', () => {
    assert.deepEqual(wrapText('one two three four', 9), ['one two', 'three', 'four'])
  })

  it('leaves a word whole that is wider', () => {
    assert.deepEqual(wrapText('a https://example.com b', 5), ['a', 'https://example.com', 'b'])
  })
})
