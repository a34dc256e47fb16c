import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { decode, Names } from '../../../../src/storage/redis/names.ts'
import { sha256 } from '../../../../src/storage/redis/sha256.ts'
import { parameters } from '../../model/parameters.ts'

const names = new Names('recloser')
const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
)

describe('the names of records', () => {
  it('F11: are short, and have no characters that a key could misunderstand', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const encoded = names.encode(name)
        assert.match(encoded, /^[\w.%~-]{0,128}$/)
        assert.equal(names.key(encoded), `recloser:2:{${encoded}}`)
      }),
      parameters,
    )
  })

  it('F11: can be decoded, unless they are so long that they end in a hash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (name) => {
        const encoded = names.encode(name)
        assert.equal(decode(encoded), encoded.includes('~') ? undefined : name)
      }),
      parameters,
    )
  })

  it('F23: are found in hints, also where a long one was cut within an encoded character', () => {
    fc.assert(
      fc.property(anyName, fc.nat(), (name, epoch) => {
        const encoded = names.encode(name)
        assert.deepEqual(names.hint(`${encoded} ${epoch}`), { name: encoded, epoch })
      }),
      parameters,
    )
    for (let length = 60; length < 70; length++) {
      const encoded = names.encode('a'.repeat(length) + 'ü'.repeat(100))
      assert.deepEqual(names.hint(`${encoded} 1`), { name: encoded, epoch: 1 })
    }
  })

  it('F23: what is published and is no hint is ignored', () => {
    for (const message of [
      '',
      'payments',
      'payments x',
      'pay ments 1',
      '{x} 1',
      'p 1234567890123456',
      7,
      null,
    ]) {
      assert.equal(names.hint(message), undefined)
    }
    assert.equal(names.hint(`${'a'.repeat(200)} 1`), undefined)
  })

  it('F11: long names are told apart by their SHA-256', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assert.equal(sha256(text), createHash('sha256').update(text).digest('hex'))
      }),
      parameters,
    )
    for (let length = 50; length < 140; length++) {
      const text = 'x'.repeat(length)
      assert.equal(sha256(text), createHash('sha256').update(text).digest('hex'), String(length))
    }
  })
})
