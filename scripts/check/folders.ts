// The README of each source folder declares what the folder may import; this file turns that into lint rules.
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'

const root = join(import.meta.dirname, '../..')

/**
 * What one folder may import. Folders are named by their path in `src`; `src` itself holds the breaker and its options.
 */
export interface Folder {
  readonly name: string
  /** Folders, and packages with all their exports; `node:*` means all modules of Node. */
  readonly may: readonly string[]
  /** Folders and packages that may be imported as types only. */
  readonly mayTypes: readonly string[]
}

/** The glob of all TypeScript source files. */
export const SOURCES = '*.{ts,tsx,mts,cts}'

const SENTENCE = /^May import: (?<may>.*?)(?:;? ?only types of (?<types>.*))?\.$/m

/**
 * Reads what the README of each source folder declares.
 *
 * @throws {Error} when a folder has no README, or its README declares no imports.
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

/** The subset of an oxlint override that this module uses. */
interface Override {
  files: string[]
  rules: Record<string, ['error', { patterns: Pattern[] }]>
}

type Pattern = ({ group: string[] } | { regex: string }) & { message: string; allowTypeImports?: boolean }

/** Returns one lint rule per folder that refuses the folders and packages that its README does not name. */
export function folderRules(): Override[] {
  const folders = readFolders()
  const names = folders.map(({ name }) => name)
  return folders.map(({ name, may, mayTypes }) => {
    const path = placeOf(name)
    const specifiers = (others: readonly string[]): string[] =>
      others.filter((other) => names.includes(other)).map((other) => `${pathTo(name, other)}/*`)
    const named = new Set([name, ...may, ...mayTypes])
    const isNamed = (specifier: string): boolean =>
      named.has(specifier) || (named.has('node:*') && builtinModules.includes(specifier.replace('node:', '')))
    const message = `${path} may not import this: see ${path}/README.md`
    // Explicit names rather than wildcards with exceptions: an exception would apply to the other patterns too.
    const patterns: Pattern[] = [
      { group: specifiers(names.filter((other) => !named.has(other))), message },
      { regex: toRegex(packages().filter((other) => !isNamed(other))), message },
      {
        regex: `^(?:\\.\\./){${path.split('/').length}}`,
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
      files: [`${path}/${SOURCES}`],
      rules: { 'eslint/no-restricted-imports': ['error', { patterns }] },
    }
  })
}

/** Matches paths that are not spelled the shortest way: `../core/../fleet`, `./../fleet`, `..//fleet`, `/src/fleet`. */
const DETOUR = String.raw`[^/.]/\.\.?/|^\./\.|//|^/`

export const placeOf = (name: string): string => (name === 'src' ? 'src' : `src/${name}`)

/** The relative path from the files of one folder to another folder. */
export function pathTo(name: string, other: string): string {
  const path = relative(placeOf(name), placeOf(other)).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

/** All packages that could be imported, including Node's modules and the package itself. */
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

/** Returns a pattern that matches these packages and their subpaths, or nothing if the list is empty. */
function toRegex(names: readonly string[]): string {
  return `^(?:${names.join('|') || '//'})(?:/|$)`
}
