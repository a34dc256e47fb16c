import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutNote, readReason } from '../../../../src/cli/fleet/reason.ts'

describe('the reason of a manual change', () => {
  it('F29: is cut to 256 bytes and not within a character, and a sentence says so', () => {
    assert.deepEqual(readReason('until 14:00'), { reason: 'until 14:00' })
    assert.deepEqual(readReason('ü'.repeat(128)), { reason: 'ü'.repeat(128) })
    assert.deepEqual(readReason('x'.repeat(257)), { reason: 'x'.repeat(256), reasonCut: true })
    assert.deepEqual(readReason(`${'x'.repeat(255)}ü`), { reason: 'x'.repeat(255), reasonCut: true })
    assert.deepEqual(readReason(`${'x'.repeat(253)}💳`), { reason: 'x'.repeat(253), reasonCut: true })
    assert.deepEqual(cutNote(readReason('x'.repeat(257))), ['The reason was cut to 256 bytes.'])
    assert.deepEqual(cutNote(readReason('short')), [])
  })

  it('F9b: is empty if none was given, so that the one that stands is kept', () => {
    assert.deepEqual(readReason(), { reason: '' })
    assert.deepEqual(readReason(''), { reason: '' })
  })
})
