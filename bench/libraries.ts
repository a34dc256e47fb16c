import { readFileSync } from 'node:fs'

// What is measured is what users get: the built package, not the source.
export * as recloser from 'recloser'
export * as dashboard from 'recloser/dashboard'
export * as fetchIntegration from 'recloser/fetch'
export * as monitor from 'recloser/monitor'
export * as redis from 'recloser/redis'
export * as storage from 'recloser/storage'
export * as undiciIntegration from 'recloser/undici'
export * as cockatiel from 'cockatiel'
export { default as Opossum } from 'opossum'

export const versions = {
  recloser: version('../package.json'),
  cockatiel: version('../node_modules/cockatiel/package.json'),
  opossum: version('../node_modules/opossum/package.json'),
  redis: version('../node_modules/redis/package.json'),
  undici: version('../node_modules/undici/package.json'),
  mitata: version('../node_modules/mitata/package.json'),
  node: process.version,
  v8: process.versions.v8,
}

function version(path: string): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  return manifest.version
}
