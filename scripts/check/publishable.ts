/**
 * Runs before `npm publish`: lists the fields that package.json lacks for a publication, and stops. Only the publisher
 * can say where the project lives.
 */
import { readFileSync } from 'node:fs'

const NEEDED = {
  repository: 'where the source is: { "type": "git", "url": "git+https://…" }',
  homepage: 'the address of the documentation',
  bugs: 'where problems are reported: { "url": "https://…" }',
}

/** Returns a line for each field that the manifest lacks. */
export function missingForPublication(manifest: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(NEEDED)
    .filter(([field]) => !isFilled(manifest[field]))
    .map(([field, description]) => `${field}: ${description}`)
}

/** Whether a field holds an address: npm accepts a string, or an object with a `url`. */
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
