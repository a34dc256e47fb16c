// Measures what an import costs, compared with the peers, each in its own process.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { entryPoints } from './libraries.ts'
import { rotated } from './measure.ts'
import { median } from './median.ts'

/** Import times in milliseconds, each the median of the rounds. */
export interface Imports {
  readonly opossum: number
  readonly cockatiel: number
  readonly entryPoints: readonly EntryPoint[]
}

export interface EntryPoint {
  readonly name: string
  readonly milliseconds: number
  /** The packages that it loads, which its users have anyway. */
  readonly packages: readonly string[]
  /** Milliseconds to import these packages alone. */
  readonly packagesAlone: number
  /** Milliseconds to import the entry point once these packages are loaded. */
  readonly added: number
}

/** An import to measure, once in each round. */
interface Import {
  readonly names: readonly string[]
  /** What the process imports first, untimed. */
  readonly loaded: readonly string[]
  readonly times: number[]
}

export const importMethod = `
An import is timed in a process of its own, without a compile cache, from before \`await import(x)\` until that is over.
Each round measures each once, each round from another start; the figure is the median of 11 rounds. What an entry point
adds to packages that its users have anyway is timed in a process that has loaded these first, so that Node's loader is
warm by then too: the difference of two long imports would be mostly noise.
`.trim()

const root = fileURLToPath(new URL('..', import.meta.url))

export function measureImports(quick: boolean): Imports {
  const all: Import[] = []
  const plan = (names: readonly string[], loaded: readonly string[] = []): Import => {
    const planned = { names, loaded, times: [] }
    all.push(planned)
    return planned
  }
  const opossum = plan(['opossum'])
  const cockatiel = plan(['cockatiel'])
  const entries = entryPoints.map((name) => {
    const packages = packagesOf(name)
    const whole = plan([name])
    if (packages.length === 0) return { name, packages, whole, alone: undefined, added: whole }
    return { name, packages, whole, alone: plan(packages), added: plan([name], packages) }
  })

  for (let round = 0; round < (quick ? 1 : 11); round++) {
    for (const { names, loaded, times } of rotated(all, round)) times.push(timeOf(names, loaded))
  }

  return {
    opossum: median(opossum.times),
    cockatiel: median(cockatiel.times),
    entryPoints: entries.map(({ name, packages, whole, alone, added }) => ({
      name,
      milliseconds: median(whole.times),
      packages,
      packagesAlone: alone ? median(alone.times) : 0,
      added: median(added.times),
    })),
  }
}

function timeOf(names: readonly string[], loaded: readonly string[]): number {
  return JSON.parse(
    execute(`
      for (const name of ${JSON.stringify(loaded)}) await import(name)
      const start = performance.now()
      for (const name of ${JSON.stringify(names)}) await import(name)
      console.log(performance.now() - start)`),
  ) as number
}

/** The packages that the built files of an entry point import. */
function packagesOf(entryPoint: string): readonly string[] {
  return JSON.parse(
    execute(`
      import { registerHooks } from 'node:module'
      const built = ${JSON.stringify(new URL('../dist/', import.meta.url).href)}
      const packages = new Set()
      registerHooks({
        resolve(name, context, next) {
          const found = next(name, context)
          const isOther = !found.url.startsWith(built) && !found.url.startsWith('node:')
          if (context.parentURL?.startsWith(built) && isOther) packages.add(name)
          return found
        },
      })
      await import(${JSON.stringify(entryPoint)})
      console.log(JSON.stringify([...packages]))`),
  ) as string[]
}

function execute(program: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  })
}
