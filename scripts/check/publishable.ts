/**
 * `npm publish` runs it first: names what package.json lacks for a publication, and stops. Where the project lives is for
 * whoever publishes it to say.
 */
import { readFileSync } from 'node:fs'

const NEEDED = {
  repository: 'where the source is: { "type": "git", "url": "git+https://…" }',
  homepage: 'the address of the documentation',
  bugs: 'where problems are reported: { "url": "https://…" }',
}

/** What of it a manifest lacks. */
export function missingForPublication(manifest: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(NEEDED)
    .filter(([field]) => !isFilled(manifest[field]))
    .map(([field, what]) => `${field}: ${what}`)
}

/** npm takes an address, or an object that has one. */
function isFilled(value: unknown): boolean {
  const address = typeof value === 'object' && value !== null && 'url' in value ? value.url : value
  return typeof address === 'string' && address.trim() !== ''
}

if (process.argv[1] === import.meta.filename) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>
  const missing = missingForPublication(manifest)
  if (missing.length > 0) {
    console.error(
      `package.json lacks what a publication needs:\n${missing.map((each) => `  ${each}\n`).join('')}`,
    )
    process.exitCode = 1
  }
}
