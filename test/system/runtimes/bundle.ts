import { build } from 'esbuild'
import { join } from 'node:path'
import { root } from './portable.ts'

/**
 * Bundles one of the files in this folder to plain JavaScript. The built package is either bundled with it, as a user's
 * bundler would, or left external and imported at run time.
 */
export async function bundle(file: string, recloser: 'inside' | 'outside'): Promise<string> {
  const result = await build({
    entryPoints: [join(root, 'test/system/runtimes', file)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: recloser === 'outside' ? ['recloser', 'recloser/*'] : [],
    // Not the project's tsconfig, whose paths point to the sources.
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  return result.outputFiles[0]?.text ?? ''
}
