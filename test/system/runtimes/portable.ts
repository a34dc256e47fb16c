import { globSync } from 'node:fs'
import { join, sep } from 'node:path'

export const root: string = join(import.meta.dirname, '../../..')

/**
 * What needs V8's garbage collector, or worker threads, or libraries or servers that are for Node only. All else of the unit
 * and integration tests runs anywhere; the system tests are about what surrounds the package.
 */
const NODE_ONLY = /^test\/integration\/(?:compare|leaks|simulate)\//

/** Integrations whose libraries, or whose servers, are for Node. */
const FOR_NODE = /^test\/integration\/(?:ai-sdk|node|recipes)\//

const files = (): string[] =>
  globSync('test/{unit,integration}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] })
    .map((file) => file.split(sep).join('/'))
    .toSorted()

/** The one test suite: the files that run on every runtime, relative to the project's root. */
export function portableTests(): string[] {
  return files()
    .filter((file) => !NODE_ONLY.test(file) && !FOR_NODE.test(file))
    .map((file) => `./${file}`)
}

/** What runs on every Node beside that. */
export function nodeTests(): string[] {
  return files()
    .filter((file) => FOR_NODE.test(file))
    .map((file) => `./${file}`)
}
