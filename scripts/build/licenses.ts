import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/
const list = new Intl.ListFormat('en')

/**
 * Returns a comment with the licenses of the libraries among the bundled modules, which must be included in every copy.
 * A license that several libraries share appears once. Returns an empty string if all modules are ours.
 *
 * @throws {Error} when a library comes without its license.
 */
export function licenseComment(modules: readonly string[]): string {
  const folders = new Map(
    modules.flatMap((path): [string, string][] => {
      const [folder, name] = FOLDER.exec(path) ?? []
      return folder === undefined || name === undefined ? [] : [[name, folder]]
    }),
  )
  if (folders.size === 0) return ''
  const licenses = new Set(Array.from(folders.values(), readLicense))
  return `/*! This file contains ${list.format([...folders.keys()].toSorted())}.\n\n${[...licenses].join('\n')}*/`
}

function readLicense(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`Expected a license in ${folder}`)
  return readFileSync(join(folder, file), 'utf8')
}
