import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

/** The source of the main entry point. */
export const mainSource: string = join(root, 'src/index.ts')

/** What users import. */
export interface EntryPoint {
  /** Such as `recloser/fetch`. */
  readonly specifier: string
  /** What its files in `dist` are called, without an extension: `index`, `fetch`. */
  readonly name: string
  /** Its source, as an absolute path. */
  readonly source: string
}

/** The entry points, from the one list of them and their sources: the `paths` of tsconfig.json. */
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
