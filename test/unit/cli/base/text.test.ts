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

  it('is cut in messages', () => {
    assert.equal(quote('x'.repeat(200)), `'${'x'.repeat(80)}…'`)
  })
})

describe('a line of JSON', () => {
  it('is one line, has no control characters, and means the same', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = jsonLine({ text })
        assert.doesNotMatch(line, /[\p{Cc}\u202A-\u202E\u2028\u2029](?!$)/u)
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
