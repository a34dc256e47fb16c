import { after, before, describe, it } from 'node:test'
import type { Fault } from './faults.ts'
import { Story } from './story.ts'

const TELL = {
  open: (story: Story, fault: Fault) => story.survivesOpen(fault),
  closed: (story: Story, fault: Fault) => story.survivesClosed(fault),
  isolated: (story: Story, fault: Fault) => story.survivesIsolated(fault),
  'half-open': (story: Story, fault: Fault) => story.survivesHalfOpen(fault),
}

/** The state that a fleet is in when a fault happens. */
export type Moment = keyof typeof TELL

/** Has one fleet per client and kind of fault go through all of these faults. */
export function stories(
  clients: readonly string[],
  moments: readonly Moment[],
  faults: Readonly<Partial<Record<'server' | 'network', readonly Fault[]>>>,
): void {
  // They wait most of the time, so they may do that together.
  describe('I1, I6: a fleet survives', { concurrency: true }, () => {
    for (const client of clients) {
      for (const [where, list] of Object.entries(faults)) {
        describe(`a ${where}, with ${client}, that`, { concurrency: false }, () => {
          let story: Story
          before(async () => {
            story = await Story.begin(client, where === 'network' ? 'network' : 'direct')
          })
          after(() => story.end())

          for (const fault of list) {
            for (const moment of moments)
              it(`${fault.what}, while it is ${moment}`, () => TELL[moment](story, fault))
          }
        })
      }
    }
  })
}
