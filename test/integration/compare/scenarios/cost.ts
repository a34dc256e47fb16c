import { bytesOfEach } from '../../../helpers/heap.ts'
import type { World } from '../world.ts'
import { finding } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

const IDLE = 2_000

export const cost: Scenario[] = [
  {
    id: 'failure-after-20000-calls',
    title: 'A failure costs the same after 20,000 calls as after 200',
    rules: 'S18',
    async run(world) {
      const many = await costOfFailure(world, 20_000)
      const few = await costOfFailure(world, 200)
      const times = Math.round(many / few)
      return finding(times < 10, {
        right: 'no dearer',
        wrong: `${times} times as much: ${(many / 1e6).toFixed(1)} ms of blocked event loop for each failure`,
      })
    },
  },
  {
    id: 'idle-timers',
    title: 'An idle breaker has no timers',
    rules: 'S12',
    async run(world) {
      for (let n = 0; n < 10; n++) world.guard({ failures: 3 })
      const each = world.timers / 10
      return finding(each === 0, { right: 'none', wrong: `${each} intervals per breaker` })
    },
  },
  {
    id: 'idle-memory',
    title: 'An idle breaker takes less than 1 kB',
    rules: 'S25',
    async run(world) {
      world.realTime()
      const bytes = await bytesOfEach(() => world.library.idle(), IDLE)
      const size = `${(bytes / 1_000).toFixed(1)} kB`
      return finding(bytes < 1_000, { right: size, wrong: size })
    },
  },
]

/** Nanoseconds of real time for the cheapest of thirty failures, after this many successes. */
async function costOfFailure(world: World, successes: number): Promise<number> {
  const guard = world.guard({ rate: { threshold: 0.5, minCalls: 20, window: 10_000 } })
  // Latencies vary, as they do in production.
  for (let n = 0; n < successes; n++) {
    const latency = ((n * 7_919) % 50) + 1
    void guard.call(() => new Promise((resolve) => setTimeout(resolve, latency)))
    if (n % 100 === 0) await world.pass(1)
  }
  await world.pass(50)
  let cheapest = Infinity
  for (let n = 0; n < 30; n++) {
    const start = process.hrtime.bigint()
    await world.fail(guard)
    cheapest = Math.min(cheapest, Number(process.hrtime.bigint() - start))
  }
  return cheapest
}
