import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { EventStreamParser, type ServerSentEvent } from '../../../../src/cli/client/event-stream.ts'
import { parameters } from '../../model/parameters.ts'

const encoder = new TextEncoder()

/** Parses a stream that comes in these chunks with our parser. */
function parse(...chunks: readonly (string | Uint8Array)[]): {
  readonly events: readonly ServerSentEvent[]
  readonly retry: number | undefined
} {
  const parser = new EventStreamParser()
  const events = chunks.flatMap((chunk) =>
    parser.push(typeof chunk === 'string' ? encoder.encode(chunk) : chunk),
  )
  return { events, retry: parser.retry }
}

/** Parses a whole stream by the HTML standard's algorithm (9.2.6, "Interpreting an event stream"). */
function parseElsewhere(stream: string): ReturnType<typeof parse> {
  const events: ServerSentEvent[] = []
  let retry: number | undefined
  let event = ''
  let data = ''
  // Text after the last line break is not a line.
  const lines = stream.split(/\r\n|\n|\r/).slice(0, -1)
  for (const line of lines) {
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (line === '') {
      if (data !== '') events.push({ event: event || 'message', data: data.slice(0, -1) })
      event = ''
      data = ''
    } else if (field === 'data') data += `${value}\n`
    else if (field === 'event') event = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retry = Number(value)
  }
  return { events, retry }
}

const field = fc.constantFrom('data', 'event', 'id', 'retry', 'unknown', '', 'data ', ' data', 'DATA')
const value = fc.oneof(
  fc.constantFrom('', ' ', '  two', '1500', '-1', '1.5', 'a:b', '{"a":1}'),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replace(/[\r\n\uFEFF]/g, '')),
)
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(field, fc.constantFrom(':', ': ', ''), value).map((parts) => parts.join('')),
  },
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: value },
)
const stream = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 })
  .map((lines) => lines.flat().join(''))

/** Splits bytes at any offsets, even within a character or a CRLF. */
function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const sorted = [
    0,
    ...offsets.map((offset) => offset % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ]
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

describe('the parser of event streams', () => {
  it('finds what the standard says, wherever the stream is split', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, offsets) => {
        assert.deepEqual(parse(...cut(encoder.encode(text), offsets)), parseElsewhere(text))
      }),
      parameters,
    )
  })

  it('finds the same when it reads byte by byte', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const bytes = encoder.encode(text)
        const each = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
        assert.deepEqual(parse(...each), parse(text))
      }),
      parameters,
    )
  })

  it('reads names, several lines of data, comments and the retry time', () => {
    const { events, retry } = parse(': hello\nretry: 2000\nevent: update\ndata: one\ndata:two\n\ndata\n\n')
    assert.deepEqual(events, [
      { event: 'update', data: 'one\ntwo' },
      { event: 'message', data: '' },
    ])
    assert.equal(retry, 2_000)
  })

  it('leaves out a byte order mark and an unfinished event', () => {
    assert.deepEqual(parse('\uFEFFdata: a\n\ndata: b\n').events, [{ event: 'message', data: 'a' }])
  })

  it('leaves out only one byte order mark, even when it reads byte by byte', () => {
    const bytes = Array.from(encoder.encode('\uFEFFdata: a\n\n'), (byte) => Uint8Array.of(byte))
    assert.deepEqual(parse(...bytes).events, [{ event: 'message', data: 'a' }])
    assert.deepEqual(parse('\uFEFF\uFEFFdata: a\n\n').events, [])
  })

  it('does not take the two halves of a CRLF for an empty line', () => {
    assert.deepEqual(parse('data: a\r', '\ndata: b\r', '\n\r', '\n').events, [
      { event: 'message', data: 'a\nb' },
    ])
  })

  it('skips an id, and fields that it does not know', () => {
    assert.deepEqual(parse('id: 1\nfoo: bar\nretry: soon\ndata: a\n\nid: 2\n\n'), {
      events: [{ event: 'message', data: 'a' }],
      retry: undefined,
    })
  })

  for (const [title, text] of [
    ['a line', `data: ${'x'.repeat(200)}`],
    ['an event', 'data: 12345\n'.repeat(20)],
  ] as const) {
    it(`refuses ${title} without an end`, () => {
      const parser = new EventStreamParser(100)
      assert.throws(() => parser.push(encoder.encode(text)), RangeError)
    })
  }

  it('says which limit was exceeded, also where the line comes in many chunks', () => {
    const parser = new EventStreamParser(100)
    const message = /^RangeError: An event is longer than 100 characters$/
    assert.throws(() => {
      for (let n = 0; n < 20; n++) parser.push(encoder.encode('data: 1234567890'))
    }, message)
  })

  it('does not buffer a comment that never ends', () => {
    const parser = new EventStreamParser(100)
    for (let n = 0; n < 50; n++) assert.deepEqual(parser.push(encoder.encode(': 1234567890')), [])
    assert.equal(parser.push(encoder.encode('\ndata: a\n\n')).length, 1)
  })

  it('limits each event, not the stream', () => {
    const parser = new EventStreamParser(100)
    for (let n = 0; n < 50; n++) {
      assert.equal(parser.push(encoder.encode('data: 1234567890\n\n')).length, 1)
    }
  })
})
