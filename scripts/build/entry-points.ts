import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

/** The source of the main entry point. */
export const mainSource: string = join(root, 'src/index.ts')

/** An entry point of the package, as users import it. */
export interface EntryPoint {
  /** The import specifier, for example `recloser/fetch`. */
  readonly specifier: string
  /** The base name of its files in `dist`, without an extension, for example `index` or `fetch`. */
  readonly name: string
  /** The absolute path of its source. */
  readonly source: string
}

/** Returns the entry points, read from `paths` in tsconfig.json, the only place that lists them. */
export function readEntryPoints(): EntryPoint[] {
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [source: string]> }
  }
  return Object.entries(compilerOptions.paths).map(([specifier, [source]]) => ({
    specifier,
    name: specifier.split('/')[1] ?? 'index',
    source: join(root, source),
  }))
}
