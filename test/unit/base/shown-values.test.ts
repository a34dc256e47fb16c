import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreaker } from '../../../src/index.ts'
import { parameters } from '../model/parameters.ts'

/** Returns how a refusal shows a value. */
function shown(value: unknown): string {
  try {
    void new CircuitBreaker({ errorOnTrip: value as never })
  } catch (error) {
    assert.ok(error instanceof TypeError)
    const [, text] =
      /^Expected `errorOnTrip` to be a boolean, got `(.*)` \((\w+)\)$/s.exec(error.message) ?? []
    assert.notEqual(text, undefined, error.message)
    return text!
  }
  return assert.fail('it was accepted')
}

class Config {}
const hostile = (key: PropertyKey, object: object = {}): object =>
  Object.defineProperty(object, key, {
    enumerable: true,
    get() {
      throw new Error('hostile')
    },
  })
const cyclic: Record<string, unknown> = { a: 1 }
cyclic['self'] = cyclic
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const nothing = 'a value that cannot be shown'

describe('how a message shows a value that is refused', () => {
  const cases: [title: string, value: unknown, expected: string][] = [
    ['a string in quotes', 'yes', '"yes"'],
    ['a string with quotes', 'a "b"', '"a \\"b\\""'],
    ['a long string', 'x'.repeat(1e6), `"${'x'.repeat(59)}…`],
    ['control characters', 'a\n\u0000\u001B[2J\u009Bb', '"a\\n\\u0000\\u001b[2J\\u{9b}b"'],
    ['bidirectional marks', '\u202Eabc\u2066\u200F', '"\\u{202e}abc\\u{2066}\\u{200f}"'],
    ['line separators', '\u2028\u2029', '"\\u{2028}\\u{2029}"'],
    ['a lone surrogate', '\uD800', '"\\ud800"'],
    ['an emoji at the limit', `${'x'.repeat(58)}💥💥`, `"${'x'.repeat(58)}💥…`],
    ['a number', 1.5, '1.5'],
    ['a big integer', 5n, '5'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['null', null, 'null'],
    ['a plain object', { calls: 0 }, '{ calls: 0 }'],
    ['an empty object', {}, '{}'],
    ['several properties', { a: 'x', b: [1], c: { d: 1 }, e: null }, '{ a: "x", b: […], c: { … }, e: null }'],
    ['at most five', { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }, '{ a: 1, b: 2, c: 3, d: 4, e: 5 }'],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{ a: 1 }'],
    ['an array', [1, 'x', {}], '[1, "x", { … }]'],
    ['an empty array', [], '[]'],
    ['a Map', new Map([[1, 2]]), 'Map'],
    ['a Set', new Set(), 'Set'],
    ['a promise', Promise.resolve(), 'Promise'],
    ['a breaker', new CircuitBreaker({ name: 'b' }), 'CircuitBreaker b: closed'],
    ['an instance', new Config(), 'Config'],
    ['a request', new Request('http://localhost'), 'Request'],
    ['a regular expression', /x/, '/x/'],
    ['an error', new RangeError('no'), 'RangeError: no'],
    ['a function', function charge() {}, 'charge'],
    ['a function without a name', (() => () => {})(), 'anonymous'],
    ['a class', Config, 'Config'],
    ['a cyclic object', cyclic, '{ a: 1, self: { … } }'],
    ['a hostile toString', { toString: () => assert.fail('called') }, '{ toString: toString }'],
    ['a hostile accessor', hostile('a'), nothing],
    ['a hostile tag', hostile(Symbol.toStringTag, new Config()), nothing],
    ['a hostile name', hostile('name', () => {}), nothing],
    ['a name that is no string', Object.defineProperty(() => {}, 'name', { value: 5 }), '5'],
    ['a class whose name is no string', Object.create({ constructor: { name: 5 } }), '5'],
    ['a class without a constructor', Object.create(Object.create(null) as object), nothing],
    ['a revoked proxy', revoked, nothing],
  ]
  for (const [title, value, expected] of cases) {
    it(title, () => assert.equal(shown(value), expected))
  }

  it('a deep object and a long array cost nothing', () => {
    let deep: object = {}
    for (let i = 0; i < 1e5; i++) deep = { deep }
    assert.equal(shown(deep), '{ deep: { … } }')
    assert.equal(shown(Array.from({ length: 1e6 }, () => 1)), '[1, 1, 1, 1, 1]')
  })

  it('any value at all: short, in one line, and without a character that a terminal obeys', () => {
    const anyValue = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
      withUnicodeString: true,
    } as never)
    const property = fc.property(
      fc
        .oneof(anyValue, fc.string({ unit: 'binary' }))
        .filter((value) => !/boolean|undefined/.test(typeof value)),
      (value) => {
        const text = shown(value)
        assert.ok(Array.from(text).length <= 61, text)
        assert.doesNotMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u)
      },
    )
    fc.assert(property, parameters)
  })
})
