import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { libraryNames } from './library.ts'
import type { LibraryName } from './library.ts'

export interface Result {
  readonly id: string
  /** `broken` means that the scenario itself failed, which says nothing about the library. */
  readonly verdict: 'right' | 'wrong' | 'n/a' | 'broken'
  /** The observed behavior, or why the scenario does not apply to the library. */
  readonly seen: string
}

export type Comparison = Readonly<Record<LibraryName, ReadonlyMap<string, Result>>>

/** Runs all scenarios against the installed versions of all libraries, each library in a process of its own. */
export async function compare(): Promise<Comparison> {
  const [recloser, opossum, cockatiel] = await Promise.all(libraryNames.map(runLibrary))
  if (!recloser || !opossum || !cockatiel) throw new Error('Expected a result for each library')
  return { recloser, opossum, cockatiel }
}

async function runLibrary(name: LibraryName): Promise<ReadonlyMap<string, Result>> {
  const child = fileURLToPath(new URL('child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', child, name], {
    // Far from UTC, with a half-hour offset: this exposes code that ignores the time zone.
    env: { ...process.env, TZ: 'Asia/Kolkata', NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined },
  })
  const results: Result[] = JSON.parse(stdout)
  return new Map(results.map((result) => [result.id, result]))
}

export function installedVersion(name: LibraryName): string {
  const path = name === 'recloser' ? '../../../package.json' : `../../../node_modules/${name}/package.json`
  const { version }: { version: string } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  return version
}
