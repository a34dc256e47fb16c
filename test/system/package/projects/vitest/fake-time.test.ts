import { describe, expect, it, vi } from 'vitest'
import { fakeTimeCases } from './fake-time.ts'

const cases = fakeTimeCases({
  install: () => vi.useFakeTimers(),
  advance: (ms) => vi.advanceTimersByTimeAsync(ms),
  uninstall: () => vi.useRealTimers(),
})

describe('the fake timers of Vitest', () => {
  it.each(cases)('%s', async (_name, run) => {
    const [observed, expected] = await run()
    expect(observed).toEqual(expected)
  })
})
