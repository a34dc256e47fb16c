import { join, relative, sep } from 'node:path'
import { rolldown, type CodeSplittingGroup, type Plugin } from 'rolldown'
import { mainSource, root } from './entry-points.ts'

/** Libraries that the command line brings along, with whatever they need themselves. */
const BUNDLED = new Set(['eventsource-parser', 'string-width'])

/** The runtime's own modules and peers are never part of a bundle. */
export function isExternal(id: string, importer = ''): boolean {
  if (id.startsWith('node:')) return true
  return /^@?[a-z]/.test(id) && !BUNDLED.has(id) && !/[\\/]node_modules[\\/]/.test(importer)
}

/**
 * The shared files beside the core, and the sources in each; the first match wins. Every file that an entry point loads slows
 * a cold start, and so does every source that it does not need.
 */
const CHUNKS: readonly (readonly [name: string, sources: RegExp])[] = [
  ['operate', /^(?:monitor|metrics|dashboard|integrations\/server)\//],
  // Small, for HTTP clients, servers and models alike.
  ['classify', /^integrations\/classify\//],
  // What the entry point of that name exports, and nothing else: in CommonJS they are one file.
  ['adapter', /^(?:integrations\/adapter|calls\/(?:supervised-call|watch))\.ts$/],
  ['http', /^integrations\//],
  ['redis', /^storage\/redis\//],
  ['fleet', /^(?:core\/generation|fleet|storage)\//],
]

/**
 * Small sources that most entry points need, though not the main one; they are in the core too. None has a static block, since
 * a user's bundler cannot leave that out.
 */
const BASE = /^(?:base\/(?:peer|turn)|integrations\/options|storage\/contract\/limits)\.ts$/

/** Which modules share a file. All that the main entry point needs is one file, `core`. */
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
    { name: 'core', test: (id) => core.has(sourceOf(id)) || BASE.test(pathOf(id)), priority: 2 },
    { name: chunkOf, debugName: 'shared', minShareCount: 2, priority: 1 },
  ]
}

/** The source that a module was made from: itself, or the source of a declaration. */
const sourceOf = (id: string): string => id.replace(/(?:\.d)?\.ts$/, '.ts')

const pathOf = (id: string): string => relative(join(root, 'src'), sourceOf(id)).split(sep).join('/')

const chunkOf = (id: string): string | null =>
  CHUNKS.find(([, sources]) => sources.test(pathOf(id)))?.[0] ?? null
