import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { parseSync } from 'rolldown/utils'
import { pathTo, placeOf, readFolders, SOURCES, type Folder } from '../../../scripts/check/folders.ts'

const root = join(import.meta.dirname, '../../..')
const folders = readFolders()
const names = new Set(folders.map(({ name }) => name))

const posix = (path: string): string => path.split(sep).join('/')

/** Runs oxlint with the project's configuration; returns where it reports this rule, as `file:line`. */
function lint(folder: string, cwd: string, overrides: string, rule: string): string[] {
  const config = join(folder, 'oxlint.config.ts')
  const own = pathToFileURL(join(root, 'oxlint.config.ts')).href
  const rest = `options: {}, overrides: ${overrides}`
  writeFileSync(config, `import own from '${own}'\nexport default { ...own, ${rest} }\n`)
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '-c', config, '--format=json', 'src'], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1e8,
  })
  const { diagnostics } = JSON.parse(stdout || stderr) as {
    diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[]
  }
  const found = diagnostics.filter(({ code }) => code.includes(rule))
  return [...new Set(found.map(({ filename, labels }) => `${posix(filename)}:${labels[0]?.span.line}`))]
}

function inTemporaryFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'recloser-folders-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Import {
  readonly specifier: string
  readonly isType: boolean
}

/** What a file imports and re-exports, including dynamic imports. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const { module } = parseSync(file, text, { lang: 'tsx' })
  const named = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    isType: entries.length > 0 && entries.every((entry) => entry.isType),
  }))
  const passedOn = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest ? [{ specifier: moduleRequest.value, isType }] : [],
    ),
  )
  const loaded = module.dynamicImports
    .map(({ moduleRequest: { start, end } }) => text.slice(start, end))
    .filter((specifier) => /^['"`]/.test(specifier)) // anything else is not a source
    .map((specifier) => ({ specifier: specifier.slice(1, -1), isType: false }))
  return [...named, ...passedOn, ...loaded]
}

/** The folder or the package that a file in this folder imports. */
function targetOf(name: string, specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:*'
  if (!specifier.startsWith('.')) return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
  const target = posix(dirname(join(placeOf(name), specifier)))
  return target === 'src' ? 'src' : target.slice('src/'.length)
}

/** The imports of a folder's files, and those of which they import only types. */
function importedBy({ name }: Folder): { may: string[]; mayTypes: string[] } {
  const all = globSync(`${placeOf(name)}/${SOURCES}`, { cwd: root })
    .flatMap(importsOf)
    .map(({ specifier, isType }) => ({ target: targetOf(name, specifier), isType }))
    .filter(({ target }) => target !== name)
  const may = new Set(all.filter(({ isType }) => !isType).map(({ target }) => target))
  const mayTypes = new Set(all.map(({ target }) => target).filter((target) => !may.has(target)))
  return { may: [...may].toSorted(), mayTypes: [...mayTypes].toSorted() }
}

describe('the folders of the sources', () => {
  it('each have a README whose first sentence gives their purpose', () => {
    for (const folder of ['src', ...globSync('src/**/', { cwd: root })].map((path) => join(path))) {
      const [title, sentence, may] = readFileSync(join(root, folder, 'README.md'), 'utf8')
        .trim()
        .split('\n\n')
      assert.equal(title, `# ${posix(folder).replace(/\/$/, '')}`)
      assert.match(sentence ?? '', /^[^\n]+[.]$/)
      assert.match(may ?? '', /^May import: [^\n]+[.]$/)
    }
  })

  it('declare what they import, and no more than that', () => {
    for (const folder of folders) {
      const { name, may, mayTypes } = folder
      assert.deepEqual(importedBy(folder), { may: may.toSorted(), mayTypes: mayTypes.toSorted() }, name)
    }
  })

  it('are imported in one direction', () => {
    const left = new Map(folders.map(({ name, may, mayTypes }) => [name, [...may, ...mayTypes]]))
    while (left.size > 0) {
      const next = [...left].find(([, imports]) => !imports.some((each) => left.has(each)))
      assert.ok(next, `a circle of ${[...left.keys()].join(', ')}`)
      left.delete(next[0])
    }
  })

  it('are in the order of CONTRIBUTING, each above everything that it imports', () => {
    const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
    const drawing = /```text\n(.*?)```/s.exec(text)?.[1] ?? ''
    const rows = drawing
      .trim()
      .split('\n')
      .map((row) => row.split(/ {2,}/)[0]!.split(' · '))
    const rowOf = (name: string): number => {
      const exact = rows.findIndex((row) => row.includes(name))
      return exact < 0 && name.includes('/') ? rowOf(dirname(name)) : exact
    }
    for (const { name, may, mayTypes } of folders) {
      assert.notEqual(rowOf(name), -1, `${name} is not in the drawing`)
      for (const other of [...may, ...mayTypes].filter((each) => names.has(each))) {
        const inside = name.split('/')[0] === other.split('/')[0] && rowOf(name) === rowOf(other)
        assert.ok(inside || rowOf(name) < rowOf(other), `${name} imports ${other}`)
      }
    }
  })

  it('have at most six files at the root', () => {
    assert.ok(globSync(`src/${SOURCES}`, { cwd: root }).length <= 6)
  })
})

describe('the linter', () => {
  it('refuses what a folder may not import, and nothing else', () => {
    inTemporaryFolder((project) => {
      const expected: string[] = []
      for (const { name, may, mayTypes } of folders) {
        const path = placeOf(name)
        mkdirSync(join(project, path), { recursive: true })
        const others = [
          ...names,
          'node:fs',
          'fs',
          'ioredis',
          'preact',
          '@nestjs/common',
          'recloser/storage',
        ].filter((each) => each !== name)
        const lines = others.flatMap((other, index) => {
          const specifier = names.has(other) ? `${pathTo(name, other)}/some.ts` : other
          const nodes = may.includes('node:*') && ['node:fs', 'fs'].includes(other)
          if (!may.includes(other) && !nodes) {
            expected.push(`${path}/some.ts:${2 * index + 1}`)
            if (!mayTypes.includes(other)) expected.push(`${path}/some.ts:${2 * index + 2}`)
          }
          return [`import { a${index} } from '${specifier}'`, `export type { B${index} } from '${specifier}'`]
        })
        writeFileSync(join(project, path, 'some.ts'), lines.join('\n'))
      }
      const found = lint(project, project, 'own.overrides', 'no-restricted-imports')
      assert.deepEqual(found.toSorted(), expected.toSorted())
    })
  })

  it('refuses paths with detours', () => {
    inTemporaryFolder((project) => {
      const specifiers = [
        '../core/../fleet/some.ts',
        './../fleet/some.ts',
        '..//fleet/some.ts',
        '../../src/fleet/some.ts',
        '../../test/some.ts',
        '../../package.json',
        '/src/fleet/some.ts',
      ]
      for (const extension of ['ts', 'tsx', 'mts', 'cts']) {
        mkdirSync(join(project, 'src/trip'), { recursive: true })
        const lines = specifiers.map((specifier, index) => `import { a${index} } from '${specifier}'`)
        writeFileSync(join(project, `src/trip/some.${extension}`), lines.join('\n'))
        const found = lint(project, project, 'own.overrides', 'no-restricted-imports')
        const expected = specifiers.map((_, index) => `src/trip/some.${extension}:${index + 1}`)
        assert.deepEqual(
          new Set(found.filter((place) => place.includes(`.${extension}:`))),
          new Set(expected),
        )
      }
    })
  })

  it('refuses a cycle of types', () => {
    inTemporaryFolder((project) => {
      mkdirSync(join(project, 'src'))
      writeFileSync(join(project, 'src/a.ts'), "import type { B } from './b.ts'\nexport type A = B[]\n")
      writeFileSync(join(project, 'src/b.ts'), "import type { A } from './a.ts'\nexport type B = { a: A }\n")
      assert.deepEqual(lint(project, project, 'own.overrides', 'no-cycle').toSorted(), [
        'src/a.ts:1',
        'src/b.ts:1',
      ])
    })
  })

  it('refuses a cycle with more than types, whichever files take part', () => {
    inTemporaryFolder((project) => {
      mkdirSync(join(project, 'src'))
      const listener = "import { Breaker } from './breaker.ts'\nexport const isBreaker = Breaker\n"
      const breaker = "import { isBreaker } from './listener.ts'\nexport const Breaker = isBreaker\n"
      writeFileSync(join(project, 'src/listener.ts'), listener)
      writeFileSync(join(project, 'src/breaker.ts'), breaker)
      const found = lint(project, project, 'own.overrides', 'no-cycle')
      assert.deepEqual(new Set(found), new Set(['src/breaker.ts:1', 'src/listener.ts:1']))
    })
  })

  it('would refuse exactly one cycle: the breaker, its listeners and its options', () => {
    inTemporaryFolder((folder) => {
      const files = lint(folder, root, '[]', 'no-cycle').map((place) => place.split(':')[0])
      assert.deepEqual(new Set(files), new Set(['src/breaker.ts', 'src/listener.ts', 'src/options.ts']))
    })
  })
})
