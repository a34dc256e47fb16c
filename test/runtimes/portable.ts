import { globSync } from 'node:fs'
import { join, sep } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

/**
 * What needs a compiler, a packer, a browser, a server of its own, worker threads or V8's garbage collector. Everything
 * else under test/ runs anywhere, but for some integrations.
 */
const NOT_PORTABLE = new Set([
  'browser',
  'compare',
  'docs',
  'faults',
  'leaks',
  'package',
  'runtimes',
  'simulate',
  'types',
])

/** Integrations whose libraries, or whose servers, are for Node. */
const FOR_NODE = /^test\/integrations\/(?:ai-sdk|node|recipes)\//

const files = (): string[] =>
  globSync('test/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] })
    .map((file) => file.split(sep).join('/'))
    .toSorted()

/** The one test suite: the files that run on every runtime, relative to the project's root. */
export function portableTests(): string[] {
  return files()
    .filter((file) => !NOT_PORTABLE.has(file.split('/')[1] ?? '') && !FOR_NODE.test(file))
    .map((file) => `./${file}`)
}

/** What runs on every Node beside that. */
export function nodeTests(): string[] {
  return files()
    .filter((file) => FOR_NODE.test(file))
    .map((file) => `./${file}`)
}
