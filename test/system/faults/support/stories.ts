import { after, before, describe, it } from 'node:test'
import type { FleetSettings } from './fleet.ts'
import type { Fault, Stage } from './stage.ts'
import { Story } from './story.ts'

/** The state that a fleet is in when a fault happens. */
export type Moment = 'open' | 'closed' | 'isolated' | 'half-open'

/** An environment, and the faults that happen in it. */
export interface Setting {
  readonly where: string
  /** Defines the tests that take one fleet through all faults. */
  readonly tell: (client: string, moments: readonly Moment[]) => void
}

const survive = <On extends Stage>(story: Story<On>, fault: Fault<On>, moment: Moment): Promise<void> =>
  ({
    open: () => story.survivesOpen(fault),
    closed: () => story.survivesClosed(fault),
    isolated: () => (fault.readable ? story.survivesManualChange(fault) : story.survivesIsolated(fault)),
    'half-open': () => story.survivesHalfOpen(fault),
  })[moment]()

/** `where` completes "a fleet survives a …, that". */
export const setting = <On extends Stage>(
  where: string,
  begin: () => Promise<On>,
  faults: readonly Fault<On>[],
  settings: Partial<FleetSettings> = {},
): Setting => ({
  where,
  tell(client, moments) {
    let story: Story<On>
    before(async () => {
      story = await Story.begin(client, await begin(), settings)
    })
    after(() => story.end())
    for (const fault of faults) {
      for (const moment of moments) {
        it(`${fault.what}, while it is ${moment}`, async () => {
          try {
            await survive(story, fault, moment)
          } finally {
            await fault.tidy?.(story.stage)
          }
        })
      }
    }
  },
})

/** Takes one fleet per client and place through all faults. */
export function stories(
  clients: readonly string[],
  moments: readonly Moment[],
  places: readonly Setting[],
): void {
  // They wait most of the time, so they can run concurrently.
  describe('I1, I6: a fleet survives', { concurrency: true }, () => {
    for (const client of clients) {
      for (const { where, tell } of places) {
        describe(`a ${where}, with ${client}, that`, { concurrency: false }, () => tell(client, moments))
      }
    }
  })
}
