import { build } from 'esbuild'
import { join } from 'node:path'
import { root } from './portable.ts'

/**
 * One of the files beside this one as plain JavaScript, with the built package inside it as a bundler of the user's
 * would put it, or left outside to be imported at run time.
 */
export async function bundle(file: string, recloser: 'inside' | 'outside'): Promise<string> {
  const result = await build({
    entryPoints: [join(root, 'test/system/runtimes', file)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: recloser === 'outside' ? ['recloser', 'recloser/*'] : [],
    // Not the project's tsconfig, which leads to the sources.
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  return result.outputFiles[0]?.text ?? ''
}
