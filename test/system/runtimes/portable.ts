import { globSync } from 'node:fs'
import { join, sep } from 'node:path'

export const root: string = join(import.meta.dirname, '../../..')

/**
 * Tests that need V8's garbage collector or worker threads. All other unit and integration tests run anywhere, except
 * those below; the system tests are about the environment of the package.
 */
const NODE_ONLY = /^test\/integration\/(?:compare|leaks|simulate)\//

/** Integration tests whose libraries or servers exist only for Node. */
const FOR_NODE = /^test\/integration\/(?:ai-sdk|node|recipes)\//

const files = (): string[] =>
  globSync('test/{unit,integration}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] })
    .map((file) => file.split(sep).join('/'))
    .toSorted()

/** The portable test suite: the files that run on every runtime, relative to the project's root. */
export function portableTests(): string[] {
  return files()
    .filter((file) => !NODE_ONLY.test(file) && !FOR_NODE.test(file))
    .map((file) => `./${file}`)
}

/** The additional tests that run on every version of Node. */
export function nodeTests(): string[] {
  return files()
    .filter((file) => FOR_NODE.test(file))
    .map((file) => `./${file}`)
}
