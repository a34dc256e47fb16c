// Runs every scenario against one library, in a process of its own: errors that some libraries throw end the process.
// Usage: node --expose-gc child.ts recloser|opossum|cockatiel
import FakeTimers from '@sinonjs/fake-timers'
import type { Result } from './compare.ts'
import { libraryNames, NotApplicable } from './library.ts'
import type { Library, LibraryName } from './library.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { World } from './world.ts'

const libraries: Record<LibraryName, () => Promise<Library>> = {
  recloser: async () => (await import('./adapter.recloser.ts')).recloser,
  opossum: async () => (await import('./adapter.opossum.ts')).opossum,
  cockatiel: async () => (await import('./adapter.cockatiel.ts')).cockatiel,
}

/** Drains the microtasks, and gives the process time to notice unhandled rejections. */
async function flush(): Promise<void> {
  for (let n = 0; n < 2; n++) await new Promise((resolve) => setImmediate(resolve))
}

async function run(library: Library, scenario: Scenario): Promise<Result> {
  const clock = FakeTimers.install({
    now: Date.UTC(2026, 0, 1),
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
  const world = new World(library, clock, flush)
  const notice = (error: unknown): unknown => world.uncaught.push(error)
  process.on('uncaughtException', notice)
  process.on('unhandledRejection', notice)
  try {
    const { right, seen } = await scenario.run(world)
    return { id: scenario.id, verdict: right ? 'right' : 'wrong', seen }
  } catch (error) {
    if (error instanceof NotApplicable) return { id: scenario.id, verdict: 'n/a', seen: error.message }
    return { id: scenario.id, verdict: 'broken', seen: String(error) }
  } finally {
    world.dispose()
    await flush()
    clock.uninstall()
    process.off('uncaughtException', notice)
    process.off('unhandledRejection', notice)
  }
}

const name = libraryNames.find((known) => known === process.argv[2])
if (!name) throw new TypeError(`Expected one of ${libraryNames.join(', ')}, got ${process.argv[2]}`)
const library = await libraries[name]()
const results: Result[] = []
for (const scenario of scenarios) results.push(await run(library, scenario))
process.stdout.write(JSON.stringify(results))
