import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as cockatiel from 'cockatiel'
import Opossum from 'opossum'
import ts from 'typescript-6'
import { readRows, type Peer } from './tables.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** All names of a library that a test has enumerated. */
const enumerated = new Map<Peer, string[]>()

/** Tests that each of a library's names has a row. `least` guards against an enumeration that finds nothing. */
function testNames(peer: Peer, what: string, names: readonly string[], least: number): void {
  enumerated.set(peer, [...(enumerated.get(peer) ?? []), ...names])
  it(`has a row for each of ${peer}'s ${what}`, () => {
    assert.ok(names.length >= least, `found only ${names.length}: ${names.join(', ')}`)
    const known = new Set(readRows(peer).flatMap((row) => row.names))
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    )
  })
}

const matches = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, name = '']) => name)),
]

const ownNames = (object: object): string[] =>
  Object.getOwnPropertyNames(object).filter((name) => name !== 'constructor' && !name.startsWith('_'))

/** The names of the members of the interfaces and classes that a declaration file declares, by their owners. */
function membersOf(file: string): ReadonlyMap<string, readonly string[]> {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
  const found = new Map<string, readonly string[]>()
  const visit = (node: ts.Node): void => {
    if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isEnumDeclaration(node)) {
      const members = [...node.members].flatMap((member) => {
        const hidden = ts.canHaveModifiers(member)
          ? ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
          : false
        return member.name && ts.isIdentifier(member.name) && !hidden ? [member.name.text] : []
      })
      found.set(node.name?.text ?? '', members)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

describe('docs/migration.md, for opossum,', () => {
  const source = globSync('node_modules/opossum/lib/*.js', { cwd: root }).map(read).join('\n')
  const types = membersOf('node_modules/@types/opossum/index.d.ts')
  const instance = new Opossum(async () => {})
  const { stats } = instance
  // Without those of Node's EventEmitter.
  const properties = Object.keys(instance).filter((name) => !name.startsWith('_') && name !== 'domain')
  instance.shutdown()

  it('is about the installed version', () => {
    const { version } = JSON.parse(read('node_modules/opossum/package.json')) as { version: string }
    assert.equal(version.split('.')[0], '10')
    assert.match(read('docs/migration.md'), /\[opossum 10\]/)
  })

  testNames(
    'opossum',
    'options',
    [
      ...new Set([
        ...types.get('Options')!,
        ...matches(source, /\boptions\.(\w+)/g).filter((name) => name !== 'stats'),
        ...matches(source, /@param \{[^}]*\} options\.(\w+)/g).filter((name) => name !== 'stats'),
      ]),
    ],
    30,
  )
  testNames(
    'opossum',
    'events',
    [
      ...new Set([
        ...matches(source, /\bemit\('(\w+)'/g),
        ...matches(read('node_modules/@types/opossum/index.d.ts'), /\bon\(event: "(\w+)"/g),
      ]),
    ].map((name) => `'${name}'`),
    17,
  )
  testNames(
    'opossum',
    'methods and properties',
    [...ownNames(Opossum.prototype), ...properties].map((name) => `breaker.${name}`),
    28,
  )
  testNames(
    'opossum',
    'static methods',
    ownNames(Opossum)
      .filter((name) => !['length', 'name', 'prototype'].includes(name))
      .map((name) => `CircuitBreaker.${name}`),
    2,
  )
  testNames('opossum', 'error codes', matches(source, /\bbuildError\([^)]*?'(E[A-Z]+)'/gs), 4)
  testNames(
    'opossum',
    'statistics',
    [...new Set([...types.get('Bucket')!, ...Object.keys(stats)])].map((name) => `stats.${name}`),
    14,
  )
  testNames(
    'opossum',
    'members of `status`',
    types
      .get('Status')!
      .filter((name) => name !== 'on')
      .map((name) => `breaker.status.${name}`),
    2,
  )
})

describe('docs/migration.md, for cockatiel,', () => {
  it('is about the installed version', () => {
    const { version } = JSON.parse(read('node_modules/cockatiel/package.json')) as { version: string }
    assert.equal(version.split('.')[0], '4')
    assert.match(read('docs/migration.md'), /\[cockatiel 4\]/)
  })

  const members = new Map(
    globSync('node_modules/cockatiel/dist/**/*.d.ts', { cwd: root }).flatMap((file) =>
      Array.from(membersOf(file)),
    ),
  )

  /** The owners of members that users write, and how docs/migration.md names them. */
  const owners: Readonly<Record<string, string>> = {
    CircuitBreakerPolicy: 'breaker',
    ICircuitBreakerOptions: 'options',
    IHalfOpenSamplingOptions: 'halfOpenSampling',
    ICountBreakerOptions: 'CountBreaker',
    ISamplingBreakerOptions: 'SamplingBreaker',
    IBreaker: 'IBreaker',
    IExponentialBackoffOptions: 'ExponentialBackoff',
    IBackoffFactory: 'IBackoffFactory',
    IBackoff: 'IBackoff',
    CircuitState: 'CircuitState',
    Policy: 'policy',
    RetryPolicy: 'retry',
    IRetryPolicyConfig: 'retry',
    TimeoutPolicy: 'timeout',
    ITimeoutOptions: 'timeout',
    BulkheadPolicy: 'bulkhead',
    FallbackPolicy: 'fallback',
    NoopPolicy: 'noop',
    IDisposable: 'IDisposable',
    TimeoutStrategy: 'TimeoutStrategy',
  }

  testNames('cockatiel', 'exports', Object.keys(cockatiel), 35)
  testNames(
    'cockatiel',
    'helpers for events',
    ownNames(cockatiel.Event).map((name) => `Event.${name}`),
    2,
  )
  testNames(
    'cockatiel',
    'members',
    Object.entries(owners).flatMap(([owner, prefix]) => {
      const names = members.get(owner)
      assert.ok(names && names.length > 0, `Expected cockatiel to declare ${owner}`)
      return names.filter((name) => name !== '_altReturn').map((name) => `${prefix}.${name}`)
    }),
    60,
  )
})

describe('docs/migration.md, for aiobreaker,', () => {
  it('is about the version of the list below', () => {
    assert.match(read('docs/migration.md'), /\[aiobreaker 1\.2\]/)
  })

  // Version 1.2.0, whose source is github.com/arlyon/aiobreaker: a package for Python, so this list is fixed.
  const breaker =
    'call call_async open half_open close state current_state fail_counter fail_max timeout_duration opens_at ' +
    'time_until_open sleep_until_open excluded_exceptions add_excluded_exception add_excluded_exceptions ' +
    'remove_excluded_exception is_system_error listeners add_listener add_listeners remove_listener name'
  const names: readonly [what: string, prefix: string, names: string][] = [
    ['options', '', 'fail_max timeout_duration exclude listeners state_storage name'],
    ['methods and properties', 'breaker.', breaker],
    ['decorator', '@', 'breaker'],
    ["listener's methods", 'listener.', 'before_call failure success state_change'],
    [
      'errors',
      '',
      'CircuitBreakerError error.message error.reopen_time error.time_remaining error.sleep_until_open',
    ],
    ['states', 'CircuitBreakerState.', 'OPEN CLOSED HALF_OPEN'],
    ['storages', '', 'CircuitMemoryStorage CircuitRedisStorage CircuitBreakerStorage'],
    ['options of CircuitRedisStorage', '', 'state redis_object namespace fallback_circuit_state'],
    ["storage's members", 'storage.', 'state counter opened_at increment_counter reset_counter'],
    ['classes', '', 'CircuitBreaker CircuitBreakerListener'],
  ]
  for (const [what, prefix, list] of names) {
    testNames(
      'aiobreaker',
      what,
      list.split(' ').map((name) => prefix + name),
      1,
    )
  }
})

describe('docs/migration.md', () => {
  for (const peer of ['opossum', 'cockatiel', 'aiobreaker'] as const) {
    it(`has no row about a name that ${peer} does not have`, () => {
      const names = new Set([...enumerated.get(peer)!, 'CircuitBreaker'])
      const unknown = readRows(peer).flatMap((row) => row.names.filter((name) => !names.has(name)))
      assert.deepEqual(unknown, [])
    })
  }

  const api = globSync('docs/api/*.md', { cwd: root }).map(read).join('\n')
  /** What our cells show but do not name in the API: of the language, of other libraries, and names of arguments. */
  const NOT_OURS = new Set(
    (
      'const e error result args fn f r other guarded task value code message payments null undefined true false ' +
      'string new await Promise setInterval catch AbortSignal Map Math min length times milliseconds context ' +
      'TypeError bulkhead E predicate listener _error handleType'
    ).split(' '),
  )

  for (const peer of ['opossum', 'cockatiel', 'aiobreaker'] as const) {
    it(`names only what recloser has, in its tables about ${peer}`, () => {
      const unknown = readRows(peer).flatMap(({ ours, line }) =>
        [...ours.matchAll(/`([^`]+)`/g)]
          .flatMap(([, code = '']) => code.match(/(?<!\w)[A-Za-z_]\w*/g) ?? [])
          .filter((word) => !NOT_OURS.has(word) && !new RegExp(`\\b${word}\\b`).test(api))
          .map((word) => `docs/migration.md:${line} ${word}`),
      )
      assert.deepEqual(unknown, [])
    })
  }
})
