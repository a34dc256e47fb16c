import { buildSync } from 'esbuild'
import { join } from 'node:path'
import { createContext, runInContext, runInThisContext } from 'node:vm'
import type * as Recloser from '../../src/index.ts'

/** Loads a second copy of the package, as a duplicate install has it, in this realm or in a realm of its own. */
export function anotherCopy(realm: 'this realm' | 'another realm'): typeof Recloser {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, '../../src/index.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'copy',
    target: 'es2022',
  })
  const code = `(() => { ${outputFiles[0]?.text ?? ''}; return copy })()`
  if (realm === 'this realm') return runInThisContext(code) as typeof Recloser
  const { performance, setTimeout, clearTimeout, AbortController, AbortSignal, DOMException } = globalThis
  const host = { performance, setTimeout, clearTimeout, AbortController, AbortSignal, DOMException }
  return runInContext(code, createContext(host)) as typeof Recloser
}
