import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { parseSync } from 'rolldown/utils'
import { pathTo, placeOf, readFolders, type Folder } from '../../../scripts/check/folders.ts'

const root = join(import.meta.dirname, '../../..')
const folders = readFolders()
const names = new Set(folders.map(({ name }) => name))

const posix = (path: string): string => path.split(sep).join('/')

/** Where oxlint, set up like the project, reports a rule: `file:line`. */
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

/** What a file imports and exports from, dynamically or as types too. */
function specifiersOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const { module } = parseSync(file, text, { lang: 'tsx' })
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.map((entry) => entry.moduleRequest?.value ?? ''),
    ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1)),
  ].filter((specifier) => specifier.startsWith('.'))
}

/** The folders that the files of a folder import. */
function importedBy({ name }: Folder): Set<string> {
  const place = placeOf(name)
  const targets = globSync(`${place}/*.{ts,tsx}`, { cwd: root })
    .flatMap(specifiersOf)
    .map((specifier) => posix(dirname(join(place, specifier))))
    .map((target) => (target === 'src' ? 'src' : target.slice('src/'.length)))
  return new Set(targets.filter((target) => target !== name))
}

describe('the folders of the sources', () => {
  it('say what they import, and no more than that', () => {
    for (const folder of folders) {
      const may = [...folder.may, ...folder.mayTypes].filter((each) => names.has(each))
      assert.deepEqual([...importedBy(folder)].toSorted(), may.toSorted(), folder.name)
    }
  })

  it('are imported one way', () => {
    const left = new Map(folders.map((each) => [each.name, importedBy(each)]))
    while (left.size > 0) {
      const next = [...left].find(([, imports]) => ![...imports].some((each) => left.has(each)))
      assert.ok(next, `a circle of ${[...left.keys()].join(', ')}`)
      left.delete(next[0])
    }
  })

  it('are in the order of CONTRIBUTING, each above all that it imports', () => {
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
    assert.ok(globSync('src/*.ts', { cwd: root }).length <= 6)
  })
})

describe('the linter', () => {
  it('refuses what a folder may not import, and nothing else', () => {
    inTemporaryFolder((project) => {
      const expected: string[] = []
      for (const { name, may, mayTypes } of folders) {
        const place = placeOf(name)
        mkdirSync(join(project, place), { recursive: true })
        const others = [...names, 'node:fs', 'ioredis', 'preact', '@nestjs/common'].filter(
          (each) => each !== name,
        )
        const lines = others.flatMap((other, index) => {
          const specifier = names.has(other) ? `${pathTo(name, other)}/some.ts` : other
          const nodes = may.includes('node:*') && other.startsWith('node:')
          if (!may.includes(other) && !nodes) {
            expected.push(`${place}/some.ts:${2 * index + 1}`)
            if (!mayTypes.includes(other)) expected.push(`${place}/some.ts:${2 * index + 2}`)
          }
          return [`import { a${index} } from '${specifier}'`, `export type { B${index} } from '${specifier}'`]
        })
        writeFileSync(join(project, place, 'some.ts'), lines.join('\n'))
      }
      const found = lint(project, project, 'own.overrides', 'no-restricted-imports')
      assert.deepEqual(found.toSorted(), expected.toSorted())
    })
  })

  it('refuses a circle of types', () => {
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

  it('would refuse one circle: the breaker, its listeners and its options', () => {
    inTemporaryFolder((folder) => {
      const files = lint(folder, root, '[]', 'no-cycle').map((place) => place.split(':')[0])
      assert.deepEqual(new Set(files), new Set(['src/breaker.ts', 'src/listener.ts', 'src/options.ts']))
    })
  })
})
