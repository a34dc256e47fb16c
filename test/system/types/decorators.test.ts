import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { compile, compilers, configurations } from './compile.ts'

interface Compiled {
  readonly scenario: () => Promise<readonly string[]>
}

const expected = [
  's@url/a#2',
  'special t@special/b#0',
  '42',
  'static',
  'x,y',
  'page 1',
  'page 2',
  'url',
  'fetch/2',
  'url is down',
  'CircuitBreakerError',
  'open',
]

describe('a class with protected methods', () => {
  let folder = ''

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'recloser-decorators-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(join(import.meta.dirname, '../../..'), join(folder, 'node_modules/recloser'), 'junction')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  })

  after(() => rmSync(folder, { recursive: true }))

  for (const compiler of compilers) {
    for (const dialect of configurations.filter((name) => name.startsWith('decorators-'))) {
      it(`T3: runs as compiled by TypeScript ${compiler.version} with ${dialect}`, async () => {
        const output = join(folder, `${dialect}-${compiler.version}`)
        const complaints = await compile(compiler, dialect, '--noEmit', 'false', '--outDir', output)
        assert.equal(complaints, '', complaints)
        const client = (await import(pathToFileURL(join(output, 'decorators/client.js')).href)) as Compiled
        assert.deepEqual(await client.scenario(), expected)
      })
    }
  }
})
