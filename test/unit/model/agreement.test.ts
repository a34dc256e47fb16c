import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { PATHS } from '../conformance/paths.ts'
import { agree } from './agreement.ts'
import { parameters } from './parameters.ts'
import { holds } from './property.ts'
import { Rig } from './rig.ts'
import { anything, lax, scheduleOf, traffic } from './schedule.ts'
import { anySettings, neverTripping } from './settings.ts'

describe('the breaker and a naive model that recounts everything', () => {
  for (const path of PATHS) {
    it(`agree after every step of ordinary traffic, by ${path.name}`, async () => {
      await fc.assert(
        fc.asyncProperty(anySettings, scheduleOf(traffic), (settings, commands) =>
          agree(new Rig(settings, path), commands),
        ),
        parameters,
      )
    })

    it(`agree after every step of anything at all, by ${path.name}`, async () => {
      await fc.assert(
        fc.asyncProperty(anySettings, scheduleOf(anything), (settings, commands) =>
          agree(new Rig(settings, path), commands),
        ),
        parameters,
      )
    })

    it(`agree at the end of anything at all that was never read, by ${path.name}`, async () => {
      await fc.assert(
        fc.asyncProperty(anySettings, scheduleOf(anything), (settings, commands) =>
          agree(new Rig(settings, path), commands, 'last'),
        ),
        parameters,
      )
    })
  }

  it('S23: agree on what would trip, and reject nothing, where nothing is enforced', () =>
    holds(lax, (settings, commands, path) =>
      agree(new Rig(settings, path), [{ do: 'mode', mode: 'observe' }, ...commands]),
    ))

  it('S17, S18: counts, rates and totals equal an O(n) recount, of full windows too', () =>
    holds(traffic, (settings, commands) => agree(new Rig(settings), commands), neverTripping))
})
