import { join, relative, sep } from 'node:path'
import { rolldown, type CodeSplittingGroup, type Plugin } from 'rolldown'
import { mainSource, root } from './entry-points.ts'

/** Peers and what a runtime brings: never part of a bundle. */
export const isExternal = (id: string): boolean => /^(?:node:|@?[a-z])/.test(id)

/**
 * Where the sources stand that several entry points need, but for the core. Each further file makes a cold start slower, and
 * so does each that is loaded for little. The first that fits.
 */
const CHUNKS: readonly (readonly [name: string, sources: RegExp])[] = [
  ['operate', /^(?:monitor|metrics|dashboard|integrations\/server)\//],
  // Small, for HTTP clients and servers alike.
  ['classify', /^integrations\/(?:classify\/|http-status-error\.ts)/],
  ['http', /^integrations\//],
  ['redis', /^storage\/redis\//],
  ['fleet', /^(?:fleet|generation|storage)\//],
]

/**
 * Small, and needed in most places, though not by the main entry point. Nothing with a static block: no bundler of a user's
 * can leave that out.
 */
const BASE = /^(?:peer|recorder|storage\/(?:limits|turn))\.ts$/

/** Which modules share a file. All that the main entry point needs is one file, `core`. */
export async function chunkGroups(plugins: readonly Plugin[] = []): Promise<CodeSplittingGroup[]> {
  const bundle = await rolldown({ input: mainSource, external: isExternal, plugins: [...plugins] })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  const core = new Set(
    output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds.map(sourceOf) : [])),
  )
  // An entry point that is shared would export to everybody what is shared.
  core.delete(mainSource)
  return [
    { name: 'core', test: (id) => core.has(sourceOf(id)) || BASE.test(pathOf(id)), priority: 2 },
    { name: chunkOf, debugName: 'shared', minShareCount: 2, priority: 1 },
  ]
}

/** The source of a module that a plugin made of it. */
const sourceOf = (id: string): string => id.replace(/(?:\.d)?\.ts$/, '.ts')

const pathOf = (id: string): string => relative(join(root, 'src'), sourceOf(id)).split(sep).join('/')

const chunkOf = (id: string): string | null =>
  CHUNKS.find(([, sources]) => sources.test(pathOf(id)))?.[0] ?? null
