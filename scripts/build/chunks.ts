import { join, relative, sep } from 'node:path'
import { rolldown, type CodeSplittingGroup, type Plugin } from 'rolldown'
import { mainSource, root } from './entry-points.ts'

/** Libraries that are bundled into the command line, together with their own dependencies. */
const BUNDLED = new Set(['eventsource-parser', 'string-width'])

/** Whether an import stays external: the runtime's own modules and peers are never bundled. */
export function isExternal(id: string, importer = ''): boolean {
  if (id.startsWith('node:')) return true
  return /^@?[a-z]/.test(id) && !BUNDLED.has(id) && !/[\\/]node_modules[\\/]/.test(importer)
}

/**
 * The shared files besides the core, and the folders and sources in each; the first match wins. Every file that an entry
 * point loads slows a cold start, and so does every source that it does not need.
 */
const CHUNKS: readonly (readonly [name: string, ...sources: string[]])[] = [
  ['operate', 'monitor/', 'metrics/', 'dashboard/', 'integrations/server/'],
  // Small, and used by HTTP clients, servers and models alike.
  ['classify', 'integrations/classify/'],
  // Exactly what the entry point of that name exports: in CommonJS the two are one file.
  ['adapter', 'integrations/adapter.ts', 'calls/supervised-call.ts', 'calls/watch.ts'],
  ['http', 'integrations/'],
  ['redis', 'storage/redis/'],
  ['fleet', 'core/generation/', 'fleet/', 'storage/'],
]

/**
 * Small sources that most entry points need, but not the main one; they are part of the core too. None may have a
 * static block, since a user's bundler cannot tree-shake those.
 */
const BASE = ['base/peer.ts', 'base/next-tick.ts', 'integrations/options.ts', 'storage/contract/limits.ts']

/** The folders and sources above, all of which must exist. */
export const grouped: readonly string[] = [...BASE, ...CHUNKS.flatMap(([, ...sources]) => sources)]

/** Returns which modules share a file. Everything that the main entry point needs is in one file, `core`. */
export async function chunkGroups(plugins: readonly Plugin[] = []): Promise<CodeSplittingGroup[]> {
  const bundle = await rolldown({ input: mainSource, external: isExternal, plugins: [...plugins] })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  const core = new Set(
    output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds.map(sourceOf) : [])),
  )
  // If the main entry point were shared, it would export the shared internals.
  core.delete(mainSource)
  return [
    { name: 'core', test: (id) => core.has(sourceOf(id)) || isIn(BASE, id), priority: 2 },
    { name: chunkOf, debugName: 'shared', minShareCount: 2, priority: 1 },
  ]
}

/** The source file of a module id, which may name a declaration. */
const sourceOf = (id: string): string => id.replace(/(?:\.d)?\.ts$/, '.ts')

const pathOf = (id: string): string => relative(join(root, 'src'), sourceOf(id)).split(sep).join('/')

const isIn = (sources: readonly string[], id: string): boolean =>
  sources.some((source) => pathOf(id).startsWith(source))

const chunkOf = (id: string): string | null => CHUNKS.find(([, ...sources]) => isIn(sources, id))?.[0] ?? null
