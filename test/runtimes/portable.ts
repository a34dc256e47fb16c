import { globSync } from 'node:fs'
import { join, sep } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

/**
 * What needs a compiler, a packer, a browser, a server of its own or V8's garbage collector. Everything else under test/
 * runs anywhere, but for the integrations of what is for Node only.
 */
const NOT_PORTABLE = new Set([
  'browser',
  'compare',
  'docs',
  'faults',
  'leaks',
  'package',
  'runtimes',
  'types',
])

/** The one test suite: the files that run on every runtime, relative to the project's root. */
export function portableTests(): string[] {
  return globSync('test/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] })
    .map((file) => file.split(sep).join('/'))
    .filter(
      (file) => !NOT_PORTABLE.has(file.split('/')[1] ?? '') && !file.startsWith('test/integrations/node/'),
    )
    .map((file) => `./${file}`)
    .toSorted()
}
