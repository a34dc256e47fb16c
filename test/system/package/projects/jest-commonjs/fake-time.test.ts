import { fakeTimeCases } from './fake-time'

const cases = fakeTimeCases({
  install: () => jest.useFakeTimers(),
  advance: (ms) => jest.advanceTimersByTimeAsync(ms),
  uninstall: () => jest.useRealTimers(),
})

describe('the fake timers of Jest', () => {
  it.each(cases)('%s', async (_name, run) => {
    const [observed, expected] = await run()
    expect(observed).toEqual(expected)
  })
})
