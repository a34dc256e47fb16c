import { describe, it } from 'node:test'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import { ManualClock } from '../../../src/testing/clock.ts'
import { storageCases } from '../../../src/testing/storage-kit.ts'

const FOREIGN = { foreign: { user: 'data' }, newer: { recloser: 3 }, corrupt: { recloser: 2, state: 'ajar' } }

describe('MemoryStorage, checked by the conformance kit', () => {
  const clock = new ManualClock()
  let answering: Promise<void> | undefined
  const storage = new MemoryStorage({ clock, faults: { before: () => answering } })
  const cases = storageCases({
    connect: () => storage,
    clear: () => storage.clear(),
    setTime: (now) => clock.set(now),
    plant: (name, kind) => storage.plant(name, FOREIGN[kind]),
    hang: () => {
      let resume = (): void => {}
      answering = new Promise((resolve) => {
        resume = resolve
      })
      return () => {
        answering = undefined
        resume()
      }
    },
  })
  for (const { name, run } of cases) it(name, run)
})
