import { setImmediate } from 'node:timers/promises'

/** Collects until nothing more is freed: finalizers run between turns of the event loop. */
export async function collect(): Promise<void> {
  const { gc } = globalThis
  if (!gc) throw new Error('start node with --expose-gc')
  for (let round = 0; round < 10; round++) {
    await gc({ execution: 'async' })
    await setImmediate()
  }
}

export async function heapUsed(): Promise<number> {
  await collect()
  return process.memoryUsage().heapUsed
}
