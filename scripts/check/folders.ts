// Each folder of the sources says in its README what it may import; this makes it a rule of the linter.
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** What one folder may import. A folder is named by its path in `src`; `src` itself is the breaker and what belongs to it. */
export interface Folder {
  readonly name: string
  /** Folders, and packages with all that they export; `node:*` is whatever Node has. */
  readonly may: readonly string[]
  /** Folders and packages of which it may import types only. */
  readonly mayTypes: readonly string[]
}

/** What a file of TypeScript may be called. */
export const SOURCES = '*.{ts,tsx,mts,cts}'

const SENTENCE = /^May import: (?<may>.*?)(?:;? ?only types of (?<types>.*))?\.$/m

/**
 * What the README of each folder with sources says.
 *
 * @throws {Error} if a folder has none, or none that says it.
 */
export function readFolders(): Folder[] {
  const withSources = new Set(globSync(`src/**/${SOURCES}`, { cwd: root }).map((file) => dirname(file)))
  return [...withSources].toSorted().map((folder) => {
    const found = SENTENCE.exec(readFileSync(join(root, folder, 'README.md'), 'utf8'))
    if (!found?.groups) throw new Error(`Expected ${folder}/README.md to say "May import: …."`)
    return {
      name: folder.split(sep).slice(1).join('/') || 'src',
      may: readNames(found.groups['may']),
      mayTypes: readNames(found.groups['types']),
    }
  })
}

function readNames(text = ''): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

/** As much of an override in a configuration of oxlint as is used here. */
interface Override {
  files: string[]
  rules: Record<string, ['error', { patterns: Pattern[] }]>
}

type Pattern = ({ group: string[] } | { regex: string }) & { message: string; allowTypeImports?: boolean }

/** One rule per folder: it refuses the folders and the packages that its README does not name. */
export function folderRules(): Override[] {
  const folders = readFolders()
  const names = folders.map(({ name }) => name)
  return folders.map(({ name, may, mayTypes }) => {
    const place = placeOf(name)
    const specifiers = (others: readonly string[]): string[] =>
      others.filter((other) => names.includes(other)).map((other) => `${pathTo(name, other)}/*`)
    const named = new Set([name, ...may, ...mayTypes])
    const isNamed = (specifier: string): boolean =>
      named.has(specifier) || (named.has('node:*') && builtinModules.includes(specifier.replace('node:', '')))
    const message = `${place} may not import this: see ${place}/README.md`
    // Names, and no wildcards with exceptions: an exception would hold for the other patterns, too.
    const patterns: Pattern[] = [
      { group: specifiers(names.filter((other) => !named.has(other))), message },
      { regex: toRegex(packages().filter((other) => !isNamed(other))), message },
      {
        regex: `^(?:\\.\\./){${place.split('/').length}}`,
        message: 'Sources import nothing from outside of src',
      },
      { regex: DETOUR, message: 'Import by the shortest path' },
    ]
    if (mayTypes.length > 0) {
      const types = mayTypes.filter((other) => !names.includes(other))
      patterns.push({ group: specifiers(mayTypes), message, allowTypeImports: true })
      patterns.push({ regex: toRegex(types), message, allowTypeImports: true })
    }
    return {
      files: [`${place}/${SOURCES}`],
      rules: { 'eslint/no-restricted-imports': ['error', { patterns }] },
    }
  })
}

/** Ways to spell a path that are not the shortest: `../core/../fleet`, `./../fleet`, `..//fleet`, `/src/fleet`. */
const DETOUR = String.raw`[^/.]/\.\.?/|^\./\.|//|^/`

export const placeOf = (name: string): string => (name === 'src' ? 'src' : `src/${name}`)

/** From the files of one folder to another folder. */
export function pathTo(name: string, other: string): string {
  const path = relative(placeOf(name), placeOf(other)).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

/** All that could be imported from outside, the package itself included. */
function packages(): string[] {
  const { name, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string
    devDependencies?: object
    peerDependencies?: object
  }
  return [
    name,
    ...Object.keys({ ...manifest.devDependencies, ...manifest.peerDependencies }),
    ...builtinModules.flatMap((module) => [module, `node:${module}`]),
  ]
}

/** Matches these packages and what they export by paths, and nothing if there are none. */
function toRegex(names: readonly string[]): string {
  return `^(?:${names.join('|') || '//'})(?:/|$)`
}
