import { readFileSync } from 'node:fs'

// The benchmarks measure what users get: the built package, not the source.
export * as recloser from 'recloser'
export * as dashboard from 'recloser/dashboard'
export * as monitor from 'recloser/monitor'
export * as fetchIntegration from 'recloser/fetch'
export * as undiciIntegration from 'recloser/undici'
export * as redis from 'recloser/redis'
export * as storage from 'recloser/storage'
export * as cockatiel from 'cockatiel'
export { default as Opossum } from 'opossum'

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, unknown>>
}

const manifest = read('../package.json')

/** The entry points of recloser, the main one first. */
export const entryPoints: readonly string[] = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => path.replace('.', 'recloser'))

export const versions = {
  recloser: manifest.version,
  cockatiel: read('../node_modules/cockatiel/package.json').version,
  opossum: read('../node_modules/opossum/package.json').version,
  redis: read('../node_modules/redis/package.json').version,
  undici: read('../node_modules/undici/package.json').version,
  mitata: read('../node_modules/mitata/package.json').version,
  node: process.version,
  v8: process.versions.v8,
}

function read(path: string): Manifest {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Manifest
}
