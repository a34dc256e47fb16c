import { existsSync, readFileSync } from 'node:fs'
import type * as Recloser from '../src/index.ts'
import type * as Dashboard from '../src/dashboard/index.ts'
import type * as Fetch from '../src/integrations/fetch.ts'
import type * as Redis from '../src/storage/redis/index.ts'
import type * as Storage from '../src/storage/index.ts'
import type * as Undici from '../src/integrations/undici.ts'
import type * as Monitor from '../src/monitor/index.ts'

// What is measured is what users get: the built package, not the source.
const entry = new URL('../dist/index.js', import.meta.url)
if (!existsSync(entry)) throw new Error('Expected `dist`; run `npm run build`')

export const recloser: typeof Recloser = await import(entry.href)
export const dashboard: typeof Dashboard = await import(new URL('./dashboard/index.js', entry).href)
export const monitor: typeof Monitor = await import(new URL('./monitor/index.js', entry).href)
export const fetchIntegration: typeof Fetch = await import(new URL('./integrations/fetch.js', entry).href)
export const undiciIntegration: typeof Undici = await import(new URL('./integrations/undici.js', entry).href)
export const redis: typeof Redis = await import(new URL('./storage/redis/index.js', entry).href)
export const storage: typeof Storage = await import(new URL('./storage/index.js', entry).href)
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
