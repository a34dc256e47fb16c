import * as fc from 'fast-check'
import { PATHS } from '../conformance/paths.ts'
import type { CallPath } from '../conformance/paths.ts'
import { parameters } from './parameters.ts'
import type { Happening, Readings, Rig } from './rig.ts'
import { scheduleOf } from './schedule.ts'
import type { Command } from './schedule.ts'
import { anySettings } from './settings.ts'
import type { Settings } from './settings.ts'

export type Property = (settings: Settings, commands: readonly Command[], path: CallPath) => Promise<void>

/** Checks a property for random settings, random schedules of such commands and every path of a call. */
export async function holds(
  command: fc.Arbitrary<Command>,
  property: Property,
  settings: fc.Arbitrary<Settings> = anySettings,
): Promise<void> {
  await fc.assert(fc.asyncProperty(settings, scheduleOf(command), anyPath, property), parameters)
}

/** Plays the commands. Returns the result of each, and everything that can be read after it. */
export async function playAndRead(
  rig: Rig,
  commands: readonly Command[],
): Promise<readonly (Happening | Readings)[]> {
  const seen: (Happening | Readings)[] = []
  for (const command of commands) seen.push(await rig.perform(command), rig.read())
  return seen
}

/** Takes all free permits, and returns their number. */
export function drain(rig: Rig): number {
  let taken = 0
  while (taken < 100 && rig.breaker.tryAcquire() !== undefined) taken += 1
  return taken
}

/** Any path of a call; a counterexample shows its name. */
const anyPath = fc
  .constantFrom(...PATHS)
  .map((path): CallPath =>
    Object.assign(Object.create(path) as CallPath, { [fc.toStringMethod]: () => path.name }),
  )
