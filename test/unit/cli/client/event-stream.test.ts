import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createParser } from 'eventsource-parser'
import * as fc from 'fast-check'
import { EventStreamParser, type ServerSentEvent } from '../../../../src/cli/client/event-stream.ts'
import { parameters } from '../../model/parameters.ts'

const encoder = new TextEncoder()

/** What our parser makes of a stream that comes in such chunks. */
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

/** The same by another implementation, all in one piece. */
function parseElsewhere(stream: string): ReturnType<typeof parse> {
  const events: ServerSentEvent[] = []
  let retry: number | undefined
  const parser = createParser({
    onEvent: ({ event, data }) => events.push({ event: event ?? 'message', data }),
    onRetry: (interval) => {
      retry = interval
    },
  })
  parser.feed(stream)
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

/** Bytes cut at any places, in the middle of a character or of a CRLF too. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ]
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

describe('the parser of event streams', () => {
  it('finds what eventsource-parser finds, wherever the stream was cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        assert.deepEqual(parse(...cut(encoder.encode(text), places)), parseElsewhere(text))
      }),
      parameters,
    )
  })

  it('finds the same byte by byte', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const bytes = encoder.encode(text)
        const each = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
        assert.deepEqual(parse(...each), parse(text))
      }),
      parameters,
    )
  })

  it('reads names, several lines of data, comments and the time to wait', () => {
    const { events, retry } = parse(': hello\nretry: 2000\nevent: update\ndata: one\ndata:two\n\ndata\n\n')
    assert.deepEqual(events, [
      { event: 'update', data: 'one\ntwo' },
      { event: 'message', data: '' },
    ])
    assert.equal(retry, 2_000)
  })

  it('leaves out a byte order mark and an event that is not over', () => {
    assert.deepEqual(parse('\uFEFFdata: a\n\ndata: b\n').events, [{ event: 'message', data: 'a' }])
  })

  it('does not mistake the two halves of a CRLF for an empty line', () => {
    assert.deepEqual(parse('data: a\r', '\ndata: b\r', '\n\r', '\n').events, [
      { event: 'message', data: 'a\nb' },
    ])
  })

  for (const [what, text] of [
    ['a line', `data: ${'x'.repeat(200)}`],
    ['an event', 'data: 12345\n'.repeat(20)],
  ] as const) {
    it(`refuses ${what} without an end`, () => {
      const parser = new EventStreamParser(100)
      assert.throws(() => parser.push(encoder.encode(text)), RangeError)
    })
  }

  it('has a limit for each event, not for the stream', () => {
    const parser = new EventStreamParser(100)
    for (let turn = 0; turn < 50; turn++) {
      assert.equal(parser.push(encoder.encode('data: 1234567890\n\n')).length, 1)
    }
  })
})
