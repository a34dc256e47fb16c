import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import ts from 'typescript-6'
import { HOOKS } from '../../../src/events/listeners.ts'

const root = join(import.meta.dirname, '../../..')
const file = join(root, 'hover.ts')

// Every listener method, event field and some options, each in the places where users write them, and the names that
// users give to guarded functions.
const methods = HOOKS.map((hook) => `  ${hook}: () => {},\n`).join('')
const source = `import { CircuitBreaker, CircuitBreakerRegistry, type CircuitBreakerListener } from './src/index.ts'
const typed: CircuitBreakerListener = {
${methods}}
new CircuitBreaker().addListener({
${methods}})
new CircuitBreakerRegistry().addListener({
${methods}})
const breaker = new CircuitBreaker({ name: 'payments', halfOpen: { calls: 2 }, listeners: [{
${methods}}, typed] })
breaker.configure({ callTimeout: 5 })
const load = async (id: string, limit: number) => id.repeat(limit)
const kept = breaker.wrap(async (id: string, limit = 10) => id.repeat(limit))
const widened = breaker.wrap(async (id: string, limit = 10) => id.repeat(limit), { fallback: () => undefined })
const sync = breaker.wrap((id: string) => id.length)
const generic = breaker.wrap(async <T>(value: T) => [value])
const guardedSync = breaker.wrapSync(<T>(value: T) => [value])
const called = breaker.call(load, 'a', 1)
const calledByDefault = breaker.call(async (id: string, limit = 10) => limit, 'a')
const calledSync = breaker.callSync((id: string) => id.length, 'a')
const ran = breaker.run(({ signal }) => fetch('/', { signal }), { signal: AbortSignal.abort(), fallback: () => null })
breaker.addListener({
  late(event) { void [event.duration, event.value, event.error] },
  rejected(event) { void [event.breaker, event.error.retryAfter] },
  stateChange(event) { void [event.from, event.to, event.reason, event.at, event.scope] },
  beforeCall(event) { void event.args },
})
const permit = breaker.acquire()
void [permit.success(), permit.failure(), permit.ignore(), breaker.retryAfter, breaker.isolate()]
new CircuitBreaker({ timeoutDuration: (opening) => opening.attempt + Number([opening.reason, opening.error, opening.result]) })
`

const host: ts.LanguageServiceHost = {
  ...ts.sys,
  useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
  getScriptFileNames: () => [file],
  getScriptVersion: () => '1',
  getScriptSnapshot(name) {
    const text = name === file ? source : ts.sys.readFile(name)
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
  },
  getCurrentDirectory: () => root,
  getCompilationSettings: () => ({
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
  }),
  getDefaultLibFileName: ts.getDefaultLibFilePath,
}

const service = ts.createLanguageService(host)

/** Returns what an editor shows at a position, for each occurrence of `text`. */
function hover(text: string): (readonly [documentation: string, defaultValue: string | undefined])[] {
  return [...source.matchAll(new RegExp(`\\b${text}: `, 'g'))].map(({ index }) => {
    const { documentation, tags } = service.getQuickInfoAtPosition(file, index) ?? {}
    const tag = tags?.find(({ name }) => name === 'default')
    return [ts.displayPartsToString(documentation), tag && ts.displayPartsToString(tag.text)]
  })
}

/** Returns the documentation that an editor shows for a property that is read, such as `event.reason`. */
function documentationOf(access: string): string {
  const index = source.indexOf(access) + access.lastIndexOf('.') + 1
  return ts.displayPartsToString(service.getQuickInfoAtPosition(file, index)?.documentation)
}

/** Returns the type that an editor shows for a constant. */
function typeOf(name: string): string {
  const info = service.getQuickInfoAtPosition(file, source.indexOf(`const ${name} =`) + 'const '.length)
  return ts.displayPartsToString(info?.displayParts).replace(`const ${name}: `, '')
}

describe('the text in an editor', () => {
  it('has a program without errors to begin with', () => {
    assert.deepEqual(service.getSemanticDiagnostics(file), [])
  })

  for (const hook of HOOKS) {
    it(`describes the listener method ${hook} in an object literal, wherever that stands`, () => {
      const texts = hover(hook).map(([documentation]) => documentation)
      // `fallback` is also an option of `wrap`, in two places.
      assert.equal(texts.length, hook === 'fallback' ? 6 : 4)
      for (const text of texts) assert.match(text, /^[A-Z].*\.$/s)
    })
  }

  const accesses = [
    ...['duration', 'value', 'error', 'breaker', 'from', 'to', 'reason', 'at', 'scope', 'args'].map(
      (field) => `event.${field}`,
    ),
    ...['success', 'failure', 'ignore'].map((method) => `permit.${method}`),
    ...['attempt', 'reason', 'error', 'result'].map((field) => `opening.${field}`),
    ...[
      'configure',
      'wrap',
      'wrapSync',
      'call',
      'callSync',
      'run',
      'addListener',
      'acquire',
      'retryAfter',
    ].map((member) => `breaker.${member}`),
    'event.error.retryAfter',
    'breaker.isolate',
  ]
  for (const access of accesses) {
    it(`T5: describes ${access}`, () => {
      assert.match(documentationOf(access), /^[A-Z`'].*\.$/s)
    })
  }

  it('T5: describes each overload of wrap and the options of each', () => {
    for (const { index } of source.matchAll(/breaker\.wrap\(/g)) {
      const info = service.getQuickInfoAtPosition(file, index + 'breaker.'.length)
      assert.match(ts.displayPartsToString(info?.documentation), /^Returns a guarded version of `fn`/)
      assert.ok(info?.tags?.some(({ name }) => name === 'throws'))
    }
    const texts = hover('fallback').filter(([documentation]) =>
      documentation.startsWith('Called with the error'),
    )
    assert.equal(texts.length, 2)
    for (const [, byDefault] of texts) {
      assert.equal(byDefault, 'the promise rejects with the error')
    }
  })

  const types = {
    kept: '(id: string, limit?: number) => Promise<string>',
    widened: '(id: string, limit?: number | undefined) => Promise<string | undefined>',
    sync: '(id: string) => Promise<number>',
    generic: '<T>(value: T) => Promise<T[]>',
    guardedSync: '<T>(value: T) => T[]',
    called: 'Promise<string>',
    calledByDefault: 'Promise<number>',
    calledSync: 'number',
    ran: 'Promise<Response | null>',
    permit: 'Permit',
  }
  for (const [name, type] of Object.entries(types)) {
    it(`T5: shows a plain type: ${type}`, () => assert.equal(typeOf(name), type))
  }

  const options = {
    callTimeout: 'Infinity',
    signal: 'no signal',
    name: "`'anonymous-1'`, `'anonymous-2'` and so on",
    halfOpen: '{ calls: 1, successes: 1, concurrent: 1 }',
    calls: '`successes` if that is given, otherwise 1',
    listeners: '[]',
  }
  for (const [option, byDefault] of Object.entries(options)) {
    it(`describes the option ${option} and its default`, () => {
      const [[documentation, stated] = ['', undefined], ...others] = hover(option)
      assert.equal(others.length, 0)
      assert.match(documentation, /^[A-Z].*\.$/s)
      assert.equal(stated, byDefault)
    })
  }
})
