import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/
const list = new Intl.ListFormat('en')

/**
 * Returns a comment with the licences of the libraries among the bundled modules, which must be included in every copy.
 * A licence that several libraries share appears once. Returns an empty string if all modules are ours.
 *
 * @throws {Error} when a library comes without its licence.
 */
export function licenceComment(modules: readonly string[]): string {
  const folders = new Map(
    modules.flatMap((path): [string, string][] => {
      const [folder, name] = FOLDER.exec(path) ?? []
      return folder === undefined || name === undefined ? [] : [[name, folder]]
    }),
  )
  if (folders.size === 0) return ''
  const licences = new Set(Array.from(folders.values(), readLicence))
  return `/*! This file contains ${list.format([...folders.keys()].toSorted())}.\n\n${[...licences].join('\n')}*/`
}

function readLicence(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`Expected a licence in ${folder}`)
  return readFileSync(join(folder, file), 'utf8')
}
