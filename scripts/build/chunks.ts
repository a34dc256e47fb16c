import { relative, sep } from 'node:path'
import { rolldown, type CodeSplittingGroup } from 'rolldown'
import { root } from './entry-points.ts'

/** Peers and what a runtime brings: never part of a bundle. */
export const isExternal = (id: string): boolean => /^(?:node:|@?[a-z])/.test(id)

/**
 * Which modules share a file. All that the main entry point needs is one file, `core`: each further one makes a cold
 * start slower. What else several entry points need stands in one file per folder of the sources.
 */
export async function chunkGroups(main: string): Promise<CodeSplittingGroup[]> {
  const bundle = await rolldown({ input: main, external: isExternal })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  const core = new Set(output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : [])))
  return [
    { name: 'core', test: (id) => core.has(sourceOf(id)), priority: 2 },
    { name: folderOf, debugName: 'folder', minShareCount: 2, priority: 1 },
  ]
}

/** The source of a module that a plugin made of it. */
const sourceOf = (id: string): string => id.replace(/(?:\.d)?\.ts$/, '.ts')

/** The folder that a source is in, but for parts that must not bring the rest of their folder along. */
function folderOf(id: string): string {
  const [first = '', second = '', third] = relative(root, id).split(sep).slice(1)
  if (first === 'fleet' || first === 'generation') return 'storage'
  const isPart = third !== undefined && (first === 'integrations' || second === 'redis')
  return isPart ? second : first
}
