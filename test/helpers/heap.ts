import { setImmediate } from 'node:timers/promises'

/** Collects garbage until nothing more is freed: finalizers run between iterations of the event loop. */
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

/**
 * Bytes of heap for each object that `make` returns, as the mean over `count` objects. `drop` gets the objects that are
 * no longer needed.
 */
export async function bytesOfEach(
  make: () => object,
  count: number,
  drop: (objects: readonly (object | null)[]) => void = () => {},
): Promise<number> {
  const kept: (object | null)[] = Array.from({ length: count }, () => null)
  const fill = async (): Promise<number> => {
    const before = await heapUsed()
    for (let n = 0; n < count; n++) kept[n] = make()
    return ((await heapUsed()) - before) / count
  }
  const empty = (): void => {
    drop(kept)
    kept.fill(null)
  }
  // The first fill also pays for compiled code and hidden classes, so its result is dropped.
  await fill()
  empty()
  const bytes = await fill()
  empty()
  return bytes
}
