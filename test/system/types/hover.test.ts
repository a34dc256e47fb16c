import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import ts from 'typescript-6'
import { HOOKS } from '../../../src/events/listeners.ts'

const root = join(import.meta.dirname, '../../..')
const file = join(root, 'hover.ts')

// Every listener method and some options, each in the places where users write them.
const methods = HOOKS.map((hook) => `  ${hook}: () => {},\n`).join('')
const source = `import { CircuitBreaker, CircuitBreakerRegistry, type CircuitBreakerListener } from './src/index.ts'
const typed: CircuitBreakerListener = {
${methods}}
new CircuitBreaker().addListener({
${methods}})
new CircuitBreakerRegistry().addListener({
${methods}})
new CircuitBreaker({ name: 'payments', halfOpen: { calls: 2 }, listeners: [{
${methods}}, typed] })
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

describe('the text in an editor', () => {
  it('has a program without errors to begin with', () => {
    assert.deepEqual(service.getSemanticDiagnostics(file), [])
  })

  for (const hook of HOOKS) {
    it(`describes the listener method ${hook} in an object literal, wherever that stands`, () => {
      const texts = hover(hook).map(([documentation]) => documentation)
      assert.equal(texts.length, 4)
      for (const text of texts) assert.match(text, /^[A-Z].*\.$/s)
    })
  }

  const options = {
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
